"""One direction's state: pieces that wait, sorted and without overlap."""

from hypothesis import given
from hypothesis import strategies as st

from shadowtap.flows.stream import Piece, Stream
from transcript import MASK

PIECES = st.lists(st.tuples(st.integers(1, 60), st.binary(min_size=1, max_size=20)), max_size=12)


def stream(at: int) -> Stream:
    found = Stream()
    found.start(at)
    return found


def piece(seq: int, data: bytes, missing: int = 0) -> Piece:
    return Piece(seq & MASK, data, missing, 0, -1)


@given(PIECES, st.sampled_from([0, 1000, MASK - 30]))
def test_what_waits_is_sorted_and_the_first_copy_of_every_octet(
    pieces: list[tuple[int, bytes]], at: int
) -> None:
    model: dict[int, int] = {}
    waiting = stream(at)
    kept = 0
    for ahead, data in pieces:
        kept += waiting.wait(piece(at + ahead, data))
        for place, octet in enumerate(data, ahead):
            model.setdefault(place, octet)
    flat = [((part.seq - at) & MASK, part.data) for part in waiting.pending]
    assert flat == sorted(flat)
    assert [(begin + n, octet) for begin, data in flat for n, octet in enumerate(data)] == sorted(
        model.items()
    )
    assert kept == waiting.pending_bytes == len(model)


def test_a_piece_that_was_delivered_in_part() -> None:
    waiting = stream(10)
    assert waiting.trimmed(piece(5, b"abcdefgh"), -5) == piece(10, b"fgh")
    assert waiting.trimmed(piece(5, b"abcde"), -5) is None
    assert waiting.trimmed(piece(5, b"abc", 4), -5) == piece(10, b"", 2)
    assert waiting.trimmed(piece(5, b"abc", 2), -5) is None


def test_the_next_piece_is_handed_out_when_it_is_due() -> None:
    waiting = stream(10)
    waiting.wait(piece(12, b"x"))
    assert waiting.pop_in_order() is None
    waiting.next = 12
    assert waiting.pop_in_order() == piece(12, b"x")
    assert waiting.pending_bytes == 0


def test_where_a_hole_ends() -> None:
    waiting = stream(10)
    assert waiting.hole_end() == 10
    waiting.fin = 40
    assert waiting.hole_end() == 40
    waiting.acked = 30
    assert waiting.hole_end() == 30
    waiting.wait(piece(20, b"x"))
    assert waiting.hole_end() == 20
    assert waiting.acked_past(20)
    assert not waiting.acked_past(31)


def test_what_waits_behind_the_end_can_be_forgotten() -> None:
    waiting = stream(10)
    waiting.wait(piece(20, b"xyz"))
    assert waiting.forget() == 3
    assert waiting.pending == []
    assert waiting.forget() == 0
