"""Which answer belongs to which request, in transcripts of what was lost."""

import pytest

from messages.hearing import Hearing, hear
from shadowtap.messages import pairing
from transcript import MS, C, S, Segment, Talk

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def get(name: object) -> bytes:
    return f"GET /{name} HTTP/1.1\r\nHost: a\r\n\r\n".encode()


def post(name: object, body: bytes) -> bytes:
    return f"POST /{name} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


class Script:
    """Writes a connection down packet by packet; packets in `lost` were sent and not captured."""

    def __init__(self, *, opened: bool = True) -> None:
        self.talk = Talk()
        if opened:
            self.talk.open()
        self.lost: list[Segment] = []

    def put(self, direction: int, *packets: bytes, lost: bool = False) -> "Script":
        for packet in packets:
            self.talk.say(direction, packet, acked=False)
            if lost:
                self.lost.append(self.talk.segments[-1])
        return self

    def ask(self, *names: object, lost: bool = False) -> "Script":
        """Requests, a packet each."""
        return self.put(C, *map(get, names), lost=lost)

    def answer(self, count: int = 1, *, lost: bool = False) -> "Script":
        """Answers, a packet each."""
        return self.put(S, *[OK] * count, lost=lost)

    def hear(self) -> Hearing:
        return hear([segment for segment in self.talk.segments if segment not in self.lost])

    def pairs(self) -> list[str]:
        """The exchanges, in short."""
        return [line.replace(" -> 200 +2", " ok") for line in self.hear().lines if "->" in line]


# -- nothing is lost -------------------------------------------------------------------------------------------------


def test_one_at_a_time() -> None:
    assert Script().ask(0).answer().ask(1).answer().pairs() == ["/0 ok", "/1 ok"]


def test_a_burst() -> None:
    assert Script().ask(0, 1, 2).answer(3).ask(3).answer().pairs() == ["/0 ok", "/1 ok", "/2 ok", "/3 ok"]


def test_a_sliding_window() -> None:
    script = Script().ask(0, 1)
    for number in range(2, 6):
        script.answer().ask(number)
    assert script.answer(2).pairs() == [f"/{number} ok" for number in range(6)]


def test_interim_answers_are_exchanges_of_their_own_and_answer_nothing() -> None:
    script = Script().put(C, post(0, b"ab")[:-2]).put(S, CONTINUE).put(C, b"ab").answer()
    assert script.ask(1).put(S, CONTINUE, CONTINUE).answer().pairs() == [
        "/0 -> 100", "/0 ok", "/1 -> 100", "/1 -> 100", "/1 ok",
    ]  # fmt: skip


def test_an_answer_before_the_end_of_its_request() -> None:
    script = Script().put(C, post(0, b"a" * 10)[:-9]).answer().put(C, b"a" * 9)
    assert script.ask(1).answer().pairs() == ["/0 ok", "/1 ok"]


def test_more_early_answers_than_a_server_sends() -> None:
    script = Script().put(C, post(0, b"ab")[:-1]).put(S, *[CONTINUE] * (pairing.MAX_EARLY + 2)).put(C, b"b")
    pairs = script.answer().pairs()
    assert pairs.count("? -> 100") == 2
    assert pairs.count("/0 -> 100") == pairing.MAX_EARLY


def test_two_final_answers_before_the_end_of_a_request() -> None:
    assert Script().put(C, post(0, b"ab")[:-1]).answer(2).put(C, b"b").ask(1).answer().pairs() == [
        "/0 ok", "? ok", "/1 ok",
    ]  # fmt: skip


def test_an_answer_nobody_asked_for() -> None:
    assert Script().ask(0).answer(2).ask(1).answer().pairs() == ["/0 ok", "? ok", "/1 ok"]


# -- a client that waits ---------------------------------------------------------------------------------------------


def test_a_lost_request_costs_its_own_exchange() -> None:
    assert Script().ask(0).answer().ask(1, lost=True).answer().ask(2).answer().pairs() == [
        "/0 ok", "? ok lost", "/2 ok",
    ]  # fmt: skip


def test_a_lost_answer_costs_its_own_exchange() -> None:
    assert Script().ask(0).answer().ask(1).answer(lost=True).ask(2).answer().pairs() == [
        "/0 ok", "/1 -> ?", "/2 ok",
    ]  # fmt: skip


def test_lost_from_the_start() -> None:
    assert Script().ask(0, lost=True).answer().ask(1).answer().pairs() == ["? ok lost", "/1 ok"]
    assert Script().ask(0).answer(lost=True).ask(1).answer().pairs() == ["/0 -> ?", "/1 ok"]


def test_several_requests_in_one_hole() -> None:
    script = Script().ask(0).answer()
    for number in (1, 2, 3):
        script.ask(number, lost=True).answer()
    assert script.ask(4).answer().pairs() == ["/0 ok", "? ok lost", "? ok lost", "? ok lost", "/4 ok"]


def test_a_request_whose_end_was_lost_keeps_its_answer() -> None:
    script = Script().put(C, b"POST /0 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
    script.put(C, b"5\r\nhello\r\n", lost=True).put(C, b"0\r\n\r\n").answer()
    assert script.ask(1).answer().pairs() == ["/0 ok", "/1 ok"]


def test_an_exchange_that_is_lost_altogether_leaves_the_next_in_doubt_until_the_client_speaks_again() -> None:
    script = Script().ask(0).answer().ask(1, lost=True).answer(lost=True).ask(2).answer()
    hearing = hear([segment for segment in script.talk.segments if segment not in script.lost])
    assert hearing.lines[-2:] == ["? -> 200 +2", "/2 -> ?"]
    script.ask(3).answer()
    assert script.pairs() == ["/0 ok", "/2 ok", "/3 ok"]


def test_the_end_of_the_servers_stream_settles_it_too() -> None:
    script = Script().ask(0).answer().ask(1, lost=True).answer(lost=True).ask(2).answer()
    script.talk.close(S, C)
    assert script.pairs() == ["/0 ok", "/2 ok"]


def test_a_lost_fin_is_no_lost_request() -> None:
    script = Script().ask(0)
    script.talk.close(C)
    script.lost.append(next(segment for segment in script.talk.segments if segment.flags & 1))
    assert script.answer().pairs() == ["/0 ok"]


# -- bursts ----------------------------------------------------------------------------------------------------------


def test_a_request_lost_within_a_burst() -> None:
    script = Script().ask(0).ask(1, lost=True).ask(2).answer(3).ask(3).answer()
    assert script.pairs() == ["/0 ok", "? ok lost", "/2 ok", "/3 ok"]


def test_the_front_of_a_burst_is_lost_and_its_answers_are_not_mixed_up() -> None:
    pairs = Script().ask(0, lost=True).ask(1, 2).answer(3).ask(3).answer().pairs()
    assert pairs == ["? ok", "? ok", "/1 -> ?", "/2 ok", "/3 ok"]


def test_an_answer_lost_within_a_burst() -> None:
    script = Script().ask(0, 1, 2).answer().answer(lost=True).answer().ask(3).answer()
    assert script.pairs() == ["/0 ok", "/1 -> ?", "/2 ok", "/3 ok"]


def test_the_only_request_of_a_burst_that_was_seen_does_not_get_the_first_answer() -> None:
    """As a client that waits would look, until the second answer comes."""
    script = Script().ask(0).answer().ask(1, lost=True).answer(lost=True)
    script.ask(2, lost=True).ask(3).answer(2).ask(4).answer()
    assert script.pairs() == ["/0 ok", "? ok", "/3 ok", "/4 ok"]


def test_behind_an_answer_that_may_have_a_body_a_hole_may_have_held_another() -> None:
    """Of a HEAD and a GET, it cannot be told which one is answered by a promise of 100 octets; 38 are lost."""
    promise = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
    script = Script().ask(0, lost=True).answer(lost=True)
    script.put(C, get(1).replace(b"GET", b"HEAD")).put(S, promise)
    script.put(C, get(2).replace(b"GET", b"HEAD"), get(3)).put(S, promise[:40], lost=True).answer()
    assert script.pairs() == ["/1 -> 200", "? ok", "/2 -> ?", "/3 -> ?"]


# -- a sliding window ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", [C, S])
def test_behind_a_loss_a_sliding_window_gets_no_pairs(lost: int) -> None:
    script = Script().ask(0, 1).answer().ask(2).answer().ask(3)
    script.answer(lost=lost == S).ask(4, lost=lost == C)
    for number in range(5, 9):
        script.answer().ask(number)
    pairs = script.answer(2).pairs()
    assert pairs[:2] == ["/0 ok", "/1 ok"]
    for number in range(4, 9):
        assert f"/{number} ok" not in pairs


# -- joined mid-stream -----------------------------------------------------------------------------------------------


def test_joined_in_an_idle_moment() -> None:
    assert Script(opened=False).ask(0).answer().pairs() == ["/0 ok"]
    assert Script(opened=False).ask(0).answer().ask(1).answer().pairs() == ["/0 ok", "/1 ok"]


def test_joined_while_an_answer_comes() -> None:
    script = Script(opened=False).ask(0, lost=True).put(S, OK[:-1], lost=True).put(S, OK[-1:]).ask(1)
    hearing = script.answer().hear()
    assert hearing.lines == ["GET /1", "/1 -> 200 +2", "end"]


def test_joined_within_a_burst() -> None:
    script = Script(opened=False).ask(0, lost=True).ask(1).answer(2).ask(2).answer()
    assert script.pairs() == ["? ok", "/1 ok", "/2 ok"]


def test_the_servers_first_octets_are_not_known() -> None:
    """The SYN was seen, its answer and the server's first packets were not."""
    script = Script().ask(0).answer(lost=True).ask(1).answer()
    script.lost += script.talk.segments[1:3]
    assert script.pairs() == ["/0 -> ?", "/1 ok"]


# -- one direction, limits -------------------------------------------------------------------------------------------


def test_only_requests() -> None:
    script = Script(opened=False)
    for number in range(3):
        script.ask(number).answer(lost=True)
    assert script.pairs() == ["/0 -> ?", "/1 -> ?", "/2 -> ?"]


def test_only_answers() -> None:
    script = Script(opened=False)
    for number in range(3):
        script.ask(number, lost=True).answer()
    assert script.pairs() == ["? ok", "? ok", "? ok"]


def test_too_many_requests_wait() -> None:
    script = Script(opened=False)
    for number in range(pairing.MAX_WAITING + 3):
        script.ask(number).answer(lost=True)
    hearing = Hearing().hear(*[segment for segment in script.talk.segments if segment not in script.lost])
    assert [line for line in hearing.lines if "->" in line] == ["/0 -> ?", "/1 -> ?", "/2 -> ?"]
    hearing.hear(
        *[segment._replace(time_ns=hearing.now_ns + MS) for segment in script.ask("x").talk.segments[-1:]]
    )
    hearing.hear(
        *[segment._replace(time_ns=hearing.now_ns + MS) for segment in script.answer().talk.segments[-1:]]
    )
    hearing.end()
    assert "/x -> 200 +2" in hearing.lines


def test_too_many_octets_wait() -> None:
    script, body = Script(opened=False), b"a" * 1000
    talk = script.talk
    talk.mss = 1 << 20
    for number in range(40):
        script.put(C, post(number, body * 200)).answer(lost=True)
    hearing = Hearing().hear(*[segment for segment in talk.segments if segment not in script.lost])
    given_up = sum("->" in line for line in hearing.lines)
    assert 40 - given_up == (pairing.MAX_WAITING_BYTES >> 4) // 200_000


def test_bodies_that_were_answered_do_not_count() -> None:
    script = Script()
    script.talk.mss = 1 << 20
    for number in range(200):
        script.put(C, post(number, b"a" * 200_000)).answer()
    assert script.pairs() == [f"/{number} ok" for number in range(200)]
