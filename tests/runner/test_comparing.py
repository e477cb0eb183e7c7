"""Comparing gives way when the loop has no time, says so, and takes a sample that is spread evenly."""

from collections.abc import Callable

import pytest

from compare.answers import NOW, SECOND, Answer, exchange, outcome, request
from shadowtap.compare import Comparison
from shadowtap.events import Exchange, Observation
from shadowtap.ledger import ObservationCounters
from shadowtap.runner.comparing import LEAST, WINDOW_S, Comparer


class Load:
    """A comparer whose loop is as busy as it is told."""

    def __init__(self, *, sampling: bool = True, again: Callable[[int], bool] = lambda number: False) -> None:
        self.said: list[str] = []
        self.counters = ObservationCounters()
        self.comparison = Comparison()
        self.comparer = Comparer(
            self.comparison,
            self.counters,
            sampling=sampling,
            again=again,
            tell=self.said.append,
            clock=self.clock,
        )
        self.now = self.busy_s = self.spent_s = 0.0
        self.cost_s = 0.01
        """What it takes to compare an answer."""

    def clock(self) -> float:
        self.spent_s += self.cost_s
        return self.spent_s

    def window(self, busy: float, late_s: float = 0.0) -> None:
        self.answers(64)  # costly ones, so that it is worth while to give way
        for _ in range(5):
            self.comparer.tick(self.now, self.busy_s, late_s)
            self.now += WINDOW_S / 4
            self.busy_s += busy * WINDOW_S / 4

    def answers(self, count: int) -> list[Observation]:
        """So many answers."""
        asked = request("GET", "/a")
        whole, out = exchange(asked, Answer({"n": 1})), outcome(asked, Answer({"n": 1}))
        return [self.comparer.observed(Observation(whole, "replayed", (out,))) for _ in range(count)]


def test_with_time_to_spare_everything_is_compared() -> None:
    load = Load()
    for busy in (0.1, 0.8, 0.3):
        load.window(busy)
        assert all(observation.verdicts for observation in load.answers(10))
    assert (load.counters.compared, load.counters.not_compared, load.said) == (3 * 74, 0, [])


def test_a_busy_loop_compares_less_and_says_so_once() -> None:
    load = Load()
    for _ in range(3):
        load.window(0.95)
    assert load.comparer.share == 1 / 8
    before = load.counters.compared
    compared = sum(bool(o.verdicts) for o in load.answers(800))
    assert 70 < compared < 130
    assert load.counters.compared == before + compared
    assert load.counters.compared + load.counters.not_compared == 3 * 64 + 800
    assert load.said == [
        "there is no time to compare all answers: only a sample of them is compared from here on"
    ]
    (result,) = load.comparison.result()
    assert result.counts.replayed == 3 * 64 + 800
    assert result.counts.left_out == load.counters.not_compared
    assert result.summary.compared == load.counters.compared


def test_a_loop_that_comes_too_late_is_too_busy_whatever_it_computes() -> None:
    load = Load()
    load.window(0.2, late_s=0.3)
    assert load.comparer.share < 1


def test_a_loop_that_comes_too_late_is_not_measured_any_longer() -> None:
    load = Load()
    load.comparer.tick(0.0, 0.0, 0.0)
    load.answers(8)
    load.comparer.tick(0.12, 0.1, 0.07)
    assert load.comparer.share == 1 / 2


def test_where_comparing_costs_next_to_nothing_it_helps_nobody_to_do_less() -> None:
    load = Load()
    load.cost_s = 0.0001
    load.window(0.99, late_s=1.0)
    assert load.comparer.share == 1


def test_it_recovers_slowly_and_never_stops() -> None:
    load = Load()
    for _ in range(40):
        load.window(1.0)
    assert load.comparer.share == LEAST
    assert any(observation.verdicts for observation in load.answers(200))
    for _ in range(33):
        load.window(0.5)
    assert load.comparer.share == 1.0


def test_files_wait_and_are_compared_as_a_whole() -> None:
    load = Load(sampling=False)
    load.window(1.0, late_s=5)
    assert all(observation.verdicts for observation in load.answers(10))


@pytest.mark.parametrize("rhythm", [2, 3, 8, 10, 34, 36, 64])
def test_the_sample_is_spread_evenly_whatever_the_rhythm(rhythm: int) -> None:
    load = Load()
    for _ in range(3):
        load.window(1.0)
    nothing = Observation(Exchange(request("GET", "/a"), None), "replayed", (outcome(request(), Answer("")),))
    taken = [bool(load.comparer.observed(nothing).verdicts) for _ in range(400 * rhythm)]
    assert abs(sum(taken) / len(taken) - 1 / 8) < 0.03
    for phase in range(rhythm):
        assert abs(sum(taken[phase::rhythm]) / 400 - 1 / 8) < 0.08


def test_where_nobody_else_wants_to_know_the_sample_is_taken_before_requests_are_joined() -> None:
    load = Load()
    comparer = Comparer(load.comparison, load.counters, sampling=True, early=True)
    asked, failed = request("GET", "/a"), outcome(request("GET", "/a"), Answer(""))
    assert all(comparer.takes(asked) for _ in range(100))
    comparer.share = 1 / 8
    taken = sum(comparer.takes(asked) for _ in range(800))
    assert 70 < taken < 130
    for _ in range(800 - taken):
        comparer.left(failed)
    whole = Observation(exchange(asked, Answer("")), "replayed", (failed,))
    assert all(comparer.observed(whole).verdicts for _ in range(taken))  # it was decided before
    assert (load.counters.compared, load.counters.not_compared) == (taken, 800 - taken)
    (result,) = load.comparison.result()
    assert (result.counts.replayed, result.counts.left_out, result.summary.compared) == (
        800,
        800 - taken,
        taken,
    )
    assert result.figures.shares["errors"] == (0, taken)


def test_a_write_outside_of_the_sample_is_not_missed() -> None:
    load = Load()
    comparer = Comparer(load.comparison, load.counters, sampling=True, early=True)
    comparer.share = 0.0
    for n, method in enumerate(("GET", "POST", "GET")):
        asked = request(method, "/a", at=NOW + n * SECOND)
        assert not comparer.takes(asked)
        if method == "GET":
            comparer.observed(Observation(exchange(asked, Answer({"n": n})), "replayed", ()))
    assert load.comparison.learned.rules() == []


def test_answers_of_a_second_lap_teach_nothing() -> None:
    from shadowtap.events import replace

    load = Load(again=lambda number: number >= 100)
    asked = request("GET", "/a")
    for lap in range(3):
        connection = replace(asked.connection, number=asked.connection.number + 100 * lap)
        again = replace(asked, connection=connection)
        load.comparer.observed(Observation(exchange(again, Answer({"n": lap})), "replayed", ()))
    assert load.comparison.learned.rules() == []
