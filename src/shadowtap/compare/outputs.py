"""What a comparison found, as text for machines: JSON, and JUnit's XML for pipelines.

Everything shown goes through a mask first: it takes the secrets and personal data out of requests, answers and texts.
"""

from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import msgspec

from shadowtap.compare.comparison import Result
from shadowtap.compare.conditions import Judgement, State
from shadowtap.compare.curl import curl
from shadowtap.compare.findings import Example, Group, Row, Summary
from shadowtap.compare.learned import NoiseRule
from shadowtap.compare.mask import Mask, masked_difference, masked_example
from shadowtap.content import Content, content_of, is_chunked
from shadowtap.events import Outcome, Request, Response

MAX_BODY = 8192
"""Characters of a body that are shown in an example."""
MAX_ROWS = 500
MAX_CASES = 200
"""Groups that are written as test cases of their own."""
_NO_XML = {c: "\ufffd" for c in (*range(32), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF) if c not in (9, 10, 13)}


def as_dict(
    results: Sequence[Result], judgements: Sequence[Judgement], noise: Sequence[NoiseRule], mask: Mask
) -> dict[str, Any]:
    """Everything, as plain dicts for JSON; durations in ns, times in ns since the epoch."""
    return {
        "verdict": str(overall(judgements)),
        "judgements": [msgspec.to_builtins(judgement) for judgement in judgements],
        "targets": [_result(result, mask) for result in results],
        "noise": [_noise(rule, mask) for rule in noise],
    }


def json_text(
    results: Sequence[Result], judgements: Sequence[Judgement], noise: Sequence[NoiseRule], mask: Mask
) -> str:
    """The same as one JSON document."""
    return msgspec.json.format(
        msgspec.json.encode(as_dict(results, judgements, noise, mask)), indent=2
    ).decode()


def overall(judgements: Sequence[Judgement]) -> State:
    """Failed if one has failed, passed only if all have passed."""
    states = {judgement.state for judgement in judgements}
    if State.FAILED in states:
        return State.FAILED
    return State.PASSED if states == {State.PASSED} else State.TOO_FEW


def junit_text(results: Sequence[Result], judgements: Sequence[Judgement], mask: Mask) -> str:
    """JUnit's XML: a suite for each target; a case for each condition, which fails (also on too few answers, as an
    error), and one for each group of differences, which says what was found in its output."""
    suites = [
        _suite(result, [j for j in judgements if j.target == result.summary.target], mask)
        for result in results
    ]
    return '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n' + "".join(suites) + "</testsuites>\n"


def _suite(result: Result, judgements: Sequence[Judgement], mask: Mask) -> str:
    summary = result.summary
    rows = [row for row in summary.rows if not row.rule][:MAX_CASES]
    failed = sum(1 for j in judgements if j.state is State.FAILED)
    errors = sum(1 for j in judgements if j.state is State.TOO_FEW)
    head = f'tests="{len(judgements) + len(rows)}" failures="{failed}" errors="{errors}"'
    cases = [*map(_judged_case, judgements), *(_group_case(row, mask) for row in rows)]
    return f"<testsuite name={_attribute(summary.target)} {head}>\n{''.join(cases)}</testsuite>\n"


def _judged_case(judgement: Judgement) -> str:
    why = "; ".join(judgement.reasons)
    inner = ""
    if judgement.state is State.FAILED:
        inner = f"<failure message={_attribute(why)}/>"
    elif judgement.state is State.TOO_FEW:
        inner = f"<error message={_attribute(f'too few answers: {why}')}/>"
    return f"<testcase classname={_attribute('verdict')} name={_attribute(judgement.condition)}>{inner}</testcase>\n"


def _group_case(row: Row, mask: Mask) -> str:
    endpoint, kind, where = row.group.place
    lines = [f"{row.group.answers} answers, {row.share:.3%} of all"]
    for example in row.group.examples[:1]:
        shown = masked_difference(example.difference, mask)
        lines += [f"production: {shown.production}", f"target:     {shown.target}"]
        lines.append(curl(mask.outcome(example.outcome).request, example.outcome.target))
    name = f"{kind} {mask.text(where)}"
    out = f"<system-out>{escape(_clean(chr(10).join(lines)))}</system-out>"
    return f"<testcase classname={_attribute(mask.text(endpoint))} name={_attribute(name)}>{out}</testcase>\n"


def _attribute(value: object) -> str:
    return quoteattr(_clean(str(value)))


def _clean(text: str) -> str:
    """Without characters that XML 1.0 cannot hold."""
    return text.translate(_NO_XML)


def _result(result: Result, mask: Mask) -> dict[str, Any]:
    summary = result.summary
    return {
        **_summary(summary, mask),
        **msgspec.to_builtins(result.counts),
        "differences": [_row(row, mask) for row in summary.rows[:MAX_ROWS]],
        "latency": msgspec.to_builtins(result.latency),
        "latency_by_endpoint": {
            mask.text(endpoint): msgspec.to_builtins(found) for endpoint, found in result.endpoints.items()
        },
        "slower": [mask.text(endpoint) for endpoint in result.figures.slower],
    }


def _summary(summary: Summary, mask: Mask) -> dict[str, Any]:
    return {
        "target": summary.target,
        "compared": summary.compared,
        "mismatched": summary.mismatched,
        "mismatched_by_category": summary.categories,
        "skipped": summary.skipped,
        "noise_by_rule": {mask.text(rule): n for rule, n in summary.noise.items()},
        "unlisted": summary.unlisted,
    }


def _row(row: Row, mask: Mask) -> dict[str, Any]:
    endpoint, kind, where = row.group.place
    return {
        "endpoint": mask.text(endpoint),
        "kind": kind,
        "where": mask.text(where),
        "noise": mask.text(row.rule) or None,
        "answers": row.group.answers,
        "times": row.group.times,
        "share": row.share,
        "endpoint_share": row.endpoint_share,
        "first_ns": row.group.first_ns,
        "last_ns": row.group.last_ns,
        "examples": _examples(row.group, mask),
    }


def _examples(group: Group, mask: Mask) -> list[dict[str, Any]]:
    return [_example(example, mask) for example in group.examples]


def _example(example: Example, mask: Mask) -> dict[str, Any]:
    exchange, outcome = mask.exchange(example.exchange), mask.outcome(example.outcome)
    difference = masked_difference(example.difference, mask)
    return {
        "request": _shown(outcome.request.head, outcome.request),
        "production": _shown_answer(exchange.response) if exchange.response is not None else None,
        "target": _shown_answer(_as_response(outcome)),
        "production_value": difference.production,
        "target_value": difference.target,
        "curl": curl(outcome.request, outcome.target),
        "time_ns": outcome.request.time_ns,
        "latency_ns": {"production": example.exchange.latency_ns, "target": outcome.first_byte_ns},
    }


def _as_response(outcome: Outcome) -> Response:
    """A target's answer in the form of production's, so that both are shown alike."""
    at = outcome.sent_ns + outcome.first_byte_ns
    return Response(
        outcome.request.connection, at, at, outcome.status, b"", b"1.1", outcome.head, outcome.body,
        len(outcome.body), is_chunked(outcome.head), (), None,
    )  # fmt: skip


def _shown_answer(response: Response) -> dict[str, Any]:
    return {"status": response.status, **_shown(response.head, response)}


def _shown(head: bytes, message: Request | Response) -> dict[str, Any]:
    content = content_of(message, limit_bytes=1 << 20)
    if not isinstance(content, Content):
        body = f"({content.reason})" if message.body else ""
    elif b"\0" in content.data[:MAX_BODY]:
        body = f"({len(content.data)} octets)"
    else:
        body = content.text[:MAX_BODY] + ("…" if len(content.text) > MAX_BODY else "")
    return {"head": head.decode("utf-8", "replace").strip(), "body": body}


def _noise(rule: NoiseRule, mask: Mask) -> dict[str, Any]:
    return {
        "name": mask.text(rule.name),
        "endpoint": mask.text(rule.endpoint),
        "kind": rule.kind,
        "where": mask.text(rule.where),
        "source": rule.source,
        "pairs": rule.pairs,
        "differed": rule.differed,
        "enabled": rule.enabled,
        "example": masked_example(rule, mask),
    }
