"""Header fields: what counts, what does not, and cookies."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compare.answers import Answer, answer, judged, said
from shadowtap.compare import headers, make_rules


def both(production: list[str], target: list[str], **more: object) -> list[str]:
    return said(answer("", 200, None, *production), answer("", 200, None, *target), **more)


def test_missing_extra_and_changed() -> None:
    assert sorted(both(["X-A: 1", "X-B: 1"], ["X-B: 2", "X-C: 3"])) == [
        "header_extra header x-c:  ≠ 3",
        "header_missing header x-a: 1 ≠ ",
        "header_value header x-b: 1 ≠ 2",
    ]


@pytest.mark.parametrize(
    ("production", "target"),
    [
        ("Date: Mon, 23 Nov 2026 01:40:00 GMT", "Date: Mon, 23 Nov 2026 01:40:07 GMT"),
        ("Server: nginx/1.24", "Server: uvicorn"),
        ("X-Request-Id: 1", "X-Request-Id: 2"),
        ("traceparent: 00-a", "traceparent: 00-b"),
        ("Via: 1.1 cache", "X-Ignore: 0"),
        ("ETag: \"a\"", "ETag: \"b\""),
        ("Connection: keep-alive", "Connection: close"),
        ("Vary: Accept, Origin", "Vary: origin,accept"),
        ("Cache-Control: no-cache, no-store", "cache-control: no-store,no-cache"),
        ("Content-Type: text/html;charset=UTF-8", 'Content-Type: Text/HTML; charset="utf-8"'),
        ("Content-Security-Policy: script-src 'nonce-abc'", "Content-Security-Policy: script-src 'nonce-def'"),
        ("Set-Cookie: sid=a; Path=/; Expires=Mon, 23 Nov 2026 01:40:00 GMT", "Set-Cookie: sid=b; path=/; Expires=Mon, 23 Nov 2026 02:40:00 GMT"),
        ("Set-Cookie: AWSALB=a", "X-Ignore: 0"),
        ("X-A: 1\r\n  2", "X-A: 1 2"),
        ("x-a:1", "X-A: 1"),
    ],
)  # fmt: skip
def test_what_does_not_count(production: str, target: str) -> None:
    assert not both([production], [target], rules=make_rules(ignore_headers=["x-ignore"]))


def test_of_some_the_presence_counts() -> None:
    assert both(['ETag: "a"'], []) == ['header_missing header etag: "a" ≠ ']
    assert both(["ETag: a"], ["ETag: b"], rules=make_rules(compare_headers=["ETag"])) == [
        "header_value header etag: a ≠ b"
    ]


def test_headers_can_be_compared_that_are_not_by_default() -> None:
    assert both(["Server: a"], ["Server: b"], rules=make_rules(compare_headers=["server"])) == [
        "header_value header server: a ≠ b"
    ]


def test_cookies_are_compared_by_name_and_attributes() -> None:
    found = both(
        ["Set-Cookie: a=1; HttpOnly; Secure", "Set-Cookie: b=1"],
        ["Set-Cookie: a=2; HttpOnly", "Set-Cookie: c=1"],
    )
    assert sorted(found) == [
        "cookie_attribute cookie a: httponly; secure ≠ httponly",
        "cookie_extra cookie c:  ≠ c",
        "cookie_missing cookie b: b ≠ ",
    ]


def test_a_cookie_that_is_emptied_is_another_one() -> None:
    assert both(["Set-Cookie: sid=; Max-Age=0"], ["Set-Cookie: sid=abc; Max-Age=9"]) == [
        "cookie_attribute cookie sid: empty; max-age ≠ max-age"
    ]


def test_the_case_of_a_cookie_s_path_counts() -> None:
    assert both(["Set-Cookie: a=1; Path=/A"], ["Set-Cookie: a=1; path=/a"]) == [
        "cookie_attribute cookie a: path=/A ≠ path=/a"
    ]


def test_a_location_on_the_own_host_is_the_same() -> None:
    verdict = judged(
        answer("", 302, None, "Location: https://shop.example/orders/7"), answer("", 302, None, "Location: http://next.example:8080/orders/7")
    )  # fmt: skip
    assert [rule for _, rule in verdict.noise] == ["replay: host"]
    assert verdict.same
    assert said(answer("", 302, None, "Location: /a"), answer("", 302, None, "Location: /b")) == [
        "header_value header location: /a ≠ /b"
    ]


heads = st.lists(
    st.one_of(
        st.sampled_from([b"X-A: 1", b"Set-Cookie: a=b; c", b" folded", b": x", b"Vary"]),
        st.binary(max_size=30),
    ),
    max_size=6,
)


@given(heads, heads)
def test_any_octets_are_compared(production: list[bytes], target: list[bytes]) -> None:
    def made(lines: list[bytes]) -> Answer:
        return Answer("", fields=tuple(line.decode("latin-1") for line in lines))

    assert judged(made(production), made(target)) is not None
    assert judged(made(production), made(production)).same


LINES = st.lists(
    st.tuples(
        st.sampled_from(["Date", "date", "X-Request-Id", "Set-Cookie", "Vary", "X-A", "Content-Type", ""]),
        st.sampled_from([": ", ":", " : ", ""]),
        st.sampled_from(["a", "b", "sid=1; Path=/", "sid=2; Path=/", "sid=; Path=/", "lang=de", "text/html"]),
    ).map("".join),
    max_size=5,
)


@settings(max_examples=100)
@given(LINES, LINES, st.booleans(), st.data())
def test_what_is_seen_at_once_is_what_a_closer_look_finds(
    mine: list[str], theirs: list[str], alike: bool, data: st.DataObject
) -> None:
    if alike:  # the same fields, some with other values
        values = st.sampled_from(["a", "b", "sid=1; Path=/", "sid=2; Path=/", "sid="])
        theirs = [
            f"{m.partition(':')[0]}: {data.draw(values)}" if data.draw(st.booleans()) else m for m in mine
        ]
    sides = Answer("", fields=tuple(mine)), Answer("", fields=tuple(theirs))
    quick = judged(*sides)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(headers, "_are_alike", lambda *lines: False)
        assert quick == judged(*sides)
