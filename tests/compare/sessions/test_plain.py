"""The quick looks agree with the careful roads: they say nothing that those would not find."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compare.answers import SECOND, Answer, exchange, outcome, request
from shadowtap.compare.expected import SAFE
from shadowtap.compare.sessions import Rebinder, rebind
from shadowtap.compare.sessions.issued import Answered, issued
from shadowtap.compare.sessions.plain import asked, issues_nothing
from shadowtap.compare.sessions.substitute import Rewriting
from shadowtap.content import Content, content_of
from shadowtap.events import Request

TOKENS = ["kJ8sD0aLq2ZxPw7R", "Zp3XmQ9dT1vBn5Ls==", "0b8f0e7c-2f1c-4f43-9d8a-1b2c3d4e5f60"]
VALUES = st.sampled_from(
    [*TOKENS, "1007", "53", "plain words", "a%2Fb", "", "Mon, 23 Nov 2026 12:00:00 GMT", "x" * 300]
)
NAMES = st.sampled_from(
    ["Date", "date", "Server", "Set-Cookie", "X-Auth", "Location", "ETag", "Cookie", "Referer", "X-Forwarded-For", " Fold"]
)  # fmt: skip
FIELDS = st.lists(
    st.tuples(NAMES, st.sampled_from([": ", ": a=", ": /orders/", ": /a?t=", ":", ""]), VALUES).map("".join),
    max_size=4,
).map(tuple)
BODIES = st.one_of(
    st.binary(max_size=40),
    VALUES,
    st.dictionaries(st.sampled_from(["id", "token", "order_id", "name", "at"]), VALUES, max_size=3),
)
ANSWERS = st.builds(
    Answer,
    BODIES,
    st.sampled_from([200, 201, 302]),
    st.sampled_from([None, "text/html", "text/plain", "application/json", "image/png"]),
    FIELDS,
)
METHODS = st.sampled_from(["GET", "POST", "HEAD"])
PATHS = st.tuples(
    st.sampled_from(["/", "/orders/", "/a/b/", "/a?t=", "/orders?order_id=", "*"]), VALUES.map(lambda v: v.replace(" ", "+"))
).map("".join)  # fmt: skip
REQUESTS = st.builds(
    lambda method, path, fields, body: request(method, path, *fields, body=body),
    METHODS,
    PATHS,
    FIELDS,
    st.sampled_from([b"", b"", b"", b'{"order_id": "1007"}']),
)


@settings(max_examples=100)
@given(ANSWERS, METHODS, st.booleans())
def test_an_answer_that_is_said_to_issue_nothing_issues_nothing(
    answer: Answer, method: str, chunked: bool
) -> None:
    response = exchange(request(method), answer._replace(chunked=chunked)).response
    assert response is not None
    makes = method.encode() not in SAFE
    if issues_nothing(response, makes=makes):
        content = content_of(response, limit_bytes=1 << 20)
        said = Answered(response.head, content if isinstance(content, Content) else None, "/orders", makes)
        assert list(issued(said)) == []


@settings(max_examples=100)
@given(REQUESTS, st.data())
def test_where_nothing_is_known_that_is_asked_for_nothing_is_put_in(
    made: Request, data: st.DataObject
) -> None:
    wanted = asked(made, "me")
    if wanted is None:
        return
    seen = set()

    def look(scope: str, value: str) -> str | None:
        seen.add((scope, value.rstrip("=") or value))
        return None

    rewriting = Rewriting("me", look)
    assert rewriting.request(made) == made
    assert rewriting.done == []
    assert seen == set(wanted)


def test_most_requests_and_answers_are_plain() -> None:
    response = exchange(request(), Answer("hello", fields=("Date: today", "Server: x"))).response
    assert response is not None
    assert issues_nothing(response, makes=True) is False
    assert issues_nothing(response, makes=False)
    found = asked(request("GET", "/items/17", "Accept: */*", "Cookie: cart=4"), "me")
    assert found == (("resource item", "17"), ("cookie me cart", "4"))
    assert asked(request("POST", "/items", body=b"{}"), "me") is None


STEPS = st.lists(
    st.tuples(st.sampled_from(["before", "go", "produced", "answered", "fails"]), st.integers(0, 3)),
    max_size=24,
)


@settings(max_examples=100)
@given(st.lists(REQUESTS, min_size=4, max_size=4), st.lists(ANSWERS, min_size=8, max_size=8), STEPS)
def test_rebinding_does_the_same_without_the_quick_looks(
    requests: list[Request], answers: list[Answer], steps: list[tuple[str, int]]
) -> None:
    quick = _carried_out(requests, answers, steps)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rebind, "issues_nothing", lambda response, makes: False)
        patch.setattr(rebind, "asked", lambda request, client: None)
        assert quick == _carried_out(requests, answers, steps)


def _carried_out(
    requests: list[Request], answers: list[Answer], steps: list[tuple[str, int]]
) -> list[object]:
    from shadowtap.events import replace

    rebinder, said = Rebinder(), list[object]()
    whole = [replace(r, index=n, time_ns=r.time_ns + n * SECOND) for n, r in enumerate(requests)]
    for step, n in [*steps, *(("before", n) for n in range(4))]:
        each = whole[n]
        if step in ("before", "go"):
            said.append(rebinder.before(each, wait=step == "before"))
        elif step == "produced":
            said.append(rebinder.produced(exchange(each, answers[n])))
        elif step == "answered":
            said.append(rebinder.answered(each, outcome(each, answers[n + 4])))
        else:
            said.append(rebinder.give_up(each))
        said.append((len(rebinder.bindings), dict(rebinder._awaited), rebinder._bytes))
    return [*said, dict(rebinder.counts)]
