"""Rows and views: overlapping reads, and drops that are counted."""

from collections import Counter

import numpy as np

from shadowtap.decap.rows import Drop, Rows, View

OCTETS = np.frombuffer(bytes(range(50)), np.uint8)


def test_fields_are_read_at_any_byte() -> None:
    view = View(OCTETS, Counter())
    assert view.u16[[0, 1, 48]].tolist() == [0x0001, 0x0102, 0x3031]
    assert view.u32[[3, 46]].tolist() == [0x03040506, 0x2E2F3031]
    assert view.u64[42] == 0x2A2B2C2D2E2F3031


def test_a_buffer_too_short_for_a_field_has_none() -> None:
    for size in range(9):
        view = View(OCTETS[:size], Counter())
        assert [len(view.u16), len(view.u32), len(view.u64)] == [max(size - n, 0) for n in (1, 3, 7)]


def test_rows_that_go_are_counted() -> None:
    view = View(OCTETS, Counter())
    rows = Rows(np.arange(3), np.array([0, 10, 45]), np.array([20, 20, 50]))
    kept = view.with_bytes(rows, 8)
    assert kept.frame.tolist() == [0, 1]
    assert view.dropped == {Drop.CUT_HEADER: 1}
    assert view.with_bytes(kept, 10) is kept
    assert len(view.keep(kept, np.array([False, False]), Drop.BAD_IP)) == 0
    assert view.dropped == {Drop.CUT_HEADER: 1, Drop.BAD_IP: 2}


def test_taking_rows_takes_all_their_columns() -> None:
    columns = {name: np.arange(3) for name in ("frame", "pos", "end", "vni", "missing")}
    rows = Rows(**columns, src_hi=np.arange(3, dtype=np.uint64), depth=5)
    taken = rows.take(np.array([True, False, True]))
    assert all(getattr(taken, name).tolist() == [0, 2] for name in (*columns, "src_hi"))
    assert taken.src_lo is None
    assert taken.depth == 5
