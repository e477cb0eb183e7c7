"""shadowtap at work in the lab: started, ready, asked, ended, its ledger read."""

import json
import os
import shlex
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .netns import Namespace
from .process import Process

STATUS_PORT = 9790
_CAPTURE_TABLES = ("udp", "udp6", "packet")


def shadowtap() -> list[str]:
    """The words that start shadowtap: SHADOWTAP if it is set, else from the same environment as the tests."""
    if chosen := os.environ.get("SHADOWTAP"):
        return shlex.split(chosen)
    script = Path(sys.executable).with_name("shadowtap")
    return [str(script)] if script.exists() else [sys.executable, "-m", "shadowtap"]


class Collector(Process):
    """`shadowtap run` with a status port and a summary."""

    def __init__(
        self,
        namespace: Namespace,
        sources: Sequence[str],
        targets: Sequence[str],
        options: Sequence[str] = (),
    ) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="shadowtap-lab-")
        self._summary = Path(self._directory.name, "summary.json")
        status = ["--status", f"127.0.0.1:{STATUS_PORT}", "--summary", str(self._summary)]
        words = [w for s in sources for w in ("--from", s)] + [w for t in targets for w in ("--to", t)]
        before = _capturing(namespace)
        super().__init__(namespace, [*shadowtap(), "run", *words, *status, *options])
        self.wait_for(lambda: self.healthy() and _capturing(namespace) > before, "healthy and capturing")

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of an answer of the status port; (0, "") when there is none."""
        try:
            with self.namespace.connect(("127.0.0.1", STATUS_PORT), timeout_s=5.0) as connection:
                connection.sendall(f"GET {path} HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n".encode())
                answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
        except OSError:
            return 0, ""
        head, _, body = answer.partition("\r\n\r\n")
        return int(head.split()[1]) if head else 0, body

    def healthy(self) -> bool:
        """Whether /healthz says so."""
        return self.get("/healthz")[0] == 200

    def metrics(self) -> dict[str, float]:
        """What /metrics says, by name with labels."""
        lines = (
            line.rpartition(" ") for line in self.get("/metrics")[1].splitlines() if not line.startswith("#")
        )
        return {name: float(value) for name, _, value in lines if name}

    def finish(self) -> dict[str, Any]:
        """Interrupt it, wait until it has settled what is in flight, and read the ledger it leaves."""
        code = self.stop()
        assert code == 0, f"exit code {code}\n{self.stderr()}"
        return self.ledger()

    def ledger(self) -> dict[str, Any]:
        """The ledger it has left at its end."""
        ledger: dict[str, Any] = json.loads(self._summary.read_text())
        return ledger


def _capturing(namespace: Namespace) -> int:
    """How many sockets of the namespace could be capturing."""
    return sum(len(namespace.proc_net(table)) for table in _CAPTURE_TABLES)
