"""Scripts of curl commands, run by sh and curl against a server: what arrives is what was seen."""

import os
import shutil
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from formats.listening import Listening
from formats.observing import NOON_NS, observe, request, request_octets, response
from shadowtap.events import Fault, replace
from shadowtap.formats.curl import INLINE_BYTES, CurlWriter, quoted
from shadowtap.http1 import headers, payload

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="not installed: curl")
SHELLS = [shell for shell in ("sh", "bash", "dash") if shutil.which(shell)]


def script(*observations):
    """A script, and its writer."""
    writer = CurlWriter()
    octets = b"".join(
        [writer.begin(), *(writer.entry(observation) for observation in observations), writer.end()]
    )
    return octets, writer


def sent(octets, shell="sh", **environment):
    """What a server gets when the script is run, and what the script says."""
    with Listening() as server:
        environment = {"PATH": os.environ["PATH"], "BASE": server.url, **environment}
        done = subprocess.run(
            [shell], input=octets, env=environment, capture_output=True, timeout=60, check=False
        )
    assert done.stderr == b"", done.stderr
    return server.got, done.stdout.decode()


def asked(head, body, chunked):
    """What a request says, without what is curl's."""
    line, _, _ = head.partition(b"\n")
    fields = [pair for pair in headers(head) if pair[0].lower() not in (b"host", b"content-length")]
    return line.strip(), fields, payload(body, chunked)


@pytest.mark.parametrize("shell", SHELLS)
@given(st.lists(request_octets(), min_size=1, max_size=12))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_arrives_is_what_was_seen(shell, drawn):
    requests = [request(octets) for octets in drawn]
    octets, writer = script(*map(observe, requests))
    got, said = sent(octets, shell)
    kept = [r for r in requests if b"\0" not in r.head and not (r.method == b"HEAD" and r.body)]
    assert [asked(g.head, g.body, g.chunked) for g in got] == [asked(r.head, r.body, r.chunked) for r in kept]
    assert len(said.splitlines()) == len(kept) == writer.entries


AWKWARD = [
    b"GET /?q='\"`$(touch%20x)`;&a[1-3]={b,c}&d=\\ HTTP/1.1\r\nX-A: '\"$(id)`id`\\\r\n\r\n",
    b"GET /../a/./b//c?#frag HTTP/1.1\r\nHost: shop\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: shop\r\n\r\n",
    b"GET http://shop/absolute HTTP/1.1\r\nHost: shop\r\n\r\n",
    b"GET /\xc3\xa4\xff\x01 HTTP/1.1\r\nX-A: \xff\xfe\r\nX-Empty:\r\nX-A: again\r\n\r\n",
    b"HEAD /head HTTP/1.1\r\nUser-Agent: me\r\nAccept: x\r\n\r\n",
    b"POST /at HTTP/1.1\r\nContent-Length: 10\r\n\r\n@/etc/host",
    b"POST /empty HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
    b"POST /none HTTP/1.1\r\n\r\n",
    b"DELETE /d HTTP/1.1\r\nContent-Length: 2\r\nContent-Type: a/b\r\n\r\n\r\n",
    b"PUT /e HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
    b"POST /chunked HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na\0b\r\n0\r\n\r\n",
    b"-X /dash HTTP/1.1\r\n-H: -d\r\n\r\n",
]


@pytest.mark.parametrize("octets", AWKWARD, ids=lambda octets: octets.split(b"\r")[0].decode("latin-1"))
def test_awkward_requests(octets, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wanted = request(octets)
    (got,), _ = sent(script(observe(wanted))[0])
    assert asked(got.head, got.body, got.chunked) == asked(wanted.head, wanted.body, wanted.chunked)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "body", [bytes(range(256)) * 3, b"x" * (INLINE_BYTES + 1), os.urandom(300_000), b"END\nEND\n", b"\n"]
)
def test_bodies_of_all_kinds(body):
    octets = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    (got,), _ = sent(script(observe(request(octets)))[0])
    assert got.body == body


def test_the_script_says_what_became_of_each_request():
    octets = b"GET /a HTTP/1.1\r\nHost: shop\r\n\r\n"
    _, said = sent(
        script(observe(request(octets), response()), observe(request(octets.replace(b"/a", b"/\xff"))))[0]
    )
    assert said == "200 200 GET /a\n200 --- GET /%FF\n"


def test_host_is_the_targets_unless_kept():
    octets, _ = script(observe(request(b"GET / HTTP/1.1\r\nHost: it's production\r\n\r\n")))
    (got,), _ = sent(octets)
    assert dict(headers(got.head))[b"Host"].startswith(b"127.0.0.1:")
    (got,), _ = sent(octets, KEEP_HOST="1")
    assert dict(headers(got.head))[b"Host"] == b"it's production"


def test_the_script_sends_nothing_unless_it_is_told_where():
    octets, _ = script(observe(request()))
    done = subprocess.run(
        ["sh"], input=octets, env={"PATH": os.environ["PATH"]}, capture_output=True, check=False
    )
    assert done.returncode != 0
    assert b"say where requests go, such as BASE=" in done.stderr


def test_what_cannot_be_written_is_counted():
    _, writer = script(
        observe(None, response()),
        observe(replace(request(), fault=Fault.GAP)),
        observe(request(b"GET / HTTP/1.1\r\nX: a\0b\r\n\r\n")),
        observe(request(b"HEAD / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx")),
        observe(request(b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n")),
        observe(request(b"GET / HTTP/1.1\r\nno field\r\n: x\r\n\r\n")),
    )
    assert writer.left_out == {
        "no_request": 1,
        "incomplete": 1,
        "nul_in_head": 1,
        "head_with_body": 1,
        "upgrade": 1,
        "malformed_header_lines": 2,
    }
    assert writer.entries == 1


@given(st.binary(max_size=40).map(lambda octets: octets.replace(b"\0", b"")))
@settings(max_examples=30, deadline=None)
def test_any_octets_are_one_word(octets):
    done = subprocess.run(["sh"], input=b"printf %s " + quoted(octets), capture_output=True, check=True)
    assert done.stdout == octets


def test_times_are_told():
    later = request(at=NOON_NS + 1_500_000_000)
    octets, _ = script(observe(request(at=NOON_NS)), observe(later))
    assert b"# 0.000 s, connection 0" in octets
    assert b"# 1.500 s, connection 0" in octets
