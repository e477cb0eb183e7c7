"""What GoReplay loses or repeats because of how TCP cuts, repeats and numbers things; each was seen with its 2.0.0."""

import random
import struct

import packets
from goreplay.roads import OK, Road, again, answered, in_pieces, told
from runner.traffic import conversation, get, post
from transcript import C, S, Talk, frame


def test_jumbo_frames(road: Road) -> None:
    """It reads 1,526 bytes of a packet."""
    requests = [post("/a", random.Random(1).randbytes(30_000)), get("/b", "X: " + "x" * 8000)]
    frames = told(answered(Talk(mss=8961).open(), *requests).close())
    assert max(map(len, frames)) == 14 + 9001
    assert road(frames).requests == requests


def test_a_request_line_split_over_segments(road: Road) -> None:
    talk, requests = Talk().open(), []
    line_bytes = len("GET /000?q HTTP/1.1\r\n")
    for at in range(1, line_bytes):
        requests.append(get(f"/{at:03}?q"))
        in_pieces(talk, requests[-1][:at], requests[-1][at:])
    assert road(told(talk.close())).requests == requests


def test_the_end_of_the_header_split_over_segments(road: Road) -> None:
    talk, requests = Talk().open(), []
    for at in range(5):
        request = post(f"/{at}", b"body")
        end = request.find(b"\r\n\r\n")
        requests.append(request)
        in_pieces(talk, request[: end + at], request[end + at :])
    whole = post("/every", b"octet in a segment of its own")
    in_pieces(talk, *(whole[at : at + 1] for at in range(len(whole))))
    assert road(told(talk.close())).requests == [*requests, whole]


def test_a_request_line_longer_than_a_segment(road: Road) -> None:
    requests = [get("/" + "long" * 2000), get("/after")]
    assert road(told(answered(Talk().open(), *requests).close())).requests == requests


def test_several_pipelined_requests_in_one_segment(road: Road) -> None:
    requests = [get("/0"), post("/1", b"one"), get("/2"), post("/3", b""), get("/4")]
    talk = Talk().open().say(C, b"".join(requests)).say(S, OK * len(requests))
    assert road(told(talk.close())).requests == requests


def test_pipelined_requests_that_share_segments(road: Road) -> None:
    requests = [post(f"/{n}", bytes([65 + n]) * 700) for n in range(20)]
    talk = Talk().open().say(C, b"".join(requests)).say(S, OK * len(requests))
    assert road(told(talk.close())).requests == requests


def test_an_overlapping_retransmission(road: Road) -> None:
    """A part is sent again, in other borders and together with what is new; where copies differ the first one counts."""
    request = post("/overlap", random.Random(2).randbytes(4000))
    talk = Talk(mss=1000).open().say(C, request, acked=False)
    one, two, three, four, five = (segment for segment in talk.segments if segment.data)
    changed = again(two, begin=300)._replace(data=b"?" * 400)
    talk.segments = [
        *talk.segments[:3],
        one,
        again(one, begin=500, more=two.data[:300]),
        two,
        changed,
        again(two, begin=900, more=three.data + four.data[:200]),
        four,
        three,
        five,
    ]
    answered(talk, get("/after"))
    assert road(told(talk.close())).requests == [request, get("/after")]


def test_an_acknowledgement_that_advances_during_a_request(road: Road) -> None:
    """The answer to the first request comes while the second is being sent."""
    first, second = get("/first"), post("/second", b"s" * 3000)
    talk = Talk().open().say(C, first)
    talk.put(C, packets.ACK, second[:500])
    talk.put(S, packets.ACK | packets.PSH, OK[:20])
    talk.put(C, packets.ACK, second[500:1500])
    talk.put(S, packets.ACK | packets.PSH, OK[20:])
    talk.put(C, packets.ACK | packets.PSH, second[1500:])
    acknowledged = {segment.ack for segment in talk.segments if segment.data and segment.direction == C}
    assert len(acknowledged) == 3
    assert road(told(talk.say(S, OK).close())).requests == [first, second]


def test_sequence_numbers_that_wrap_around(road: Road) -> None:
    """At every octet of the head, and in the middle of the body; of both directions."""
    request = post("/wrapped", b"w" * 2000)
    places = [*range(0, request.find(b"\r\n\r\n") + 6, 3), 1000, 1447, 1448, 1449, len(request)]
    frames, requests = [], []
    for number, before in enumerate(places):
        octets = request.replace(b"/wrapped", b"/%07d" % before)
        starts = ((1 << 32) - 1 - before) & 0xFFFFFFFF, (1 << 32) - 1 - before % len(OK)
        talk = answered(Talk(starts=starts, number=number).open(), octets, get(f"/{before}/after")).close()
        frames += told(talk)
        requests += [octets, get(f"/{before}/after")]
    assert sorted(road(frames).requests) == sorted(requests)


def test_an_inner_vlan_tag(road: Road) -> None:
    requests = [get("/tagged"), post("/body", b"b" * 3000)]
    frames = told(answered(Talk().open(), *requests).close())
    for tags in ([0x8100], [0x88A8, 0x8100]):
        tag = b"".join(struct.pack(">HH", kind, 5) for kind in tags)
        assert road([octets[:12] + tag + octets[12:] for octets in frames]).requests == requests


def test_a_whole_request_sent_again_is_replayed_once(road: Road) -> None:
    """At once, after the answer, and when the connection has ended."""
    request = post("/once", b"o" * 2000)
    talk = answered(Talk().open(), request)
    copies = [segment for segment in talk.segments if segment.data and segment.direction == C]
    first_copy = talk.segments.index(copies[-1]) + 1
    talk.segments[first_copy:first_copy] = copies
    talk.segments += copies
    answered(talk, get("/after")).close()
    talk.segments += copies
    assert road(told(talk)).requests == [request, get("/after")]


def test_the_port_filter_holds_inside_vxlan(road: Road) -> None:
    wanted = [get("/wanted/0"), get("/wanted/1")]
    frames = conversation(1, wanted, server="10.0.1.20:80")
    frames += conversation(2, [get("/other")], server="10.0.1.20:8081")
    assert road(frames, ports=[80]).requests == wanted


def test_a_lost_packet_costs_its_own_message_only(road: Road) -> None:
    """1 % of the packets of 20 KB uploads, as on a mirror under load: whatever was not hit arrives."""
    dice = random.Random(3)
    frames, survivors, hit = [], [], 0
    for number in range(10):
        talk = Talk(number=number).open()
        begun = len(talk.segments)
        kept = list(talk.segments)
        for n in range(30):
            request = post(f"/{number}/{n}", dice.randbytes(20_000))
            answered(talk, request)
            sent, begun = talk.segments[begun:], len(talk.segments)
            lost = [segment for segment in sent if dice.random() < 0.01]
            kept += [segment for segment in sent if segment not in lost]
            if any(segment.data and segment.direction == C for segment in lost):
                hit += 1
            else:
                survivors.append(request)
        frames += [frame(segment) for segment in kept]
        frames += told(talk.close())[begun:]
    assert 20 < hit < 100
    arrived = road(frames)
    assert sorted(arrived.requests) == sorted(survivors)
    assert sum(arrived.incomplete.values()) <= hit
