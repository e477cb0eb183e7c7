"""Differences put together, with bounded memory."""

from compare.answers import NOW, Answer, exchange, outcome, request
from shadowtap.compare import compare, make_rules
from shadowtap.compare.findings import MAX_EXAMPLE_BYTES, MAX_EXAMPLES, OTHER, Findings
from shadowtap.compare.learned import Learned, Source
from shadowtap.events import Difference, Failure, Verdict, replace


def add(
    findings: Findings,
    production: object,
    target: object,
    endpoint: str = "GET /a",
    *,
    at: int = 0,
    **rules: object,
) -> None:
    asked = request("GET", "/a")
    whole, out = exchange(asked, Answer(production)), outcome(asked, Answer(target))
    verdict = compare(whole, out, make_rules(**rules), endpoint=endpoint)  # type: ignore[arg-type]
    findings.add(whole, out, verdict, endpoint, NOW + at)


def test_groups_count_answers_times_and_shares() -> None:
    findings = Findings("t")
    for n in range(10):
        add(findings, [{"p": n}] * 3, [{"p": n + (99 if n % 2 else 0)}] * 3, at=n)
    for _ in range(10):
        add(findings, {"a": 1}, {"a": 1}, "GET /b")
    summary = findings.summary()
    (row,) = summary.rows
    assert (row.group.place, row.group.answers, row.group.times) == (
        ("GET /a", "json_value", "body[].p"),
        5,
        15,
    )
    assert (row.share, row.endpoint_share) == (0.25, 0.5)
    assert (row.group.first_ns, row.group.last_ns) == (NOW + 1, NOW + 9)
    assert len(row.group.examples) == MAX_EXAMPLES
    assert (summary.compared, summary.mismatched, summary.categories) == (
        20,
        5,
        {"status": 0, "header": 0, "body": 5},
    )


def test_an_answer_with_two_differences_is_one_mismatch() -> None:
    findings = Findings("t")
    add(findings, {"a": 1, "b": 1}, {"a": 2, "b": 2})
    assert findings.summary().mismatched == 1
    assert len(findings.summary().rows) == 2


def test_noise_learned_later_is_taken_out_of_what_came_before() -> None:
    findings, learned = Findings("t"), Learned()
    for n in range(5):
        add(findings, {"a": n, "b": 0}, {"a": -1 - n, "b": int(n == 4)})
    assert findings.summary(learned).mismatched == 5
    for _ in range(5):
        learned.pair(Source.PRODUCTION, "GET /a", [Difference("json_value", "body.a", "", "")])
    summary = findings.summary(learned)
    assert summary.mismatched == 1
    assert [(row.group.place[2], row.rule) for row in summary.rows] == [
        ("body.b", ""),
        ("body.a", "learned: GET /a json_value body.a"),
    ]
    assert summary.noise == {"learned: GET /a json_value body.a": 5}


def test_fixed_noise_is_counted_by_rule() -> None:
    findings = Findings("t")
    add(findings, {"a": [{"b": 1}] * 4}, {"a": [{"b": 2}] * 4}, ignore=["body.a"])
    summary = findings.summary()
    assert summary.noise == {"ignore body.a": 4}
    assert summary.mismatched == 0
    assert not summary.rows


def test_what_was_not_compared_is_counted_by_its_reason() -> None:
    findings = Findings("t")
    asked = request()
    whole, out = (
        exchange(asked, Answer("a")),
        replace(outcome(asked, Answer("a")), failure=Failure.TIMEOUT),
    )
    findings.add(whole, out, compare(whole, out), "GET /", NOW)
    assert findings.summary().skipped == {"the target gave no answer: timeout": 1}
    assert findings.summary().compared == 0


def test_memory_is_bounded(monkeypatch) -> None:
    monkeypatch.setattr("shadowtap.compare.findings.MAX_GROUPS", 10)
    monkeypatch.setattr("shadowtap.compare.findings.MAX_SETS", 8)
    findings = Findings("t")
    for n in range(50):
        add(findings, {f"k{chr(97 + n % 26)}{chr(97 + n // 26)}": 1}, {}, f"GET /{n % 3}")
    summary = findings.summary()
    assert len(summary.rows) == 11
    assert summary.mismatched == 50
    assert summary.unlisted == 42
    assert {row.group.place: row.group.answers for row in summary.rows}[OTHER] == 40


def test_examples_are_cut(monkeypatch) -> None:
    findings = Findings("t")
    add(findings, "x" * 200_000, "y" * 200_000)
    (example,) = findings.summary().rows[0].group.examples
    assert example.exchange.response is not None
    assert len(example.exchange.response.body) == len(example.outcome.body) == MAX_EXAMPLE_BYTES
    monkeypatch.setattr("shadowtap.compare.findings.MAX_EXAMPLES_BYTES", 100_000)
    add(findings, "x" * 200_000, "y" * 200_000, "GET /b")
    assert not findings.summary().rows[1].group.examples


def test_endpoints_that_turn_out_to_be_one_are_put_together() -> None:
    findings = Findings("t")
    for name in ("apple", "pear"):
        add(findings, {"a": 1, "b": 1}, {"a": 2, "b": 2}, f"GET /{name}")
    before = findings.summary()
    findings.regroup(lambda endpoint: "GET /{name}")
    after = findings.summary()
    assert [row.group.place for row in after.rows] == [
        ("GET /{name}", "json_value", "body.a"),
        ("GET /{name}", "json_value", "body.b"),
    ]
    assert (after.mismatched, after.compared) == (before.mismatched, before.compared) == (2, 2)
    assert after.rows[0].endpoint_share == 1


def test_noise_in_ever_new_combinations_is_no_mismatch() -> None:
    findings, learned = Findings("t"), Learned()
    places = [Difference("json_value", f"body.p{n}", "1", "2") for n in range(14)]
    for _ in range(3):
        learned.pair(Source.PRODUCTION, "GET /a", places)
    asked = request("GET", "/a")
    whole, out = exchange(asked, Answer({})), outcome(asked, Answer({}))
    for n in range(1, 6000):
        noise = tuple((place, "learned: it") for bit, place in enumerate(places) if n >> bit & 1)
        findings.add(whole, out, Verdict("t", (), noise), "GET /a", NOW)
    assert findings.summary(learned).mismatched == 0
