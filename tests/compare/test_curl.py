"""Commands that make a request again, run by a real shell and a real curl."""

import http.server
import shutil
import subprocess
import threading
from collections.abc import Iterator
from typing import ClassVar

import pytest

from compare.answers import request
from shadowtap.compare.curl import curl
from shadowtap.events import replace


class Echo(http.server.BaseHTTPRequestHandler):
    """Notes what it is asked."""

    seen: ClassVar[list[tuple[str, str, dict[str, str], bytes]]] = []

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        self.seen.append((self.command, self.path, dict(self.headers), self.rfile.read(length)))
        self.send_response(204)
        self.end_headers()

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = answer

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def base() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), Echo) as server:
        Echo.seen.clear()
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize(
    ("method", "path", "field", "body"),
    [
        ("GET", "/a?b=c&d=[1]&e={x}", 'X-A: it\'s "quoted" $HOME `id` !', b""),
        ("POST", "/a/../b//c", "Content-Type: application/json", b'{"a": "it\'s $HOME"}'),
        ("POST", "/form", "Content-Type: text/plain", b"@/etc/passwd"),
        ("PUT", "/a", "X-Empty:", "Grüße\n\ttab\\n 'q'\x07".encode()),
        ("DELETE", "/a;b", "Cookie: a=1; b=2", b""),
        ("HEAD", "/a", "Accept: */*", b""),
        ("PATCH", "/a", "@/etc/passwd: x", b"\r\n"),
    ],
)
def test_a_shell_makes_the_same_request(base: str, method: str, path: str, field: str, body: bytes) -> None:
    command = curl(request(method, path, field, body=body), base)
    subprocess.run(["bash", "-c", command + " -s -o /dev/null"], check=True, timeout=10)
    (seen,) = Echo.seen
    assert seen[:2] == (method, path)
    assert seen[3] == body
    name, _, value = field.partition(":")
    if not name.startswith("@"):
        assert seen[2].get(name) == value.strip()
    assert "root:" not in command


def test_what_cannot_stand_in_a_command_comes_from_a_file() -> None:
    for body in (b"\0\1", b"\xff\xfe", b"x" * 10_000):
        assert curl(request("POST", "/a", body=body), "http://t").endswith("--data-binary @body http://t/a")


def test_targets_that_are_no_paths() -> None:
    assert "--request-target '*'" in curl(request("OPTIONS", "*"), "http://t")


def test_own_mark_and_framing_are_left_out() -> None:
    asked = request("GET", "/", "X-Shadowtap-Replay: 1.2", "Connection: close", "Transfer-Encoding: chunked")
    assert curl(asked, "http://t/") == "curl -i --path-as-is --globoff http://t/"


def test_the_form_is_short_for_plain_requests() -> None:
    asked = replace(request("GET", "/a?b=c", "Accept: text/html"))
    assert curl(asked, "http://t") == "curl -i --path-as-is --globoff -H 'Accept: text/html' 'http://t/a?b=c'"
