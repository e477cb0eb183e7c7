"""A whole run: every planted regression is found, and nothing that is noise; equal versions show no difference."""

from compare.world import FOUND, REGRESSIONS, World
from shadowtap.compare import Comparison, Condition, State
from shadowtap.compare.sessions import Rebinder
from shadowtap.events import replace


def world(broken: frozenset[str], seed: int, **more: object) -> World:
    return World(seed, broken=broken, rebinder=Rebinder(), **more)  # type: ignore[arg-type]


def test_every_regression_is_found_and_no_noise_reported() -> None:
    run = world(REGRESSIONS, 1)
    run.run(5000)
    (result,) = run.comparison.result()
    rows = result.summary.rows
    assert {row.group.place for row in rows if not row.rule} == FOUND
    assert result.figures.slower == ["GET /search"]
    assert result.summary.compared > 4900
    learned = {rule.place for rule in run.comparison.learned.rules()}
    assert ("GET /search", "json_order", "body.found") in learned
    assert ("GET /products/{id}", "json_value", "body.viewers") in learned


def test_a_run_with_regressions_fails_its_condition() -> None:
    run = world(REGRESSIONS, 3)
    run.run(3500)
    (judgement,) = run.comparison.judge(Condition("mismatch > 0.1%"))
    assert judgement.state is State.FAILED
    assert "mismatch" in judgement.reasons[0]


def test_a_short_run_does_not_pass() -> None:
    run = world(frozenset(), 3)
    run.run(90)
    (judgement,) = run.comparison.judge(Condition("mismatch > 0.1%"))
    assert judgement.state is State.TOO_FEW
    assert "at least 3,000 answers are needed" in judgement.reasons[0]


def test_a_reference_target_teaches_what_is_noise() -> None:

    from compare.answers import Answer, exchange, outcome, request

    comparison = Comparison(reference="http://old.example")
    for n in range(40):
        asked = request("GET", f"/users/{n}")
        whole = exchange(asked, Answer({"seen": n, "flag": n % 2, "name": "a"}))
        old = replace(
            outcome(asked, Answer({"seen": -n, "flag": 0, "name": "a"})), target="http://old.example"
        )
        comparison.answered(whole, old)
        comparison.answered(whole, outcome(asked, Answer({"seen": 2 * n + 7, "flag": 1, "name": "b"})))
    (result,) = comparison.result()
    assert result.summary.target == "http://next.example:8080"
    assert {row.group.place[2]: bool(row.rule) for row in result.summary.rows} == {
        "body.name": False,
        "body.seen": True,
        "body.flag": True,
    }


def test_a_place_that_changes_seldom_is_no_excuse_for_one_that_is_always_wrong() -> None:
    from compare.answers import Answer, exchange, outcome, request

    comparison = Comparison()
    for n in range(400):
        price = 100 + n // 60
        asked = request("GET", "/price", at=10**18 + n * 10**9)
        whole = exchange(asked, Answer({"price": price}))
        comparison.production(whole)
        comparison.answered(whole, outcome(asked, Answer({"price": 7})))
    (rule,) = comparison.learned.rules()
    assert (rule.place, rule.differed) == (("GET /price", "json_value", "body.price"), 6)
    (result,) = comparison.result()
    assert result.summary.mismatched == 400


def test_learned_noise_is_never_silent() -> None:
    run = world(frozenset(), 9)
    run.run(1500)
    (result,) = run.comparison.result()
    noisy = [row for row in result.summary.rows if row.rule]
    assert noisy
    for rule in {row.rule for row in noisy}:
        assert result.summary.noise[rule] == sum(row.group.times for row in noisy if row.rule == rule)
    assert all(row.group.examples for row in noisy)


def test_a_target_that_never_answers_fails_and_one_that_was_never_asked_does_not_pass() -> None:
    from compare.answers import TARGET, Answer, exchange, outcome, request
    from shadowtap.events import Failure, replace

    comparison = Comparison(targets=[TARGET, "http://idle.example"])
    asked = request("GET", "/a")
    nothing = replace(outcome(asked, Answer("")), failure=Failure.TIMEOUT)
    for _ in range(400):
        comparison.answered(exchange(asked, Answer("a")), nothing)
    found = {j.target: j.state for j in comparison.judge(Condition("unanswered > 1%"))}
    assert found == {TARGET: State.FAILED, "http://idle.example": State.TOO_FEW}
