"""Values in answers, and those of two answers that belong together."""

from hypothesis import given
from hypothesis import strategies as st

from shadowtap.compare.places import Pattern
from shadowtap.compare.sessions.issued import Answered, cookies_set, issued, pairs
from shadowtap.content import Content

A, B = "kJ8sD0aLq2ZxPw7R", "Zp3XmQ9dT1vBn5Ls"


def answered(
    body: str = "", *fields: str, media: str = "application/json", path: str = "/orders", makes: bool = True
) -> Answered:
    head = "\r\n".join(["HTTP/1.1 200 OK", *fields, "", ""]).encode()
    return Answered(head, Content(media, "utf-8", body.encode()), path, makes)


def found(answer: Answered) -> list[tuple[str, str]]:
    return [(value.value, value.scope) for value in issued(answer)]


def test_cookies() -> None:
    assert found(
        answered("", f"Set-Cookie: sid={A}; Path=/", "Set-Cookie: cart=17", "Set-Cookie: gone=; Max-Age=0")
    ) == [(A, ""), ("17", "cookie cart")]
    assert cookies_set(b'HTTP/1.1 200 OK\r\nSet-Cookie: a="x"; b\r\nset-cookie: c\r\n\r\n') == {
        "a": "x",
        "c": "",
    }


def test_headers_and_locations() -> None:
    assert found(
        answered("", f"X-CSRF-Token: {A}", "Date: x", "Location: https://h/orders/1007?ticket=abcdefgh")
    ) == [
        (A, ""),
        ("1007", "resource order"),
        ("abcdefgh", ""),
    ]
    assert found(answered("", "Location: /orders/1007", makes=False)) == []


def test_json_tokens_and_numbers_of_what_was_made() -> None:
    body = f'{{"id": 7, "order": {{"id": "A-1"}}, "total": 9, "access_token": "abcdefgh", "deep": [{{"k": "{A}"}}]}}'
    assert found(answered(body)) == [
        ("7", "resource order"),
        ("A-1", "resource order"),
        ("abcdefgh", ""),
        (A, ""),
    ]
    assert found(answered(body, makes=False)) == [("abcdefgh", ""), (A, "")]


def test_tokens_in_pages_are_known_by_what_is_before_them() -> None:
    page = '<meta name="csrf-token" content="%s"><script>var u = "%s";</script><a href="/o/%s/pay">x</a> product-page-of-the-day'
    mine, theirs = (
        answered(page % (A, A[::-1], B), media="text/html"),
        answered(page % (B[::-1], "QQQXmQ9dT1vBn5Ls", "RRRXmQ9dT1vBn5Ls"), media="text/html"),
    )
    assert [(value.value, other) for value, other in pairs(mine, theirs)] == [
        (A, B[::-1]),
        (A[::-1], "QQQXmQ9dT1vBn5Ls"),
        (B, "RRRXmQ9dT1vBn5Ls"),
    ]


def test_what_both_answers_hold_is_nobodys_own() -> None:
    assert (
        list(
            pairs(
                answered(f'["x", {{"a": "{A}"}}, {{"a": "{B}"}}]'),
                answered(f'["x", {{"a": "{B}"}}, {{"a": "{A}"}}]'),
            )
        )
        == []
    )


def test_explicit_places() -> None:
    always = (Pattern.parse("body.ticket"),)
    (pair,) = pairs(answered('{"ticket": "blue"}'), answered('{"ticket": "red"}'), always)
    assert (pair[0].value, pair[1], pair[0].scope) == ("blue", "red", "")


@given(
    st.binary(max_size=200),
    st.binary(max_size=200),
    st.sampled_from(["application/json", "text/html", "", "image/png"]),
)
def test_any_octets_can_be_read(head: bytes, body: bytes, media: str) -> None:
    answer = Answered(head, Content(media, None, body), "/", True)
    assert list(pairs(answer, answer, (Pattern.parse("**"),))) == []
