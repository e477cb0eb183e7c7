"""HAR: what a message means goes there and back; the log is as the specification says."""

import gzip
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.observing import MS, NOON_NS, connection, observe, outcome, request, response, runs
from shadowtap.content import content_of
from shadowtap.events import Failure, Outcome
from shadowtap.formats.har import HarReader, HarWriter
from shadowtap.formats.har.elements import Elements
from shadowtap.formats.har.texts import text_of
from shadowtap.http1 import headers

FRAMING = (b"content-length", b"transfer-encoding", b"content-encoding")


def written(observations):
    """A log."""
    writer = HarWriter()
    return b"".join(
        [writer.begin(), *(writer.entry(observation) for observation in observations), writer.end()]
    )


def read(octets, *cuts):
    """The observations of a log that comes in pieces."""
    reader, found, at = HarReader(), [], 0
    for cut in (*sorted(cuts), len(octets)):
        found += reader.feed(octets[at:cut])
        at = max(cut, at)
    return found + reader.finish(), reader


def entries(*observations):
    """The entries of a log, as any program would read them."""
    return json.loads(written(observations))["log"]["entries"]


def meaning(message):
    """What a message says, whatever its octets. Those that are no UTF-8 are Latin-1 in a log."""
    if message is None:
        return None
    fields = [pair for pair in headers(message.head) if pair[0].lower() not in (*FRAMING, b"host")]
    fields = [(text_of(name), text_of(value)) for name, value in fields]
    target = text_of(getattr(message, "target", b""))
    first = getattr(message, "method", None), target, getattr(message, "status", None)
    data = content_of(message, limit_bytes=1 << 20)
    return first, fields, data.data, message.time_ns, message.end_ns, message.fault


def meanings(observations):
    """What observations say."""
    return [
        (
            meaning(o.exchange.request),
            meaning(o.exchange.response),
            (o.exchange.request.connection, o.exchange.request.index, o.fate),
            [(x.target, x.status, x.sent_ns, x.first_byte_ns, x.elapsed_ns, x.failure) for x in o.outcomes],
        )
        for o in observations
    ]


@given(runs(most=5), st.lists(st.integers(0, 4_000), max_size=5))
def test_observations_come_back_meaning_the_same(observations, cuts):
    octets = written(observations)
    found, reader = read(octets, *(min(cut, len(octets)) for cut in cuts))
    assert (reader.stopped, reader.lost) == (None, {})
    assert meanings(found) == meanings(observations)


@given(runs(most=3))
def test_a_log_is_json_with_all_that_har_asks_for(observations):
    log = json.loads(written(observations))["log"]
    assert log["version"] == "1.2"
    assert set(log["creator"]) == {"name", "version"}
    assert len(log["entries"]) == len(observations)
    for entry in log["entries"]:
        assert {"startedDateTime", "time", "request", "response", "cache", "timings"} <= set(entry)
        assert {
            "method",
            "url",
            "httpVersion",
            "cookies",
            "headers",
            "queryString",
            "headersSize",
            "bodySize",
        } <= set(entry["request"])
        assert {"status", "statusText", "httpVersion", "cookies", "headers", "content", "redirectURL"} <= set(
            entry["response"]
        )
        assert entry["time"] == pytest.approx(sum(entry["timings"].values()))
        assert min(entry["timings"].values()) >= 0


def test_a_request_and_its_answer():
    asked = request(
        b"POST /a%20b?x=1&y=%C3%A4 HTTP/1.1\r\nHost: shop:8080\r\nCookie: a=1; b=2\r\n"
        b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
        took=MS,
    )
    answered = response(
        b"HTTP/1.1 302 Found\r\nSet-Cookie: s=1; Path=/x; HttpOnly; Secure; Max-Age=5\r\nLocation: /there\r\n"
        b"Content-Length: 0\r\n\r\n",
        at=asked.end_ns + 3 * MS,
        took=2 * MS,
    )
    (entry,) = entries(observe(asked, answered))
    assert entry["startedDateTime"] == "2026-11-25T12:00:00.000Z"
    assert entry["request"]["url"] == "http://shop:8080/a%20b?x=1&y=%C3%A4"
    assert entry["request"]["queryString"] == [{"name": "x", "value": "1"}, {"name": "y", "value": "ä"}]
    assert entry["request"]["cookies"] == [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]
    assert entry["request"]["postData"] == {"mimeType": "application/json", "params": [], "text": "{}"}
    assert entry["response"]["redirectURL"] == "/there"
    assert entry["response"]["cookies"] == [
        {"name": "s", "value": "1", "path": "/x", "httpOnly": True, "secure": True}
    ]
    assert entry["timings"] == {"send": 1.0, "wait": 3.0, "receive": 2.0}
    assert entry["serverIPAddress"] == "10.0.1.20"


def test_bodies_are_unpacked_and_binary_ones_are_base64():
    packed = gzip.compress("grüße".encode() * 50)
    answered = response(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n"
        % (len(packed), packed)
    )
    (entry,) = entries(observe(request(), answered))
    content = entry["response"]["content"]
    assert content["text"] == "grüße" * 50
    assert content["size"] == 350
    assert content["compression"] == 350 - len(packed)
    assert entry["response"]["bodySize"] == len(packed)
    (entry,) = entries(observe(request(), response(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\x89PNG")))
    assert entry["response"]["content"]["encoding"] == "base64"
    assert entry["response"]["content"]["text"] == "iVBORw=="


def test_a_body_in_an_unknown_coding_stands_as_it_was():
    octets = b"POST / HTTP/1.1\r\nContent-Encoding: odd\r\nContent-Length: 3\r\n\r\nabc"
    (entry,) = entries(observe(request(octets)))
    assert entry["request"]["postData"]["text"] == "YWJj"
    assert entry["request"]["postData"]["_unreadable"] == "unknown_coding"


def test_a_request_without_an_answer():
    (entry,) = entries(observe(request()))
    assert (entry["response"]["status"], entry["response"]["_error"]) == (0, "no answer was seen")
    (found,), _ = read(written([observe(request())]))
    assert found.exchange.response is None


def test_outcomes_and_fate_come_back():
    asked = request()
    failed = Outcome("http://next", asked, NOON_NS, 0, MS, 0, b"", b"", Failure.TIMEOUT)
    (found,), _ = read(written([observe(asked, None, failed, outcome(asked), fate="replayed")]))
    assert [o.failure for o in found.outcomes] == [Failure.TIMEOUT, None]
    assert found.fate == "replayed"


def test_an_observation_without_a_request_is_counted():
    writer = HarWriter()
    assert writer.entry(observe(None, response())) == b""
    assert writer.left_out == {"no_request": 1}


# As a browser writes it, shortened: HTTP/2, no exact times, a posted form, an answer whose body was not kept.
BROWSER = """
{ "log": { "version": "1.2", "creator": {"name": "WebInspector", "version": "537.36"},
  "pages": [{"startedDateTime": "2026-11-25T12:00:00.000Z", "id": "page_1", "title": "the \\"entries\\": [ {", "pageTimings": {}}],
  "entries": [
    { "_initiator": {"type": "other"}, "cache": {}, "connection": "443", "pageref": "page_1",
      "request": { "method": "POST", "url": "https://shop.example/log-in?next=%2F#top", "httpVersion": "http/2.0",
        "headers": [ {"name": ":authority", "value": "shop.example"}, {"name": ":method", "value": "POST"},
          {"name": "content-length", "value": "13"}, {"name": "accept-encoding", "value": "gzip, br"} ],
        "queryString": [], "cookies": [], "headersSize": -1, "bodySize": 13,
        "postData": {"mimeType": "application/x-www-form-urlencoded", "params": [{"name": "user", "value": "a b"}]} },
      "response": { "status": 200, "statusText": "", "httpVersion": "http/2.0",
        "headers": [{"name": "content-encoding", "value": "br"}, {"name": "content-type", "value": "text/plain"}],
        "cookies": [], "content": {"size": 4, "mimeType": "text/plain", "text": "h\\u00e4!"}, "redirectURL": "",
        "headersSize": -1, "bodySize": -1 },
      "serverIPAddress": "[2001:db8::1]", "startedDateTime": "2026-11-25T13:00:00.250+01:00", "time": 50.5,
      "timings": {"blocked": 1, "dns": -1, "ssl": -1, "connect": -1, "send": 0.5, "wait": 40, "receive": 9} },
    { "request": { "method": "GET", "url": "https://shop.example", "httpVersion": "http/2.0", "headers": [],
        "queryString": [], "cookies": [], "headersSize": -1, "bodySize": 0 },
      "response": { "status": 200, "statusText": "OK", "httpVersion": "http/2.0", "headers": [], "cookies": [],
        "content": {"size": 4000, "mimeType": "image/png"}, "redirectURL": "", "headersSize": -1, "bodySize": -1 },
      "cache": {}, "timings": {}, "startedDateTime": "2026-11-25T12:00:01Z", "time": 0 },
    { "request": "gone" },
    { "request": { "method": "G T", "url": "x", "headers": [] } }
  ] } }
"""


def test_a_log_of_a_browser():
    (first, second), reader = read(BROWSER.encode())
    assert (reader.lost, reader.stopped) == ({"malformed_entry": 2}, None)
    asked, answered = first.exchange.request, first.exchange.response
    assert asked.head == (
        b"POST /log-in?next=%2F HTTP/1.1\r\nHost: shop.example\r\naccept-encoding: gzip, br\r\nContent-Length: 8\r\n\r\n"
    )
    assert asked.body == b"user=a+b"
    assert str(asked.connection.server) == "[2001:db8::1]:443"
    assert asked.time_ns == NOON_NS + 250 * MS
    assert asked.end_ns == asked.time_ns + MS + MS // 2
    assert answered.time_ns == asked.end_ns + 40 * MS
    assert answered.head == b"HTTP/1.1 200 \r\ncontent-type: text/plain\r\nContent-Length: 4\r\n\r\n"
    assert answered.body == "hä!".encode()
    assert second.exchange.request.target == b"/"
    assert (second.exchange.response.body, second.exchange.response.body_bytes) == (b"", 4000)
    assert second.exchange.request.connection is not asked.connection


def test_headers_of_a_log_cannot_break_out():
    log = BROWSER.replace('"gzip, br"', '"a\\r\\nInjected: yes"').replace("next=%2F", "a HTTP/1.1\\r\\nX: y")
    (first, _), _ = read(log.encode())
    assert b"\nInjected" not in first.exchange.request.head
    assert b"\nX:" not in first.exchange.request.head


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=3))
def test_hostile_octets_never_raise(octets, cuts):
    read(octets, *(min(cut, len(octets)) for cut in cuts))
    read(b'{"log":{"entries":[' + octets, *cuts)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.lists(st.dictionaries(st.text(max_size=4), json_values, max_size=4), max_size=4),
    st.lists(st.integers(0, 500)),
)
def test_elements_are_cut_out_as_a_parser_would(values, cuts):
    octets = json.dumps({"a": 1, "entries": values, "b": [{}]}, ensure_ascii=False).encode()
    elements, found, at = Elements(b"entries"), [], 0
    for cut in (*sorted(min(cut, len(octets)) for cut in cuts), len(octets)):
        found += elements.feed(octets[at:cut])
        at = max(at, cut)
    found += elements.finish()
    assert [json.loads(element) for element in found] == values
    assert elements.done


@given(
    st.dictionaries(st.text(max_size=4), json_values, max_size=3),
    st.sampled_from(("request", "response", "_shadowtap")),
)
def test_entries_of_any_shape_are_read_or_counted(value, where):
    (entry,) = entries(observe(request(), response()))
    entry[where] = value
    found, reader = read(json.dumps({"entries": [entry]}).encode())
    assert len(found) + reader.lost.total() == 1


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "there are no entries in it"),
        (b'{"log": {}}', "there are no entries in it"),
        (b'{"entries": [{"a": ', "the document ends early"),
        (b'{"entries": [1]}', "among the entries is something that is none"),
    ],
)
def test_documents_that_are_no_log(octets, why):
    assert read(octets)[1].stopped == why


def test_an_entry_that_is_too_large():
    elements = Elements(b"entries", limit_bytes=1_000)
    elements.feed(b'{"entries": [{"a": "')
    for _ in range(10):
        elements.feed(b"x" * 400)
    assert elements.broken == "an entry has more than 1000 bytes"


def test_a_long_log_needs_the_memory_of_an_entry():
    body = b"x" * 500_000
    octets = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    seen = observe(request(), response(octets))
    writer, reader = HarWriter(), HarReader()
    tracemalloc.start()
    try:
        found = len(reader.feed(writer.begin()))
        for number in range(60):
            piece = writer.entry(observe(request(on=connection(number)), seen.exchange.response))
            for at in range(0, len(piece), 100_000):
                found += len(reader.feed(piece[at : at + 100_000]))
        found += len(reader.feed(writer.end())) + len(reader.finish())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found == 60
    assert peak < 10 << 20
