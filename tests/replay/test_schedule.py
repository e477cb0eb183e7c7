"""When to send what: production's distances, divided by the speed, lap after lap."""

from hypothesis import given
from hypothesis import strategies as st

from shadowtap.replay.schedule import Schedule

TIMES = st.lists(st.integers(0, 10**12), min_size=1, max_size=50).map(sorted)


def test_production_s_timing_twice_as_fast():
    schedule = Schedule(1000, speed=2.0)
    assert [schedule.take(ns) for ns in (500, 700, 700, 1500)] == [1000, 1100, 1100, 1500]


def test_laps_follow_after_a_pause_as_long_as_the_mean_distance():
    schedule = Schedule(0)
    assert [schedule.take(ns) for ns in (10, 20, 40)] == [0, 10, 30]
    schedule.next_lap()
    assert [schedule.take(ns) for ns in (10, 20, 40)] == [45, 55, 75]
    assert schedule.due_ns(20, 0) == 10
    assert schedule.due_ns(20, 1) == 55


@given(TIMES, st.floats(0.01, 100.0), st.integers(1, 3))
def test_nothing_is_due_before_what_came_before_it_and_all_can_be_asked_again(times, speed, laps):
    schedule = Schedule(77, speed=speed)
    due = []
    for lap in range(laps):
        if lap:
            schedule.next_lap()
        due += [schedule.take(ns) for ns in times]
    assert due[0] == 77
    assert due == sorted(due)
    again = [schedule.due_ns(ns, lap) for lap in range(laps) for ns in times]
    assert again == due
    span = (times[-1] - times[0]) / speed
    assert abs(due[len(times) - 1] - due[0] - span) <= 1
