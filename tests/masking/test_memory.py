"""What was seen lately is remembered, never wrongly, within its limit."""

from hypothesis import given, settings
from hypothesis import strategies as st

from masking.messages import request, response
from shadowtap.masking import Masker
from shadowtap.masking.memory import ENTRY_BYTES, Memory

KEY = b"0123456789abcdef"
PIECES = st.sampled_from(
    [
        b"a@b.example",
        b"nothing",
        b"password=hunter2",
        b'{"token": "abc", "n": 1}',
        b"4111111111111111",
        b"\xef\xbb\xbf{}",
        b"\xff\xfea\0@\0b\0.\0d\0e\0",
        b"\0\1\2",
        b"",
    ]
)
FIELDS = st.sampled_from(
    [
        b"Content-Type: application/json\r\n",
        b"Content-Type: text/plain; charset=utf-16\r\n",
        b"content-type: image/png\r\n",
        b"Content-Encoding: gzip\r\n",
        b"Content-Length: 9\r\n",
        b"Cookie: sid=1; b=2\r\n",
        b"X-Note: call +49 30 1234567\r\n",
        b" folded password=x\r\n",
    ]
)
TARGETS = st.sampled_from([b"/", b"/p?token=abc", b"/u/a@b.example", b"GET"])


@st.composite
def messages(draw):
    fields = b"".join(draw(st.lists(FIELDS, max_size=3)))
    body, chunked = draw(PIECES), draw(st.booleans())
    if draw(st.booleans()):
        head = b"GET %b HTTP/1.1\r\n%b\r\n" % (draw(TARGETS), fields)
        return request(head, body, chunked=chunked)
    return response(b"HTTP/1.1 200 OK\r\n%b\r\n" % fields, body, chunked=chunked)


@settings(deadline=None, max_examples=100)
@given(st.lists(messages(), max_size=12))
def test_what_came_before_changes_nothing(several):
    """One masker that remembers, and a new one for each message, agree; so do their counts."""
    one = Masker(KEY)
    for message in several + several:
        new, before = Masker(KEY), one.counts.copy()
        name = "request" if hasattr(message, "target") else "response"
        shown = getattr(one, name)(message)
        assert shown == getattr(new, name)(message)
        assert one.counts - before == new.counts


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 80)), max_size=200))
def test_it_forgets_but_never_confuses(steps):
    limit = 8 * (ENTRY_BYTES + 80)
    memory = Memory(limit)
    for key, octets in steps:
        found = memory.get(key)
        assert found in (None, str(key))
        memory.put(key, str(key), octets)
        held = [*memory._new.values(), *memory._old.values()]
        assert sum(size for _, size in held) <= limit


def test_what_is_in_use_stays():
    memory = Memory(64 * ENTRY_BYTES)
    memory.put("asked for", 1, 0)
    for other in range(1_000):
        assert memory.get("asked for") == 1
        memory.put(other, 2, 0)
    assert memory.get(5) is None


def test_what_is_too_large_is_not_kept():
    memory = Memory(1_600)
    memory.put("large", 1, 101)
    assert memory.get("large") is None
