"""nginx and HAProxy as targets."""

import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from replay.peer import PATIENCE_S

_NGINX = """
daemon off; master_process off; worker_processes 1; pid {directory}/pid; error_log {directory}/error.log;
worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
    access_log {directory}/access.log; keepalive_requests 100000; client_max_body_size 64m; server_tokens off;
    client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy; fastcgi_temp_path {directory}/f;
    uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
    server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ return 200 "ok\\n"; }} {more} }}
}}
"""

_HAPROXY = """
global
    maxconn 1000
defaults
    mode http
    timeout client {client_ms}ms
    timeout server 5s
    timeout connect 5s
    timeout http-request {client_ms}ms
    timeout http-keep-alive {client_ms}ms
frontend all
    bind 127.0.0.1:{port}
    http-request return status 200 content-type text/plain string ok if {{ path -m beg / }}
"""


class Web:
    """A web server as a process; it may be stopped and started again."""

    def __init__(self, command: list[str], port: int, directory: Path):
        if shutil.which(command[0]) is None:
            pytest.skip(f"not installed: {command[0]}; apt-get install -y {command[0]}")
        self.port = port
        self.directory = directory
        self._command = command
        self._process: subprocess.Popen | None = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """Start, and wait until it answers."""
        with (self.directory / "output").open("ab") as output:
            self._process = subprocess.Popen(self._command, stdout=output, stderr=output)
        deadline = time.monotonic() + PATIENCE_S
        while not self._answers():
            assert time.monotonic() < deadline, (self.directory / "output").read_text()
            time.sleep(0.01)

    def stop(self, how: int = signal.SIGKILL):
        """Kill it: its connections are reset or closed by the kernel."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        with suppress(URLError, ConnectionError), urlopen(f"http://127.0.0.1:{self.port}/ready") as answer:
            return answer.status == 200
        return False


def nginx(directory: Path, port: int, more: str = "") -> Web:
    """nginx, which answers everything with 200; `more` goes into its server block."""
    file = directory / "nginx.conf"
    file.write_text(_NGINX.format(directory=directory, port=port, more=more))
    return Web(["nginx", "-p", str(directory), "-c", str(file)], port, directory)


def haproxy(directory: Path, port: int, client_ms: int) -> Web:
    """HAProxy, which answers everything with 200 and closes connections that are idle for `client_ms`."""
    file = directory / "haproxy.cfg"
    file.write_text(_HAPROXY.format(port=port, client_ms=client_ms))
    return Web(["haproxy", "-f", str(file)], port, directory)
