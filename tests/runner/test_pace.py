"""How long to wait for the next batch."""

import pytest

from shadowtap.runner.pace import LONGEST_MS, SHORTEST_MS, Pace


def waits(packets_a_ms: float, count: int = 200) -> list[int]:
    """The waits of a steady load."""
    pace, now, last, told = Pace(), 100.0, 1, []
    for _ in range(count):
        now += (last + 1) / 1000
        last = pace.wait_ms(round(packets_a_ms * (last + 1)), now)
        told.append(last)
    return told[count // 2 :]


@pytest.mark.parametrize(
    ("packets_a_ms", "mean_ms"), [(0.1, 1.0), (8, 1.5), (40, 3.5), (80, LONGEST_MS), (1000, LONGEST_MS)]
)
def test_the_busier_the_longer_on_average(packets_a_ms, mean_ms):
    told = waits(packets_a_ms)
    assert sum(told) / len(told) == pytest.approx(mean_ms, abs=0.1)
    assert min(told) >= SHORTEST_MS


def test_a_pause_is_forgotten():
    pace = Pace()
    for n in range(50):
        pace.wait_ms(400, n / 200)
    later = [pace.wait_ms(1, 60 + n) for n in range(40)]
    assert later[-1] == SHORTEST_MS
