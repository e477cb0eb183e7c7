"""Scripts for k6, checked and run by node with stand-ins for k6's modules, which keep what they are told to send.

k6 itself comes as a binary that no package index has."""

import base64
import json
import shutil
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings

from formats.observing import NOON_NS, connection, observe, request, response, runs
from shadowtap.events import Fault, replace
from shadowtap.formats.k6 import VIRTUAL_USERS, K6Writer
from shadowtap.http1 import payload

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="not installed: node")

MODULES = {
    "k6": "export const check = (a, tests) => { for (const [n, t] of Object.entries(tests)) told.checks.push([n, t(a)]); };"
    "export const sleep = (s) => { told.slept.push(s); clock.now += s * 1000; };",
    "k6/http": "let jars = 0; class CookieJar { constructor() { jars++; } };"
    "const request = (method, url, body, params) => { told.sent.push({ method, url, params, now: clock.now,"
    " body: body === null ? null : Buffer.from(body).toString('base64') }); return { status: 200 }; };"
    "export default { request, CookieJar };",
    "k6/encoding": "export const b64decode = (t) => { const b = Buffer.from(t, 'base64');"
    " return b.buffer.slice(b.byteOffset, b.byteOffset + b.length); };",
    "k6/data": "export class SharedArray { constructor(name, make) { return JSON.parse(JSON.stringify(make())); } }",
    "k6/execution": "export default { scenario: { startTime: 1000000 }, vu: { get idInTest() { return user.id; } } };",
}
RUN = """
globalThis.told = { checks: [], slept: [], sent: [] };
globalThis.clock = { now: 1000000 };
globalThis.user = { id: 0 };
globalThis.__ENV = JSON.parse(process.argv[2]);
Date.now = () => clock.now;
const script = await import('./script.mjs');
for (user.id = 1; user.id <= script.options.scenarios.replay.vus; user.id++) { clock.now = 1000000; script.default(); }
console.log(JSON.stringify({ ...told, options: script.options }));
"""


def script(*observations):
    """A script, and its writer."""
    writer = K6Writer()
    octets = b"".join(
        [writer.begin(), *(writer.entry(observation) for observation in observations), writer.end()]
    )
    return octets, writer


def run(folder, octets, **environment):
    """What the script does."""
    for name, source in MODULES.items():
        package = folder / "node_modules" / "k6"
        package.mkdir(parents=True, exist_ok=True)
        (package / (name.partition("/")[2] + ".js" if "/" in name else "index.js")).write_text(source)
    exports = {
        f".{name.removeprefix('k6')}": f".{name.removeprefix('k6') or '/index'}.js" for name in MODULES
    }
    (package / "package.json").write_text(json.dumps({"name": "k6", "type": "module", "exports": exports}))
    (folder / "script.mjs").write_bytes(octets)
    (folder / "run.mjs").write_text(RUN)
    told = json.dumps({"BASE": "http://next:8080", **environment})
    command = ["node", str(folder / "run.mjs"), told]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False, cwd=folder)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


@given(runs(most=8))
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_sent_is_what_was_seen(tmp_path, observations):
    told = run(tmp_path, script(*observations)[0])
    requests = [observation.exchange.request for observation in observations]
    in_turn = sorted(requests, key=lambda r: (r.connection.number, r.index))
    assert [sent["method"] for sent in told["sent"]] == [r.method.decode() for r in in_turn]
    for sent, wanted in zip(told["sent"], in_turn, strict=True):
        body = payload(wanted.body, wanted.chunked)
        assert (base64.b64decode(sent["body"]) if sent["body"] else b"") == body
        assert sent["url"].startswith("http://next:8080/")
        assert sent["params"]["redirects"] == 0
        begin = observations[0].exchange.request.time_ns
        assert sent["now"] - 1_000_000 == pytest.approx((wanted.time_ns - begin) / 1e6, abs=0.01)


def test_node_says_that_it_is_a_module(tmp_path):
    file = tmp_path / "script.mjs"
    file.write_bytes(script(observe(request()), observe(request(on=connection(1))))[0])
    subprocess.run(["node", "--check", str(file)], check=True)


def test_heads_bodies_and_checks(tmp_path):
    octets = (
        b"POST /a%20b?x='1'&y=\xff HTTP/1.1\r\nHost: shop\r\nCookie: a=1\r\ncookie: b=2\r\nX-A: 1\r\nX-A: \xc3\xa4\r\n"
        b"Content-Length: 3\r\nConnection: close\r\n\r\n\xff\0a"
    )
    missed = response(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")
    seen = observe(request(octets), response()), observe(request(index=1), missed)
    told = run(tmp_path, script(*seen)[0])
    first, second = told["sent"]
    assert first["url"] == "http://next:8080/a%20b?x='1'&y=%FF"
    assert first["params"]["headers"] == {"Cookie": "a=1; b=2", "X-A": "1, ä"}
    assert first["params"]["tags"] == {"name": "POST /a%20b"}
    assert base64.b64decode(first["body"]) == b"\xff\0a"
    assert second["body"] is None
    assert told["checks"] == [["status as in production", True], ["status as in production", False]]
    assert run(tmp_path, script(*seen)[0], KEEP_HOST="1")["sent"][0]["params"]["headers"]["Host"] == "shop"


def test_speed_and_virtual_users(tmp_path):
    seen = [observe(request(on=connection(n), at=NOON_NS + n * 10**9)) for n in range(VIRTUAL_USERS + 50)]
    octets, _ = script(*seen)
    told = run(tmp_path, octets, SPEED="2")
    assert told["options"]["scenarios"]["replay"]["vus"] == VIRTUAL_USERS
    assert sorted(sent["now"] for sent in told["sent"])[-1] == 1_000_000 + (VIRTUAL_USERS + 49) * 500
    assert run(tmp_path, octets, SPEED="0", VUS="3")["slept"] == []


def test_nothing_is_sent_unless_it_is_told_where(tmp_path):
    with pytest.raises(AssertionError, match="say where requests go: k6 run -e BASE="):
        run(tmp_path, script(observe(request()))[0], BASE="")


def test_an_empty_script_runs(tmp_path):
    assert run(tmp_path, script()[0])["sent"] == []


def test_what_cannot_be_written_is_counted():
    _, writer = script(
        observe(None, response()),
        observe(replace(request(), fault=Fault.GAP)),
        observe(request(b"OPTIONS * HTTP/1.1\r\n\r\n")),
    )
    assert writer.left_out == {"no_request": 1, "incomplete": 1, "no_path": 1}
    assert writer.entries == 0
