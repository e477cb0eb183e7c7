"""The user's functions called, whatever they do."""

import runpy
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from formats.observing import observe, outcome, request, request_octets, response
from hooks.hooking import Hooked
from shadowtap.hooks import Drop, Hooks, OnError
from shadowtap.hooks.hooks import SLOW_NS, TOLD_NS, WINDOW

ASKED = request(b"GET /a HTTP/1.1\r\nHost: shop\r\n\r\n")


@given(request_octets())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_a_hook_that_does_nothing_hands_on_the_very_same_request(tmp_path, octets):
    asked = request(octets)
    assert Hooked(tmp_path, "def request(request): return request")(asked) is asked


def test_changed_dropped_and_unchanged_are_counted(tmp_path):
    hooked = Hooked(
        tmp_path,
        """
        def request(request):
            if request.path == "/admin":
                return None
            if request.path == "/old":
                request.path = "/new"
            return request
        """,
    )
    results = [hooked(request(b"GET %b HTTP/1.1\r\n\r\n" % path)) for path in (b"/admin", b"/old", b"/")]
    assert results[0] is Drop.HOOK
    assert results[1].target == b"/new"
    assert results[1].head == b"GET /new HTTP/1.1\r\n\r\n"
    assert results[2].target == b"/"
    counters = hooked.hooks.counters
    assert (counters.calls, counters.changed, counters.dropped, counters.unchanged) == (3, 1, 1, 1)


FAILING = """
def request(request):
    if request.path == "/a":
        return deeper(request)
    return request

def deeper(request):
    raise KeyError("no such\\nthing")
"""


@pytest.mark.parametrize("on_error", OnError)
def test_an_exception_costs_its_request_only(tmp_path, on_error):
    hooked = Hooked(tmp_path, FAILING, on_error=on_error)
    result = hooked(ASKED)
    assert result is (ASKED if on_error is OnError.UNCHANGED else Drop.ERROR)
    assert hooked(request()) is not Drop.ERROR
    assert hooked.hooks.counters.failed == {"KeyError": 1}
    assert hooked.hooks.counters.request_failed == 1
    then = "passed on unchanged" if on_error is OnError.UNCHANGED else "dropped"
    where = f"({hooked.file}, line 8)"
    assert hooked.said == [
        f"hooks: request() failed: KeyError: 'no such\\nthing' {where}; the request is {then}"
    ]


def test_a_request_that_was_half_changed_goes_on_unchanged(tmp_path):
    hooked = Hooked(
        tmp_path, "def request(request):\n  request.path = '/half'\n  raise ValueError\n  return request"
    )
    assert hooked(ASKED) is ASKED


@pytest.mark.parametrize("value", ["True", "'/x'", "request.raw", "(request,)", "request.headers"])
def test_what_is_no_request_is_an_error_of_its_own(tmp_path, value):
    hooked = Hooked(tmp_path, f"def request(request): return {value}", on_error=OnError.DROP)
    assert hooked(ASKED) is Drop.ERROR
    assert hooked.hooks.counters.failed == {"wrong_type": 1}
    assert "which is neither the request nor None" in hooked.said[0]


@pytest.mark.parametrize("source", ["import sys; sys.exit(1)", "f()\ndef f(): f()", "raise MemoryError"])
def test_nothing_a_hook_raises_gets_out(tmp_path, source):
    body = source.replace("f()\ndef f(): f()", "f = lambda: f(); f()")
    hooked = Hooked(tmp_path, f"def request(request):\n  {body}\n  return request")
    assert hooked(ASKED) is ASKED
    assert hooked.hooks.counters.failed.total() == 1


def test_an_interrupt_gets_out(tmp_path):
    hooked = Hooked(tmp_path, "def request(request):\n  raise KeyboardInterrupt\n  return request")
    with pytest.raises(KeyboardInterrupt):
        hooked(ASKED)


def test_the_same_trouble_is_told_once_in_a_while(tmp_path):
    hooked = Hooked(tmp_path, FAILING)
    for _ in range(100):
        hooked(ASKED)
    assert len(hooked.said) == 1
    hooked.clock.now += TOLD_NS
    hooked(ASKED)
    assert len(hooked.said) == 2
    assert hooked.said[1].endswith("(and 99 times since the last such line)")


def test_a_slow_hook_is_told(tmp_path):
    hooked = Hooked(tmp_path, "def request(request): return request")
    hooked.clock.step = SLOW_NS // 2
    for _ in range(WINDOW):
        hooked(ASKED)
    assert hooked.said == []
    hooked.clock.step = 3 * SLOW_NS
    for _ in range(WINDOW):
        hooked(ASKED)
    assert hooked.said == [
        f"hooks: request() takes 3.0 ms (median of {WINDOW} calls); meanwhile all other requests wait"
    ]


def test_answers_are_shown(tmp_path):
    hooked = Hooked(
        tmp_path,
        """
        seen = []
        def answers(request, production, outcomes):
            seen.append((request.path, production and production.status, [o.status for o in outcomes]))
        """,
    )
    assert hooked.hooks.wants_answers
    assert hooked(ASKED) is ASKED
    hooked.hooks.answers(observe(ASKED, response(), outcome(ASKED)))
    hooked.hooks.answers(observe(ASKED))
    hooked.hooks.answers(observe(None, response()))
    import sys

    assert sys.modules["shadowtap_hooks"].seen == [("/a", 200, [200]), ("/a", None, [])]
    assert hooked.hooks.counters.answers_calls == 2


def test_an_exception_in_answers_is_counted(tmp_path):
    hooked = Hooked(tmp_path, "def answers(request, production, outcomes):\n  return outcomes[0].status")
    hooked.hooks.answers(observe(ASKED))
    assert hooked.hooks.counters.failed == {"IndexError": 1}
    assert "answers() failed: IndexError: list index out of range" in hooked.said[0]
    assert "line 2" in hooked.said[0]


def test_the_example_does_what_it_says():
    file = Path(__file__).parents[2] / "examples" / "hooks.py"
    said = []
    hooks = Hooks(str(file), notify=said.append, clock=lambda: 0)
    assert hooks.request(request(b"GET /health HTTP/1.1\r\nHost: shop\r\n\r\n")) is Drop.HOOK
    made = hooks.request(request(b"GET /v1/things?debug=1&x=2 HTTP/1.1\r\nHost: shop\r\n\r\n"))
    assert made.head == b"GET /v2/things?x=2 HTTP/1.1\r\nHost: shop\r\nX-Replayed-From: 10.0.8.9\r\n\r\n"
    order = b'{"card":"4111111111111111","n":1}'
    octets = b"POST /orders HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
    made = hooks.request(request(octets % (len(order), order)))
    assert made.body == b'{"card":"4242424242424242","n":1}'
    hooks.answers(observe(ASKED, response(), outcome(ASKED, b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")))
    assert said == []
    assert not hooks.counters.failed
    assert runpy.run_path(str(file))["request"]
