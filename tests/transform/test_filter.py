"""Which requests pass, under which name the others are counted, and which wait for production's answer."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expression.asking import answered, asked
from shadowtap.events import Exchange
from shadowtap.expression import parse
from shadowtap.transform.fate import HELD
from shadowtap.transform.filter import NONE_OF_ONLY, Filter


def get(target: str, method: str = "GET"):
    return asked(f"{method} {target} HTTP/1.1\r\nHost: shop.example\r\n\r\n".encode())


def rules(only=(), skip=()):
    return Filter([parse(text) for text in only], [parse(text) for text in skip])


def test_without_rules_all_pass():
    assert rules().decide(get("/")) is None


def test_several_only_rules_are_several_doors():
    doors = rules(["path ~ ^/api", "method == POST"])
    assert doors.decide(get("/api/1")) is None
    assert doors.decide(get("/", "POST")) is None
    assert doors.decide(get("/")) == NONE_OF_ONLY
    assert doors.matched == {"path ~ ^/api": 1, "method == POST": 1}


def test_skip_wins_over_only():
    mixed = rules(["path ~ ^/api"], ["path ~ health"])
    assert mixed.decide(get("/api/health")) == "path ~ health"
    assert mixed.decide(get("/api/1")) is None
    assert mixed.decide(get("/")) == "not (path ~ ^/api)"
    assert mixed.reasons == ("path ~ health", "not (path ~ ^/api)")
    assert mixed.matched == {"path ~ ^/api": 1, "path ~ health": 1}


def test_the_reason_is_an_expression_that_holds():
    request = get("/")
    for reason in (rules(["path ~ ^/api or vni"]).decide(request), rules(skip=["path == /"]).decide(request)):
        assert parse(reason).matches(Exchange(request, None))


@pytest.mark.parametrize(
    ("only", "skip", "request_", "decided"),
    [
        (["status == 200"], [], get("/"), HELD),
        (["status == 200"], ["path == /"], get("/"), "path == /"),
        (["status == 200", "path == /"], [], get("/"), None),
        (["status == 200 and method == POST"], [], get("/"), "not (status == 200 and method == POST)"),
        ([], ["status >= 500"], get("/"), HELD),
        ([], ["status >= 500 and path ~ ^/api"], get("/"), None),
        (["path ~ ^/api"], ["status >= 500"], get("/"), "not (path ~ ^/api)"),
        (["path == /"], ["latency > 1s"], get("/"), HELD),
    ],
)
def test_what_can_be_decided_before_the_answer_does_not_wait(only, skip, request_, decided):
    assert rules(only, skip).decide(request_) == decided


def test_with_the_answer():
    slow_or_wrong = rules(["latency > 1s", "status == 5xx"], ["status == 503"])
    assert slow_or_wrong.decide_with_answer(answered(get("/"), 500)) is None
    assert slow_or_wrong.decide_with_answer(answered(get("/"), 200, latency_ms=2000)) is None
    assert slow_or_wrong.decide_with_answer(answered(get("/"), 200)) == NONE_OF_ONLY
    assert slow_or_wrong.decide_with_answer(answered(get("/"), 503)) == "status == 503"


RULES = st.sampled_from(
    [
        "path == /",
        "status == 200",
        "status == 200 and path == /",
        "method == POST or status == 500",
        "not status == 500",
        "latency > 1s",
    ]
)


@settings(deadline=None)
@given(
    st.lists(RULES, max_size=3),
    st.lists(RULES, max_size=3),
    st.sampled_from([get("/"), get("/a"), get("/", "POST")]),
    st.sampled_from([200, 404, 500]),
    st.sampled_from([1, 5000]),
)
def test_what_is_decided_before_the_answer_is_what_the_answer_leads_to(
    only, skip, request_, status, latency_ms
):
    early = rules(only, skip).decide(request_)
    exchange = answered(request_, status, latency_ms)
    late = rules(only, skip).decide_with_answer(exchange)
    if early is not HELD:
        assert (early is None) == (late is None)
    passes = not any(parse(rule).matches(exchange) for rule in skip)
    passes = passes and (not only or any(parse(rule).matches(exchange) for rule in only))
    assert (late is None) == passes
