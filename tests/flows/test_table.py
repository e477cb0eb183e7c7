"""Transcripts: segments in, and each direction as a line out. A gap is written [octets], an end |how."""

import pytest

from flows.witness import Witness
from packets import ACK, FIN, PSH, RST, SYN
from shadowtap.events import Chunk, Gap, How, Opened
from shadowtap.flows import Flows
from shadowtap.flows.table import (
    HOLE_LIMIT_NS,
    LINGER_NS,
    MAX_PIECES,
    QUIET_NS,
    UNACKED_WINDOWS,
)
from transcript import MASK, MS, C, S, Segment, Talk

SECOND = 1_000 * MS
WINDOW = 100 * MS


def exchange(talk: Talk) -> Talk:
    return talk.say(C, b"ask ").say(S, b"answer ")


def told(*segments: Segment, finish: bool = True) -> Witness:
    witness = Witness()
    for segment in segments:
        witness.feed(segment)
    return witness.finish(segments[-1].time_ns) if finish else witness


def without(talk: Talk, *lost: bytes) -> list[Segment]:
    return [segment for segment in talk.segments if segment.data not in lost or not segment.data]


def later(segments: list[Segment], ns: int) -> list[Segment]:
    return [segment._replace(time_ns=segment.time_ns + ns) for segment in segments]


# -- a life in order -------------------------------------------------------------------------------------------


def test_from_syn_to_fin() -> None:
    witness = told(*exchange(Talk().open()).close().segments)
    assert witness.text() == ("ask |fin", "answer |fin")
    opened = witness.events[0]
    assert isinstance(opened, Opened)
    assert str(opened.flow.a) == "10.0.0.1:40000"
    assert opened.flow.initiator == C
    assert witness.flows.counters.joined == 0


def test_chunks_know_their_place_time_and_what_the_other_side_had_read() -> None:
    talk = exchange(Talk().open())
    chunks = [event for event in told(*talk.segments).events if isinstance(event, Chunk)]
    assert [(chunk.end, chunk.ack) for chunk in chunks] == [(1005, 5001), (5008, 1005)]
    assert [chunk.time_ns for chunk in chunks] == [s.time_ns for s in talk.segments if s.data]


def test_numbers_start_where_they_are_told_to() -> None:
    witness = Witness(Flows(first_number=7)).feed(*exchange(Talk().open()).segments)
    assert list(witness.sides) == [7]


def test_data_in_syn_and_in_fin() -> None:
    talk = Talk()
    talk.put(C, SYN, b"early ")
    talk.put(S, SYN | ACK, b"bird ")
    talk.put(C, FIN | ACK, b"last")
    talk.put(S, FIN | ACK, b"word")
    assert told(*talk.segments).text() == ("early last|fin", "bird word|fin")


def test_data_in_syn_that_the_server_did_not_take_comes_again() -> None:
    syn = Segment(C, 1000, b"early", SYN)
    again = Segment(C, 1001, b"early bird", ACK, 5001)
    assert told(syn, Segment(S, 5000, flags=SYN | ACK, ack=1001), again).text()[C] == "early bird|end"


def test_numbers_wrap_around() -> None:
    for start in range(MASK - 12, MASK + 1):
        talk = Talk(mss=3, starts=(start, start - 5)).open()
        talk.say(C, b"0123456789").say(S, b"abcdefghij").close()
        assert told(*talk.segments).text() == ("0123456789|fin", "abcdefghij|fin")


# -- copies, overlap, order ------------------------------------------------------------------------------------


def test_copies_are_told_once() -> None:
    witness = told(*(copy for s in exchange(Talk().open()).close().segments for copy in (s, s, s)))
    assert witness.text() == ("ask |fin", "answer |fin")
    assert witness.flows.counters.retransmitted > 0


def test_a_keep_alive_probe_is_nothing_whatever_its_octet() -> None:
    talk = exchange(Talk().open())
    probe = Segment(C, talk.next[C] - 1, b"\0", ACK, talk.next[S], time_ns=talk.time_ns)
    bare = probe._replace(data=b"")
    talk.say(C, b"more")
    assert told(*talk.segments[:-2], probe, bare, probe, *talk.segments[-2:]).text()[C] == "ask more|end"


def test_a_retransmission_with_other_borders_adds_what_is_new() -> None:
    one, two = Segment(C, 100, b"abcdef", ACK), Segment(C, 103, b"DEFghi", ACK)
    assert told(one, two).text()[C] == "abcdefghi|end"
    assert told(one, Segment(C, 98, b"zzABCDEFGH", ACK)).text()[C] == "abcdefGH|end"


def test_what_waits_is_not_overwritten() -> None:
    first = Segment(C, 100, b"a", ACK)
    waits, wide = Segment(C, 103, b"de", ACK), Segment(C, 101, b"BCDEF", ACK)
    assert told(first, waits, wide).text()[C] == "aBCdeF|end"
    islands = [Segment(C, 102 + 4 * n, b"--", ACK) for n in range(5)]
    assert (
        told(first, *islands, Segment(C, 101, b"x" * 30, ACK)).text()[C]
        == "ax--xx--xx--xx--xx--xxxxxxxxxxx|end"
    )


def test_any_order_within_the_window() -> None:
    talk = Talk(mss=2).open().say(C, b"0123456789", acked=False)
    opening, rest = talk.segments[:3], talk.segments[3:]
    for order in ([4, 3, 2, 1, 0], [1, 0, 3, 2, 4], [2, 4, 0, 1, 3]):
        assert told(*opening, *(rest[n] for n in order)).text()[C] == "0123456789|end"


def test_fin_before_the_data_it_follows() -> None:
    talk = exchange(Talk().open()).close()
    fin, data = talk.segments[-4], talk.segments[3]
    assert fin.flags & FIN
    assert data.data == b"ask "
    others = [segment for segment in talk.segments if segment not in (fin, data)]
    assert told(*others[:3], fin, *others[3:], data).text() == ("ask |fin", "answer |fin")


def test_octets_behind_a_fin_belong_to_nobody() -> None:
    talk = Talk().open()
    fin = Segment(C, 1011, b"", FIN | ACK, 5001)
    beyond = Segment(C, 1061, b"beyond", ACK, 5001)
    witness = told(*talk.segments, fin, beyond, Segment(C, 1001, b"0123456789", ACK, 5001))
    assert witness.text()[C] == "0123456789|fin"
    assert witness.flows.counters.outside_window == 1


# -- joined mid-stream -------------------------------------------------------------------------------------------


def test_joined_mid_stream() -> None:
    witness = told(*exchange(Talk().open()).close().segments[3:])
    assert witness.text() == ("ask |fin", "answer |fin")
    assert isinstance(witness.events[0], Opened)
    assert witness.events[0].flow.initiator is None
    assert witness.flows.counters.joined == 1


def test_acknowledgements_and_fins_alone_open_nothing() -> None:
    witness = told(Segment(C, 1, flags=ACK, ack=9), Segment(C, 1, flags=FIN | ACK), Segment(S, 9, flags=RST))
    assert witness.events == []


def test_a_syn_that_comes_late_opens_nothing_new() -> None:
    talk = exchange(Talk().open())
    syn, syn_ack, _, *rest = talk.segments
    for place in range(len(rest)):
        order = [*rest[: place + 1], syn, syn_ack, *rest[place + 1 :]]
        assert told(*order).text() == ("ask |end", "answer |end")


def test_the_answer_to_a_syn_that_was_lost_tells_who_opened() -> None:
    witness = told(*exchange(Talk().open()).segments[1:])
    assert isinstance(witness.events[0], Opened)
    assert witness.events[0].flow.initiator == C
    assert witness.text() == ("ask |end", "answer |end")


def test_a_fin_that_comes_before_anything_else_of_its_direction() -> None:
    """Where the data come within the window they are told; where not, the direction ends all the same."""
    talk = Talk().say(C, b"ask ").say(S, b"late").close(S, C)
    data = next(segment for segment in talk.segments if segment.data == b"late")
    others = [segment for segment in talk.segments if segment is not data]
    assert told(*others[:4], data, *others[4:]).text() == ("ask |fin", "late|fin")
    witness = told(*others, finish=False).advance(talk.time_ns + WINDOW)
    assert witness.text() == ("ask |fin", "|fin")


# -- holes -----------------------------------------------------------------------------------------------------


def hole(*, acked: bool) -> tuple[Witness, int]:
    """A lost segment in the middle of three; the server's answer acknowledges all or nothing."""
    talk = Talk(mss=3).open().say(C, b"abcDEFghi", acked=False)
    if acked:
        talk.say(S, b"ok", acked=False)
    return told(*without(talk, b"DEF"), finish=False), talk.time_ns


def test_a_hole_is_given_up_when_it_was_acknowledged_and_the_window_has_gone_by() -> None:
    witness, now = hole(acked=True)
    assert witness.text()[C] == "abc"
    assert witness.advance(now + WINDOW).text()[C] == "abc[3]ghi"
    gap = next(event for event in witness.events if isinstance(event, Gap))
    assert (gap.length, gap.end, gap.cut) == (3, 1007, False)


def test_without_any_acknowledgement_it_waits_for_several_windows() -> None:
    witness, now = hole(acked=False)
    assert witness.advance(now + (UNACKED_WINDOWS - 1) * WINDOW).text()[C] == "abc"
    assert witness.advance(now + UNACKED_WINDOWS * WINDOW).text()[C] == "abc[3]ghi"


def test_a_peer_that_still_asks_for_it_makes_it_wait_for_a_slow_retransmission() -> None:
    """The loss was before the mirror, so the sender repeats the segment, however late."""
    witness, now = hole(acked=False)
    witness.feed(Segment(S, 5001, b"", ACK, 1004, time_ns=now))
    assert witness.advance(now + 6 * SECOND).text()[C] == "abc"
    witness.feed(Segment(C, 1004, b"DEF", ACK, 5001, time_ns=now + 7 * SECOND))
    assert witness.text()[C] == "abcDEFghi"
    witness, now = hole(acked=False)
    witness.feed(Segment(S, 5001, b"", ACK, 1004, time_ns=now))
    assert witness.advance(now + HOLE_LIMIT_NS).text()[C] == "abc[3]ghi"


def test_what_comes_after_its_hole_was_given_up_is_late() -> None:
    witness, now = hole(acked=True)
    witness.advance(now + WINDOW)
    witness.feed(Segment(C, 1004, b"DEF", ACK, 5001, time_ns=now + 2 * WINDOW))
    assert witness.finish().text()[C] == "abc[3]ghi|end"
    assert witness.flows.counters.retransmitted == 1


def test_several_holes_are_given_up_one_after_the_other() -> None:
    talk = Talk(mss=1).open().say(C, b"aBcDeFg", acked=False).say(S, b"ok", acked=False)
    witness = told(*without(talk, b"B", b"D", b"F"), finish=False)
    for step in range(1, 6):
        witness.advance(talk.time_ns + step * WINDOW)
    assert witness.text()[C] == "a[1]c[1]e[1]g"


def test_the_last_segments_before_a_fin_are_lost() -> None:
    """The FIN shows the hole, whether its acknowledgement is seen or not."""
    talk = Talk(mss=4).open().say(S, b"bodytail", acked=False).close(S, C)
    for acks in (True, False):
        kept = [s for s in without(talk, b"tail") if acks or s.direction == S or s.flags & (SYN | FIN)]
        witness = told(*kept, finish=False).advance(talk.time_ns + UNACKED_WINDOWS * WINDOW)
        assert witness.text() == ("|fin", "body[4]|fin")


def test_a_lost_tail_shows_by_the_acknowledgement_alone() -> None:
    talk = Talk(mss=4).open().say(C, b"headtail", acked=False).say(S, b"ok", acked=False)
    witness = told(*without(talk, b"tail"), finish=False).advance(talk.time_ns + WINDOW)
    assert witness.text()[C] == "head[4]"


def test_a_direction_that_is_not_mirrored_is_one_hole_after_another() -> None:
    talk = exchange(exchange(Talk().open()))
    witness = told(*(s for s in talk.segments if s.direction == S), finish=False)
    assert witness.advance(talk.time_ns + WINDOW).text() == ("[8]", "answer answer ")
    talk = exchange(exchange(Talk().open()))
    assert told(*(s for s in talk.segments if s.direction == C)).text()[C] == "ask ask |end"


def test_holes_that_are_open_at_the_end_are_told_before_the_end() -> None:
    witness, _ = hole(acked=False)
    assert witness.finish().text()[C] == "abc[3]ghi|end"


def test_a_cut_packet_is_a_gap_at_once() -> None:
    talk = Talk().open()
    cut = Segment(C, 1001, b"abc", ACK, 5001, missing=5)
    witness = told(*talk.segments, cut, Segment(C, 1009, b"i", ACK, 5001), finish=False)
    assert witness.text()[C] == "abc[5]i"
    assert [event.cut for event in witness.events if isinstance(event, Gap)] == [True]


def test_a_cut_packet_without_any_octet_is_a_gap_too() -> None:
    cut = Segment(C, 1001, b"", ACK, 5001, missing=8)
    assert told(*Talk().open().segments, cut).text()[C] == "[8]|end"


def test_cut_packets_wait_like_others() -> None:
    first, second = (Segment(C, seq, b"abc", ACK, 5001, missing=5) for seq in (1001, 1009))
    assert told(*Talk().open().segments, second, first, second).text()[C] == "abc[5]abc[5]|end"


def test_more_pieces_than_a_window_holds_give_the_hole_up() -> None:
    talk = Talk().open()
    islands = [Segment(C, 1002 + 2 * n, b"x", ACK, 5001, time_ns=talk.time_ns) for n in range(MAX_PIECES + 1)]
    witness = Witness().feed(*talk.segments, *islands)
    assert witness.text()[C] == "[1]x"
    assert witness.finish().sides[0][C].gap_bytes == MAX_PIECES + 1


class Looked(list):
    """Counts the pieces that are looked at."""

    looked_at = 0

    def __getitem__(self, at):
        found = super().__getitem__(at)
        Looked.looked_at += len(found) if isinstance(at, slice) else 1
        return found


def test_cut_packets_behind_a_hole_cost_no_more_than_others() -> None:
    """Each new piece is held against its neighbours only, which are found by bisection."""
    flows = Flows()
    witness = Witness(flows).feed(*Talk().open().segments)
    next(iter(flows._table.values())).streams[C].pending = Looked()
    Looked.looked_at = 0
    witness.feed(*(Segment(C, 1100 + 20 * n, b"x", ACK, 5001, missing=9) for n in range(2000)))
    assert 2000 < Looked.looked_at < 40 * 2000


# -- ends --------------------------------------------------------------------------------------------------------


def test_a_reset_ends_both_directions_one_window_later() -> None:
    talk = exchange(Talk().open())
    late = talk.put(C, ACK, b"late")
    talk.reset(S)
    order = [segment for segment in talk.segments if segment is not late]
    witness = told(*order, late._replace(time_ns=talk.time_ns), finish=False)
    assert witness.text() == ("ask late", "answer ")
    assert witness.advance(talk.time_ns + WINDOW).text() == ("ask late|reset", "answer |reset")


def test_a_reset_that_is_far_away_is_not_believed() -> None:
    talk = exchange(Talk().open())
    forged = Segment(C, talk.next[C] + (1 << 25), flags=RST, time_ns=talk.time_ns)
    witness = told(*talk.segments, forged, finish=False).advance(talk.time_ns + SECOND)
    assert witness.text() == ("ask ", "answer ")
    assert witness.flows.counters.outside_window == 1


def test_a_reset_that_comes_with_the_last_fin_leaves_nothing_to_watch() -> None:
    """Else every acknowledgement of every connection would be looked at from then on."""
    talk = exchange(Talk().open()).close(S)
    talk.put(C, FIN | RST | ACK)
    witness = told(*talk.segments, finish=False).advance(talk.time_ns + SECOND)
    assert witness.text() == ("ask |fin", "answer |fin")
    assert not witness.flows._watched


def test_half_closed() -> None:
    talk = Talk().open().say(C, b"ask").close(C).say(S, b"long ").say(S, b"answer").close(S)
    witness = told(*talk.segments)
    assert witness.text() == ("ask|fin", "long answer|fin")
    hows = [event for event in witness.events if not isinstance(event, Chunk)]
    assert [type(event).__name__ for event in hows] == ["Opened", "Closed", "Closed"]


def test_silence_ends_a_connection() -> None:
    talk = exchange(Talk().open())
    witness = Witness(Flows(idle_ns=SECOND)).feed(*talk.segments)
    assert witness.advance(talk.time_ns + SECOND - 3 * MS).text() == ("ask ", "answer ")
    assert witness.advance(talk.time_ns + SECOND).text() == ("ask |idle", "answer |idle")
    witness.feed(*later(Talk(starts=tuple(talk.next)).say(C, b"again").segments, 2 * SECOND))
    assert witness.text(1) == ("again", "")


def test_a_connection_attempt_that_is_refused_and_repeated_with_the_same_number() -> None:
    """As Windows does: the same SYN again, half a second after the RST."""
    syn = Segment(C, 1000, flags=SYN)
    refused = Segment(S, 0, flags=RST | ACK, ack=1001, time_ns=MS)
    witness = told(syn, refused, finish=False).advance(SECOND // 2)
    witness.feed(*later(exchange(Talk().open()).segments, SECOND)).finish()
    assert witness.text(max(witness.sides)) == ("ask |end", "answer |end")


# -- ports used again ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["fin", "reset", "nothing"])
def test_a_new_syn_is_a_new_connection(end: str) -> None:
    talk = exchange(Talk().open())
    if end == "fin":
        talk.close()
    elif end == "reset":
        talk.reset(C)
    again = later(exchange(Talk(starts=(70_000, 90_000)).open()).segments, 2 * MS)
    witness = told(*talk.segments, *again)
    assert witness.sides[0][C].closed is (
        How.FIN if end == "fin" else How.RESET if end == "reset" else How.REUSED
    )
    assert witness.text(1) == ("ask |end", "answer |end")


def test_a_late_copy_is_no_new_connection() -> None:
    talk = exchange(Talk().open()).close()
    witness = told(*talk.segments, finish=False)
    for segment in talk.segments:
        witness.feed(segment._replace(time_ns=talk.time_ns + LINGER_NS - 10 * MS))
    assert len(witness.finish().sides) == 1


def test_a_tombstone_does_not_stand_for_ever() -> None:
    talk = exchange(Talk().open()).close()
    witness = told(*talk.segments, finish=False).advance(talk.time_ns + LINGER_NS)
    assert witness.flows._table == {}
    witness.feed(*later(exchange(Talk()).segments, 2 * LINGER_NS))
    assert witness.finish().text(1) == ("ask |end", "answer |end")


def test_tombstones_are_limited_in_number() -> None:
    witness = Witness(Flows(connections=10))
    for number in range(50):
        talk = Talk(number=number).open().close()
        witness.feed(*talk.segments)
    assert len(witness.flows._table) <= 10


def test_ports_used_again_without_a_syn() -> None:
    """The SYN was lost, and the FIN before it; the new numbers lie far off in both directions."""
    talk = exchange(Talk().open())
    again = exchange(Talk(starts=(1 << 31, 1 << 30))).segments
    witness = told(*talk.segments, *later(again, 2 * QUIET_NS))
    assert witness.text(0) == ("ask |reused", "answer |reused")
    assert witness.text(1) == ("ask |end", "answer |end")


def test_a_stray_packet_does_not_end_a_connection_that_is_alive() -> None:
    talk = exchange(Talk().open())
    stray = Segment(C, 1 << 31, b"stray", ACK, 1 << 30, time_ns=talk.time_ns)
    talk.say(C, b"more ")
    witness = told(*talk.segments[:-2], stray, *talk.segments[-2:])
    assert witness.text() == ("ask more |end", "answer |end")
    assert witness.flows.counters.outside_window == 1


def test_a_stray_acknowledgement_is_no_hole() -> None:
    talk = exchange(Talk().open())
    stray = Segment(C, talk.next[C], b"", ACK, (talk.next[S] + (1 << 31)) & MASK, time_ns=talk.time_ns)
    assert told(*talk.segments, stray).text() == ("ask |end", "answer |end")


# -- long lives ------------------------------------------------------------------------------------------------


def test_an_acknowledgement_of_long_ago_shows_no_hole_after_two_gibibytes() -> None:
    """An answer was captured before what it acknowledges; 3 GiB later that number lies ahead again."""
    talk = Talk().open()
    witness = Witness().feed(*talk.segments)
    early = Segment(S, 5001, b"ok", ACK, 1005, time_ns=talk.time_ns)
    witness.feed(early, Segment(C, 1001, b"ask ", ACK, 5001, time_ns=talk.time_ns))
    witness.advance(talk.time_ns + MS)
    seq, big = 1005, 1 << 29
    for step in range(6):
        now = talk.time_ns + (2 + step) * MS
        witness.feed(Segment(C, seq & MASK, b"x", ACK, 5003, missing=big - 1, time_ns=now))
        seq += big
    witness.feed(Segment(C, seq & MASK, b"end", ACK, 5003, time_ns=now + MS))
    assert witness.advance(now + 20 * SECOND).text()[C].endswith("end")
    assert witness.finish().text()[C].endswith("end|end")


# -- limits ------------------------------------------------------------------------------------------------------


def test_the_least_recently_used_connections_give_way() -> None:
    witness = Witness(Flows(connections=10))
    for number in range(11):
        witness.feed(*later(exchange(Talk(number=number).open()).segments, number * MS))
    hows = [sides[C].closed for sides in witness.sides.values()]
    assert hows == [How.EVICTED] * 2 + [None] * 9
    assert witness.flows.counters.open_now == 9


def test_a_flood_of_connections_leaves_no_more_behind_than_are_kept() -> None:
    witness = Witness(Flows(connections=100))
    for tick in range(20):
        syns = [Segment(C, 5, b"", SYN, connection=tick * 1000 + n, time_ns=tick * MS) for n in range(1000)]
        witness.feed(*syns)
    flows = witness.flows
    assert flows.counters.opened == 20_000
    assert len(flows._round) <= 2 * 100 + 2000
    assert len(flows._table) <= 3 * 100 + 1000


def test_the_oldest_holes_give_way_when_too_much_waits() -> None:
    witness = Witness(Flows(buffer_bytes=1000))
    for number in range(3):
        talk = Talk(number=number, mss=400).open().say(C, b"x" * 800, acked=False)
        kept = [segment for segment in talk.segments if segment.seq != 1001 or not segment.data]
        witness.feed(*later(kept, number * MS))
    assert [sides[C].gap_bytes for sides in witness.sides.values()] == [400, 0, 0]
    assert witness.flows.counters.buffered_bytes == 800


def test_a_reset_without_a_connection_and_other_nonsense() -> None:
    every = [Segment(C, seq, data, flags, ack) for seq in (0, MASK) for data in (b"", b"x") for flags in range(64)
             for ack in (0, MASK)]  # fmt: skip
    told(*every)
    told(*reversed(every))


def test_pushes_and_urgent_data_are_data() -> None:
    assert told(Segment(C, 1, b"a", ACK | PSH), Segment(C, 2, b"b", ACK | 32)).text()[C] == "ab|end"
