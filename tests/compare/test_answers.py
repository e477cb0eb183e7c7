"""Two answers to one request: what is compared, in which order, and what is not compared and why."""

import gzip
import timeit
import zlib

import msgspec
import pytest

from compare.answers import HTML, JSON, TEXT, Answer, answer, exchange, judged, noise, outcome, request, said
from shadowtap.compare import compare, make_rules
from shadowtap.events import Exchange, Failure, Fault, replace
from shadowtap.http1 import payload

SHOP = {
    "id": 1,
    "items": [
        {"id": n, "name": f"Product number {n}", "price": n * 100.5, "tags": ["a", "b"], "in_stock": True}
        for n in range(12)
    ],
}
SERVERS = (
    "Date: Mon, 23 Nov 2026 01:40:00 GMT",
    "Server: nginx",
    "X-Request-Id: 17",
    "Cache-Control: no-store",
    "Set-Cookie: sid=abc; Path=/",
    "Vary: Accept",
)
OTHERS = (
    "Date: Mon, 23 Nov 2026 01:40:03 GMT",
    "Server: next",
    "X-Request-Id: 18",
    "Cache-Control: no-store",
    "Set-Cookie: sid=def; Path=/",
    "Vary: Accept",
)


def chunked(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


def test_the_same_octets_are_the_same() -> None:
    assert judged(answer({"a": 1}), answer({"a": 1})).same


def test_another_status_is_the_one_difference() -> None:
    assert said(answer({"a": 1}), answer({"error": "no"}, 500)) == ["status status: 200 ≠ 500"]


def test_head_and_body_are_compared() -> None:
    assert said(answer({"a": 1}, 200, None, "X-A: 1"), answer({"a": 2}, 200, None, "X-A: 2")) == [
        "header_value header x-a: 1 ≠ 2",
        "json_value body.a: 1 ≠ 2",
    ]


def test_transfer_and_content_codings_do_not_count() -> None:
    text = msgspec.json.encode(SHOP)
    plain = Answer(text, media=JSON)
    zipped = Answer(gzip.compress(text), media=JSON, fields=("Content-Encoding: gzip",))
    deflated = Answer(zlib.compress(text), media=JSON, fields=("Content-Encoding: deflate",))
    in_chunks = Answer(chunked(text), media=JSON, chunked=True)
    for other in (zipped, deflated, in_chunks):
        assert judged(plain, other).same
        assert judged(other, plain).same
    assert payload(in_chunks.octets, True) == text


def test_the_charset_does_not_count() -> None:
    assert judged(answer("Grüße".encode(), 200, TEXT + "; charset=utf-8"), answer("Grüße".encode("latin-1"), 200, TEXT + "; charset=iso-8859-1", )).differences[0].kind == "header_value"  # fmt: skip
    rules = make_rules(ignore_headers=["content-type"])
    assert judged(answer("Grüße".encode(), 200, TEXT + "; charset=utf-8"), answer("Grüße".encode("latin-1"), 200, TEXT + "; charset=iso-8859-1"), rules=rules).same  # fmt: skip
    assert judged(answer('{"a": "é"}'.encode(), 200, JSON), answer('{"a": "é"}'.encode("utf-16"), 200, JSON), rules=rules).same  # fmt: skip


def test_head_requests_have_no_body_to_compare() -> None:
    asked = request("HEAD")
    assert judged(
        answer(b"", 200, HTML, "Content-Length: 5"), answer(b"", 200, HTML, "Content-Length: 7"), asked=asked
    ).same


def test_a_body_that_is_gone_is_a_difference() -> None:
    assert said(answer("hello"), answer("")) == ["body_missing body: hello ≠ "]
    assert said(answer(""), answer("hello")) == ["body_extra body:  ≠ hello"]
    assert said(answer(""), answer("hello", 200, "multipart/form-data"))[-1] == "body_extra body:  ≠ 5 bytes"


def test_bodies_of_two_kinds_are_one_difference() -> None:
    found = said(answer({"a": 1}), answer("<p>sorry</p>", 200, HTML))
    assert [line.split(":")[0] for line in found] == ["header_value header content-type", "body_type body"]


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (Answer(b"\x1f\x8b\x08nonsense", media=JSON, fields=("Content-Encoding: gzip",)), "coding_broken"),
        (
            Answer(gzip.compress(b'{"a":1}' * 99)[:-20], media=JSON, fields=("Content-Encoding: gzip",)),
            "coding_broken",
        ),
    ],
)
def test_a_coding_that_the_target_breaks_is_a_difference(broken: Answer, why: str) -> None:
    assert [d.kind for d in judged(answer({"a": 1}), broken).differences] == [why]


def test_what_production_sent_broken_is_not_compared() -> None:
    broken = Answer(b"\x1f\x8b\x08nonsense", media=JSON, fields=("Content-Encoding: gzip",))
    assert judged(broken, answer({"a": 1})).skipped == "production's body: broken_coding"


def test_a_zip_bomb_is_not_unpacked() -> None:
    bomb = Answer(gzip.compress(bytes(50 << 20)), media=JSON, fields=("Content-Encoding: gzip",))
    assert judged(answer({"a": 1}), bomb).skipped == "the target's body: too_large"
    assert judged(bomb, bomb).same


def test_answers_that_are_too_long_are_the_same_or_not_compared() -> None:
    long = answer("x" * (5 << 20), 200, TEXT)
    assert judged(long, long).same
    assert judged(long, answer("y" * (5 << 20), 200, TEXT)).skipped == "production's body: too_large"
    assert judged(long, answer("y", 500)).differences[0].kind == "status"


def test_no_answer_is_no_difference_but_a_reason() -> None:
    asked = request()
    whole = exchange(asked, answer("a"))
    out = outcome(asked, answer("a"))
    assert compare(Exchange(asked, None), out).skipped == "production's answer was not seen"
    cut = replace(whole.response, fault=Fault.GAP)
    assert compare(Exchange(asked, cut), out).skipped == "production's answer is not complete: lost_packets"
    failed = replace(out, failure=Failure.TIMEOUT)
    assert compare(whole, failed).skipped == "the target gave no answer: timeout"
    kept = replace(out, body=b"")
    assert compare(whole, kept).skipped == "the target's body was not kept"
    assert not compare(whole, kept).same


def test_validators_that_differ_make_304_of_200_and_back() -> None:
    assert noise(answer("", 304), answer("all of it")) == ["status status: replay: not modified"]
    assert noise(answer("all of it"), answer("", 304)) == ["status status: replay: not modified"]


def test_differences_beyond_the_limit_are_counted() -> None:
    verdict = judged(
        answer({f"k{chr(97 + n % 26)}{chr(97 + n // 26)}": 1 for n in range(80)}), answer({"a": 1})
    )
    assert len(verdict.differences) == 50
    assert verdict.more == 31
    assert not verdict.same


def test_noise_that_has_no_end_is_not_called_the_same() -> None:
    rules = make_rules(ignore=["body.items"])
    long = [[{"n": n} for n in range(6000)], [{"n": n, "m": 0} for n in range(6000)]]
    verdict = judged(answer({"items": long[0]}), answer({"items": long[1]}), rules=rules)
    assert verdict.skipped == "more than 5,000 differences, and those looked at are noise"


@pytest.mark.parametrize("spaced", [False, True])
def test_an_equal_answer_of_a_kibibyte_costs_little(spaced: bool) -> None:
    body = msgspec.json.encode(SHOP)
    assert len(body) > 1000
    asked = request()
    one = exchange(asked, Answer(body, media=JSON, fields=SERVERS))
    two = outcome(
        asked, Answer(msgspec.json.format(body, indent=1) if spaced else body, media=JSON, fields=OTHERS)
    )
    assert compare(one, two).same
    once = min(timeit.repeat(lambda: compare(one, two), number=50, repeat=20)) / 50
    assert once < 300e-6  # the benchmark holds it to 60 µs; this is for a machine that is busy
