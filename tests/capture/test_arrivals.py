"""What the kernel tells of messages is read alike where it is compiled and where it is not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowtap.capture import recvmmsg, tables

compiled = pytest.mark.skipif(
    recvmmsg.Arrivals is tables.Arrivals, reason="not compiled: no C compiler was there at set-up"
)

ROW = 64
STAMP = 35
KINDS = st.sampled_from([STAMP, STAMP, STAMP, 0, 99])
ROOMS = st.sampled_from([32, 32, 32, 0, 24, 2**64 - 1])
WIDE = st.integers(-(2**63), 2**63 - 1)


@compiled
@given(
    st.lists(
        st.tuples(st.binary(min_size=2 * ROW, max_size=2 * ROW), ROOMS, KINDS, WIDE, WIDE),
        min_size=1,
        max_size=20,
    ),
    st.data(),
)
def test_both_ways_read_the_same(rows: list, data: st.DataObject) -> None:
    headers = np.frombuffer(b"".join(octets[:ROW] for octets, *_ in rows), np.uint8).copy()
    control = np.frombuffer(b"".join(octets[ROW:] for octets, *_ in rows), np.uint8).copy()
    for row, (_, room, kind, seconds, nanoseconds) in enumerate(rows):
        headers[row * ROW + 40 : row * ROW + 48].view(np.uint64)[0] = room
        control[row * ROW + 12 : row * ROW + 16].view(np.int32)[0] = kind
        control[row * ROW + 16 : row * ROW + 32].view(np.int64)[:] = seconds, nanoseconds
    count = data.draw(st.integers(0, len(rows)))
    told = []
    for way in (recvmmsg.Arrivals, tables.Arrivals):
        lengths, times = np.zeros((2, len(rows)), np.int64)
        octets = way(headers, control, lengths, times, STAMP, 32).read(count)
        told.append((octets, lengths.tolist(), times.tolist()))
    assert told[0] == told[1]


@pytest.mark.parametrize("count", [-1, 3])
@compiled
def test_rows_that_are_not_there_are_refused(count: int) -> None:
    columns = [np.zeros(2, np.int64) for _ in range(2)]
    octets = [np.zeros(2 * ROW, np.uint8) for _ in range(2)]
    with pytest.raises(ValueError, match="more rows"):
        recvmmsg.Arrivals(*octets, *columns, STAMP, 32).read(count)
    with pytest.raises(ValueError, match="different lengths"):
        recvmmsg.Arrivals(*octets, columns[0], columns[1][:1], STAMP, 32)
