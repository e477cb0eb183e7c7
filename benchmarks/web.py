"""Servers that count their requests exactly: nginx for speed, others where nginx cannot tell what is asked."""

import json
import tempfile
from pathlib import Path
from typing import Protocol

from laboratory import Namespace, Process, Recorder, program, wait_for_tcp

_COUNT_PORT = 8081
_CONFIG = """
daemon off;
master_process off;
worker_processes 1;
error_log stderr error;
pid {folder}/pid;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    default_type text/plain;
    keepalive_requests 1000000000;
    keepalive_timeout 3600s;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{ listen 8080 backlog=16384; location / {{ return 200 "{answer}"; }} }}
    server {{ listen 127.0.0.1:{count_port}; location / {{ stub_status; }} }}
}}
"""


class Server(Protocol):
    """Production or target."""

    def requests(self) -> int:
        """How many whole requests it has received so far."""


class Web(Process):
    """nginx on port 8080: answers of 1 KiB, no log."""

    def __init__(self, namespace: Namespace) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="shadowtap-nginx-")
        folder = self._folder.name
        config = Path(folder, "nginx.conf")
        config.write_text(_CONFIG.format(folder=folder, answer="x" * 1024, count_port=_COUNT_PORT))
        super().__init__(namespace, ["nginx", "-p", folder, "-c", str(config)])
        wait_for_tcp(self, ("127.0.0.1", _COUNT_PORT))
        self._own = 0

    def requests(self) -> int:
        """How many requests it has answered, not counting the questions asked here."""
        self._own += 1
        page = _ask(self.namespace, _COUNT_PORT, "/")
        return int(page.partition("handled requests")[2].split()[2]) - self._own


class Stamped(Process):
    """A target that measures how long ago each request left its client; see `stamped.py`."""

    def __init__(self, namespace: Namespace) -> None:
        super().__init__(namespace, program("stamped.py"))
        self.wait_for_line("ready")

    def requests(self) -> int:
        """How many it has received."""
        return int(_ask(self.namespace, 8080, "/count"))

    def delays(self) -> dict[str, float]:
        """End it; the quantiles."""
        self.stop()
        quantiles: dict[str, float] = json.loads(self.stdout().splitlines()[-1])
        return quantiles


class Uploaded(Recorder):
    """Receives every byte of an upload (nginx with a constant answer answers before the end).

    With `like`, only what that server has received too, byte for byte, counts.
    """

    def __init__(self, namespace: Namespace, like: Recorder | None = None) -> None:
        super().__init__(namespace, 8080)
        self._like = like or self

    def requests(self) -> int:
        """How many whole uploads it has received."""
        bodies = {record.body_sha256 for record in self._like.records()}
        return sum(record.whole and record.body_sha256 in bodies for record in self.records())


def _ask(namespace: Namespace, port: int, path: str) -> str:
    with namespace.connect(("127.0.0.1", port)) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n".encode())
        with connection.makefile("rb") as answer:
            head = b"".join(iter(answer.readline, b"\r\n")).lower()
            length = int(head.partition(b"content-length:")[2].split()[0])
            return answer.read(length).decode()
