"""JSON and JUnit: complete, masked, well-formed whatever the traffic holds."""

import json
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from compare.answers import NOW, Answer, exchange, outcome, request
from shadowtap.compare import Comparison, Condition, NoMask, State, json_text, junit_text, overall
from shadowtap.compare.conditions import Judgement
from shadowtap.events import Difference, Exchange, Outcome, Request, Verdict, replace


def starred(message):
    return replace(
        message, head=message.head.replace(b"secret", b"***"), body=message.body.replace(b"secret", b"***")
    )


class Stars:
    """Hides the word secret everywhere."""

    def exchange(self, exchange: Exchange) -> Exchange:
        return Exchange(self.request(exchange.request), starred(exchange.response))

    def outcome(self, outcome: Outcome) -> Outcome:
        return replace(starred(outcome), request=self.request(outcome.request))

    def request(self, request: Request) -> Request:
        return replace(starred(request), target=request.target.replace(b"secret", b"***"))

    def text(self, text: str) -> str:
        return text.replace("secret", "***")

    def verdict(self, verdict: Verdict) -> Verdict:
        def shown(d: Difference) -> Difference:
            return Difference(
                d.kind, d.where, d.production.replace("secret", "***"), d.target.replace("secret", "***")
            )

        return replace(verdict, differences=tuple(map(shown, verdict.differences)))


def run(*pairs: tuple[object, object], path: str = "/a?k=secret") -> Comparison:
    comparison = Comparison()
    for n, (production, target) in enumerate(pairs):
        asked = request("GET", path, "Authorization: secret", at=NOW + n)
        comparison.answered(
            exchange(asked, Answer(production)), outcome(asked, Answer(target)), now_ns=NOW + n
        )
    return comparison


def texts(comparison: Comparison, condition: str = "mismatch > 10%") -> tuple[str, str]:
    results, judgements = comparison.result(), comparison.judge(Condition(condition))
    noise = comparison.learned.rules()
    return json_text(results, judgements, noise, Stars()), junit_text(results, judgements, Stars())


def test_json_holds_verdict_groups_examples_and_noise() -> None:
    comparison = run(*[({"a": 1, "t": "secret"}, {"a": 2, "t": "secret"})] * 150)
    found = json.loads(texts(comparison)[0])
    assert found["verdict"] == "failed"
    assert found["judgements"][0]["reasons"] == ["mismatch: 100.000% (150 of 150), beyond > 10%"]
    (target,) = found["targets"]
    assert (target["compared"], target["mismatched"], target["replayed"]) == (150, 150, 150)
    (group,) = target["differences"]
    assert (group["endpoint"], group["kind"], group["where"], group["answers"]) == (
        "GET /a",
        "json_value",
        "body.a",
        150,
    )
    example = group["examples"][0]
    assert example["production"]["body"] == '{"a":1,"t":"***"}'
    assert example["target"]["status"] == 200
    assert (example["production_value"], example["target_value"]) == ("1", "2")
    assert (
        example["curl"]
        == "curl -i --path-as-is --globoff -H 'Authorization: ***' 'http://next.example:8080/a?k=***'"
    )


def test_nothing_leaves_unmasked() -> None:
    for text in texts(run(*[({"a": "secret"}, {"a": "secret2", "b": "secret"})] * 3)):
        assert "secret" not in text


def test_junit_is_well_formed_and_says_what_failed() -> None:
    comparison = run(*[({"a": 1}, {"a": 2})] * 150)
    suite = ElementTree.fromstring(texts(comparison)[1]).find("testsuite")
    assert suite is not None
    assert suite.attrib == {"name": "http://next.example:8080", "tests": "2", "failures": "1", "errors": "0"}
    verdict, group = suite.findall("testcase")
    assert verdict.find("failure") is not None
    assert "curl -i" in (group.findtext("system-out") or "")


def test_too_few_are_an_error_not_a_pass() -> None:
    text = texts(run(({"a": 1}, {"a": 1})))[1]
    suite = ElementTree.fromstring(text).find("testsuite")
    assert suite is not None
    assert suite.attrib["errors"] == "1"
    assert "too few answers" in text


def test_overall() -> None:
    def states(*names: State) -> list[Judgement]:
        return [Judgement("t", "c", name, ()) for name in names]

    assert overall(states(State.PASSED, State.FAILED, State.TOO_FEW)) is State.FAILED
    assert overall(states(State.PASSED, State.TOO_FEW)) is State.TOO_FEW
    assert overall(states(State.PASSED, State.PASSED)) is State.PASSED
    assert overall([]) is State.TOO_FEW


@given(st.text(max_size=40), st.text(max_size=40), st.binary(max_size=20))
def test_any_values_can_be_written(production: str, target: str, path: bytes) -> None:
    comparison = run(
        (production.encode("utf-8", "replace"), target.encode("utf-8", "replace")), path="/" + path.hex()
    )
    results, judgements = comparison.result(), comparison.judge(Condition("mismatch > 0"))
    json.loads(json_text(results, judgements, [], NoMask()))
    ElementTree.fromstring(junit_text(results, judgements, NoMask()))
