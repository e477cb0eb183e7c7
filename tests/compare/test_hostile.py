"""Hostile bodies harm neither the process nor what is written of them: work and memory stay bounded, nothing raises."""

import gzip
import json
import tracemalloc
import zlib
from collections.abc import Callable
from xml.etree import ElementTree

import msgspec
import pytest

from compare.answers import HTML, JSON, NOW, Answer, answer, exchange, outcome, request
from shadowtap.cli.findings import WIDTH, findings
from shadowtap.compare import Comparison, Condition, json_text, junit_text
from shadowtap.masking import Masker
from work import Work

MOST_CALLS = 4_000_000
"""Calls of functions that a body may cost; most cost some thousands. The longest list of what differs takes half."""
XML = "application/xml"
GZIP = ("Content-Encoding: gzip",)
SCRIPT = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\x1b[31m\x1b]0;owned\x07\u202e\0"


def wide(name: str) -> bytes:
    """A hundred megabytes of JSON, of one of several shapes."""
    size = 100 << 20
    return {
        "numbers": b"[" + b"1," * (size // 2) + b"1]",
        "objects": b"[" + b'{"a":1},' * (size // 8) + b"1]",
        "string": b'"' + b"x" * size + b'"',
        "opened": b"[" * size,
    }[name]


def nested(opened: str, closed: str, depth: int, inside: str = "1") -> bytes:
    return (opened * depth + inside + closed * depth).encode()


HOSTILE: dict[str, tuple[Callable[[], Answer], Callable[[], Answer]]] = {
    "10,000 levels of arrays": (
        lambda: Answer(nested("[", "]", 10_000), media=JSON),
        lambda: Answer(nested("[", "]", 10_000, "2"), media=JSON),
    ),
    "10,000 levels of objects": (
        lambda: Answer(nested('{"a":', "}", 10_000), media=JSON),
        lambda: Answer(nested('{"a":', "}", 10_000, "2"), media=JSON),
    ),
    "10,000 elements in each other": (
        lambda: Answer(nested("<p>", "</p>", 10_000), media=HTML),
        lambda: Answer(nested("<div>", "</div>", 10_000), media=HTML),
    ),
    "entities that explode": (
        lambda: Answer(
            b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "' + b"&a;" * 1000 + b'">]><x>&b;</x>',
            media=XML,
        ),
        lambda: Answer(b"<x/>", media=XML),
    ),
    "a charset that is none": (
        lambda: Answer(b'{"a": "\xff\xfe\x80"}', media=JSON + "; charset=\x00klingon"),
        lambda: Answer(b'{"a": "\xc3\x28"}', media=JSON + "; charset=utf-99"),
    ),
    "a charset that is another": (
        lambda: Answer('{"a": "Grüße"}'.encode("utf-16-be"), media=JSON + "; charset=utf-16"),
        lambda: Answer('{"a": "Grüße"}'.encode("shift_jis", "replace"), media=JSON + "; charset=utf-7"),
    ),
    "a zip bomb": (
        lambda: answer({"a": 1}),
        lambda: Answer(gzip.compress(bytes(200 << 20), 9), media=JSON, fields=GZIP),
    ),
    "a zip bomb in a zip bomb": (
        lambda: answer({"a": 1}),
        lambda: Answer(
            gzip.compress(gzip.compress(bytes(100 << 20), 9)),
            media=JSON,
            fields=("Content-Encoding: gzip, gzip",),
        ),
    ),
    "a stream that never begins": (
        lambda: answer({"a": 1}),
        lambda: Answer(zlib.compress(b"x")[:2], media=JSON, fields=("Content-Encoding: deflate",)),
    ),
    "50,000 keys that are all others": (
        lambda: answer({f"key{n}x": n for n in range(30_000)}),
        lambda: answer({f"other{n}y": n for n in range(30_000)}),
    ),
    "long lists in another order": (
        lambda: answer(list(range(60_000))),
        lambda: answer(list(range(60_000, 0, -1))),
    ),
    "lists that have nothing in common": (
        lambda: answer([[n, str(n)] for n in range(20_000)]),
        lambda: answer([[str(n), -n] for n in range(19_000)]),
    ),
    "a number of a million digits": (
        lambda: Answer(b'{"n":' + b"9" * 900_000 + b"}", media=JSON),
        lambda: Answer(b'{"n":' + b"8" * 900_000 + b"}", media=JSON),
    ),
    "words without end": (
        lambda: Answer({"a": "a1-" * 100_000}),
        lambda: Answer({"a": "a2-" * 100_000}),
    ),
    "a script in a value": (
        lambda: answer({"a": "fine", SCRIPT: 1, "h": f"<b>{SCRIPT}"}),
        lambda: answer({"a": SCRIPT, "b": [SCRIPT], "h": f"<i>{SCRIPT}"}),
    ),
    "a script in a header": (
        lambda: answer("x", 200, "text/plain", f"X-A: {SCRIPT[:60]}"),
        lambda: answer("x", 200, "text/plain", f"X-A: {SCRIPT[40:-2]}"),
    ),
}


def run(production: Answer, target: Answer, path: str = "/a") -> Comparison:
    comparison = Comparison()
    asked = request("GET", path)
    comparison.production(exchange(asked, production))
    for _ in range(2):
        comparison.answered(exchange(asked, production), outcome(asked, target), now_ns=NOW)
    return comparison


@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_bounded_work_and_can_be_written(name: str) -> None:
    production, target = (make() for make in HOSTILE[name])
    with Work() as work:
        comparison = run(production, target)
        (result,) = comparison.result()
        masker, judgements = Masker(b"k" * 32), comparison.judge(Condition("mismatch > 1%"))
        told = json_text([result], judgements, comparison.learned.rules(), masker)
        junit = junit_text([result], judgements, masker)
        lines = findings([result], masker)
    assert result.summary.mismatched == 2 or result.summary.skipped
    assert work.calls < MOST_CALLS
    assert len(told) < 2_000_000
    json.loads(told)
    ElementTree.fromstring(junit)
    assert all(line.isprintable() and len(line) <= WIDTH for line in lines)


@pytest.mark.parametrize("shape", ["numbers", "objects", "string", "opened"])
def test_a_hundred_megabytes_of_json_are_not_parsed(shape: str) -> None:
    body = wide(shape)
    big, other = Answer(body, media=JSON), Answer(body[:-1] + b" ", media=JSON)
    whole, out = exchange(request(), big), outcome(request(), other)
    tracemalloc.start()
    with Work() as work:
        comparison = Comparison()
        comparison.production(whole)
        verdict = comparison.answered(whole, out, now_ns=NOW)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert verdict.skipped == "production's body: too_large"
    assert work.calls < 1_000
    assert peak < 1 << 20  # nothing of it was copied


def test_a_path_that_would_be_obeyed_is_only_shown() -> None:
    comparison = run(answer({"a": 1}), answer({"a": 2}), path="/\x1b[2J<script>alert(1)</script>")
    (result,) = comparison.result()
    masker = Masker(b"k" * 32)
    lines = findings([result], masker)
    assert not any("\x1b" in line for line in lines)
    ElementTree.fromstring(junit_text([result], [], masker))
    json.loads(json_text([result], [], [], masker))


def test_a_body_of_any_size_leaves_an_example_of_a_few_kib() -> None:
    long = {"items": [{"n": n, "text": "x" * 50} for n in range(8_000)]}
    comparison = run(answer(long), answer({**long, "total": 1}))
    (result,) = comparison.result()
    assert len(json_text([result], [], [], Masker(b"k" * 32))) < 200_000
    assert msgspec.json.encode(long) != b""
