"""Every request that enters the chain comes out once, whatever the rules and whatever production does."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expression.asking import answered, asked, connection
from shadowtap.events import Ended, Exchange, Request
from shadowtap.transform import HELD, Bucket, Chain, Dropped, compose
from shadowtap.transform.chain import ANSWER_BACKLOG, ANSWER_LATE, ANSWER_MISSING

SECOND = 1_000_000_000


def get(target: str = "/", number: int = 0, index: int = 0, method: str = "GET", user: str = "") -> Request:
    head = f"{method} {target} HTTP/1.1\r\nHost: shop.example\r\n{f'Cookie: user={user}' if user else 'X: y'}\r\n\r\n"
    return asked(head.encode(), connection(number), index)


def chain(**options) -> Chain:
    built = compose(**options)
    assert built is not None
    return built


def test_without_rules_there_is_no_chain():
    assert compose() is None
    assert compose(sample=1) is not None


def test_the_order_of_the_stages():
    everything = chain(
        safe_methods_only=True,
        skip=["path == /health", "method == POST"],
        sample=0,
        steps=[lambda request: Dropped(request, Bucket.FILTERED, "hook")],
    )
    assert everything.apply(get("/", method="POST"), 0).fate == "refused: unsafe_method"
    assert everything.apply(get("/health"), 0).fate == "filtered: path == /health"
    assert everything.apply(get("/"), 0).fate == "sampled_out"
    assert (
        chain(steps=[lambda request: Dropped(request, Bucket.FILTERED, "hook")]).apply(get(), 0).fate
        == "filtered: hook"
    )


def test_what_no_rule_touches_is_the_same_object():
    request = get()
    assert chain(only=["path == /"], sample=1, safe_methods_only=True).apply(request, 0) is request


def test_steps_are_applied_in_order_also_to_what_waited():
    def step(mark):
        return lambda request: asked(
            request.head.replace(b"X: y", b"X: y" + mark), request.connection, request.index
        )

    waiting = chain(only=["status == 200"], steps=[step(b"1"), step(b"2")])
    request = get()
    assert waiting.apply(request, 0) is HELD
    (out,) = waiting.answered(answered(request))
    assert b"X: y21" in out.head


def test_rules_see_the_request_as_production_did():
    other = get("/other")
    changing = chain(only=["path == / and status == 200"], steps=[lambda _: other])
    assert changing.apply(get(), 0) is HELD
    assert changing.answered(answered(get())) == [other]


def test_out_of_the_sample_nothing_waits():
    waiting = chain(only=["status == 200"], sample=0)
    assert waiting.apply(get(), 0).fate == "sampled_out"
    assert waiting.held == 0


def test_an_interim_answer_decides_nothing():
    waiting = chain(only=["status == 200"])
    waiting.apply(get(), 0)
    assert waiting.answered(answered(get(), 103)) == []
    assert waiting.answered(answered(get(), 200)) == [get()]


def test_an_upgrade_is_an_answer():
    waiting = chain(only=["status == 101"])
    waiting.apply(get(), 0)
    assert waiting.answered(answered(get(), 101)) == [get()]


@pytest.mark.parametrize("send", [False, True])
def test_answers_that_do_not_come(send):
    waiting = chain(only=["status == 200"], send_unanswered=send, wait_ns=10 * SECOND)
    missing, late, last = get(number=1), get(number=2), get(number=3)
    for request in (missing, late, last):
        assert waiting.apply(request, SECOND * request.connection.number) is HELD
    out = waiting.answered(Exchange(missing, None))
    assert waiting.advance(11 * SECOND) == []
    out += waiting.advance(12 * SECOND)
    out += waiting.finish()
    if send:
        assert out == [missing, late, last]
    else:
        assert [dropped.fate for dropped in out] == [
            f"filtered: {reason}" for reason in (ANSWER_MISSING, ANSWER_LATE, ANSWER_MISSING)
        ]
    assert waiting.held == 0


def test_no_room_to_wait():
    waiting = chain(only=["status == 200"], wait_requests=1)
    assert waiting.apply(get(), 0) is HELD
    assert waiting.apply(get(number=1), 0).fate == f"filtered: {ANSWER_BACKLOG}"


def test_the_end_of_a_connection_comes_behind_its_requests():
    waiting = chain(skip=["status == 500"])
    assert waiting.ended(Ended(0)) == [Ended(0)]
    request = get()
    waiting.apply(request, 0)
    assert waiting.ended(Ended(0)) == []
    assert waiting.answered(answered(request)) == [request, Ended(0)]


def test_every_rule_has_a_line_from_the_start():
    both = chain(safe_methods_only=True, only=["status == 200"], skip=["path == /a"])
    assert both.reasons == {
        Bucket.REFUSED: ("unsafe_method",),
        Bucket.FILTERED: ("path == /a", "not (status == 200)", ANSWER_MISSING, ANSWER_LATE, ANSWER_BACKLOG),
    }


RULES = st.lists(
    st.sampled_from(
        [
            "path == /a",
            "method == POST",
            "status == 200",
            "status == 5xx and path == /a",
            "latency > 4ms",
            "header.cookie",
        ]
    ),
    max_size=2,
)
STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("request"),
            st.integers(0, 3),
            st.tuples(
                st.sampled_from(["/a", "/b"]),
                st.sampled_from(["GET", "POST"]),
                st.sampled_from(["", "ann", "bob", "cy"]),
            ),
        ),
        st.tuples(st.just("answer"), st.integers(0, 20), st.sampled_from([102, 200, 500])),
        st.tuples(st.just("nothing"), st.integers(0, 20), st.none()),
        st.tuples(st.just("end"), st.integers(0, 3), st.none()),
        st.tuples(st.just("time"), st.integers(0, 6), st.none()),
    ),
    max_size=40,
)


@settings(deadline=None)
@given(
    STEPS,
    st.fixed_dictionaries(
        {
            "only": RULES,
            "skip": RULES,
            "sample": st.sampled_from([None, 0.5, 1]),
            "sample_by": st.just("cookie:user"),
            "safe_methods_only": st.booleans(),
            "allow": st.sampled_from([[], ["POST /a"]]),
            "send_unanswered": st.booleans(),
            "wait_requests": st.sampled_from([1, 3, 100]),
            "wait_octets": st.sampled_from([150, 10_000]),
            "wait_ns": st.just(5),
            "steps": st.sampled_from(
                [
                    [],
                    [
                        lambda request: (
                            Dropped(request, Bucket.FILTERED, "hook") if b"bob" in request.head else request
                        )
                    ],
                ]
            ),
            "idempotency_run": st.sampled_from([None, "run"]),
        }
    ),
)
def test_the_law_of_conservation(steps, options):
    built = compose(**options) or Chain()
    entered: list[Request] = []
    out: list[Request | Dropped | Ended] = []
    ended: set[int] = set()
    now = 0

    def check():
        fates = Counter(type(one) for one in out)
        assert len(entered) == fates[Request] + fates[Dropped] + built.held

    for step, which, how in steps:
        if step == "request" and which not in ended:
            target, method, user = how
            index = sum(1 for request in entered if request.connection.number == which)
            entered.append(get(target, which, index, method, user))
            fate = built.apply(entered[-1], now)
            out += [] if fate is HELD else [fate]
        elif step == "answer" and which < len(entered):
            out += built.answered(answered(entered[which], how))
        elif step == "nothing" and which < len(entered):
            out += built.answered(Exchange(entered[which], None))
        elif step == "end" and which not in ended:
            ended.add(which)
            out += built.ended(Ended(which))
        elif step == "time":
            now += which
            out += built.advance(now)
        check()
    out += built.finish()
    check()
    assert built.held == 0

    def place(request):
        return request.connection.number, request.index

    assert sorted(place(getattr(one, "request", one)) for one in out if not isinstance(one, Ended)) == sorted(
        map(place, entered)
    )
    sent: dict[int, list[int]] = {}
    gone = set()
    for one in out:
        if isinstance(one, Request):
            assert one.connection.number not in gone
            sent.setdefault(one.connection.number, []).append(one.index)
        elif isinstance(one, Ended):
            gone.add(one.connection)
    assert gone == ended
    assert all(indexes == sorted(indexes) for indexes in sent.values())
    reasons = built.reasons
    for one in out:
        if isinstance(one, Dropped) and one.bucket is not Bucket.SAMPLED_OUT:
            assert one.reason in (*reasons[one.bucket], "hook")
