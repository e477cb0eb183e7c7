"""A report that is as large as one can be: what stands behind it has no end."""

from functools import cache

from compare.answers import NOW, SECOND
from report.page.test_traffic import DIFFERENT, SAME, observed
from shadowtap.events import replace
from shadowtap.report.page import Report, Traffic, account_from

HEAD = "HTTP/1.1 200 OK\r\n" + "".join(f"X-Field-{n}: <b>{'value ' * 20}</b>\r\n" for n in range(60))
BODY = "{" + ",".join(f'"field{n}": "<script>{"x" * 50}"' for n in range(200)) + "}"


def message(status=200):
    """As a findings file holds it."""
    return {"status": status, "head": HEAD, "body": BODY[:8192]}


def group(n):
    """A group of differences with three examples, each of them large."""
    example = {
        "request": message(None),
        "production": message(),
        "target": message(500),
        "production_value": "<" * 600,
        "target_value": "&" * 600,
        "curl": "curl " + "'\"<&>" * 2000,
        "time_ns": NOW,
        "latency_ns": {"production": 5_000_000, "target": 7_000_000},
    }
    return {
        "endpoint": f"GET /endpoint{n}/{'long' * 50}",
        "kind": "json_value",
        "where": f"body.{'name.' * 60}",
        "noise": None,
        "answers": 1000 - n,
        "times": 5000,
        "share": 0.01,
        "endpoint_share": 1.0,
        "examples": [example] * 3,
    }


def findings(targets=2, groups=500):
    """Findings of several targets, with noise."""
    rule = {
        "endpoint": "GET /",
        "kind": "json_value",
        "where": "body.x",
        "source": "production",
        "pairs": 9,
        "differed": 9,
        "example": ["a" * 200, "b" * 200],
    }
    return {
        "judgements": [
            {
                "target": f"http://t{n}",
                "condition": "mismatch > 0.1%",
                "state": "failed",
                "reasons": ["mismatch: 5%"],
            }
            for n in range(targets)
        ],
        "targets": [
            {
                "target": f"http://t{t}",
                "compared": 50_000,
                "mismatched": 5_000,
                "mismatched_by_category": {"body": 5_000},
                "noise_by_rule": {f"learned: GET /{n} json_value body.x{n}": n for n in range(2000)},
                "differences": [group(n) for n in range(groups)],
            }
            for t in range(targets)
        ],
        "noise": [rule] * 5000,
    }


@cache
def report(exchanges=100_000, targets=4):
    """So many exchanges, over ten minutes, with hundreds of endpoints and every status."""
    traffic = Traffic()
    statuses = (200, 200, 200, 302, 404, 500)
    base = [
        observed(
            path="/",
            method=f"M{n}",
            status=statuses[n % 6],
            answered=statuses[n % 5],
            verdict=DIFFERENT if n % 7 == 0 else SAME,
        )
        for n in range(700)
    ]
    for n in range(exchanges):
        one = base[n % 700]
        at = NOW + n * 600 * SECOND // exchanges
        request = replace(one.exchange.request, time_ns=at, end_ns=at)
        response = replace(one.exchange.response, time_ns=at + 1_000_000 + n * 7919 % 40_000_000)
        out = replace(
            one.outcomes[0],
            first_byte_ns=2_000_000 + n * 104729 % 60_000_000,
            target=f"http://t{n % targets}",
        )
        exchange = replace(one.exchange, request=request, response=response)
        verdict = replace(one.verdicts[0], target=out.target)
        traffic.add(replace(one, exchange=exchange, outcomes=(out,), verdicts=(verdict,)))
    seen = traffic.seen()
    return Report(made_ns=NOW, account=account_from(seen), findings=findings(), traffic=seen)
