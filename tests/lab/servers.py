"""The lab's own programs as objects: recorder and relay."""

import json
import sys
import tempfile
from pathlib import Path

from .netns import Namespace
from .process import Process
from .records import Losses, Record, RecordFile

_HERE = Path(__file__).parent


def _program(name: str) -> list[str]:
    return [sys.executable, "-IS", str(_HERE / name)]


class Recorder(Process):
    """A web server that writes down every request it receives."""

    def __init__(
        self, namespace: Namespace, port: int = 8080, *, hang: bool = False, delay_ms: float = 0
    ) -> None:
        self.port = port
        self._directory = tempfile.TemporaryDirectory(prefix="shadowtap-lab-")
        log = Path(self._directory.name, "requests.jsonl")
        self._file = RecordFile(log)
        options = ["--hang"] if hang else ["--delay-ms", str(delay_ms)]
        super().__init__(
            namespace, [*_program("recorder.py"), "--port", str(port), "--log", str(log), *options]
        )
        self.wait_for_line("ready")

    def records(self) -> list[Record]:
        """Every request so far, in order of completion; what a closing connection cut off is among them."""
        return self._file.read()

    def wait_for_records(self, count: int) -> list[Record]:
        """Wait until there are at least `count`."""
        self.wait_for(
            lambda: len(self.records()) >= count, f"{count} requests, there are {len(self.records())}"
        )
        return self.records()


class Relay(Process):
    """A wire that misbehaves on purpose; `options` as in `relay.py`, without the dashes."""

    def __init__(self, namespace: Namespace, port: int, to: tuple[str, int], **options: float | bool) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="shadowtap-lab-")
        self._report = Path(self._directory.name, "report.json")
        host = f"[{to[0]}]" if ":" in to[0] else to[0]
        words = [
            *_program("relay.py"),
            "--port",
            str(port),
            "--to",
            f"{host}:{to[1]}",
            "--report",
            str(self._report),
        ]
        for name, value in options.items():
            words += [f"--{name}"] if value is True else [f"--{name}", str(value)]
        super().__init__(namespace, words)
        self.wait_for_line("ready")

    def finish(self) -> Losses:
        """End it and read what it did. A report that is not exact is a failure of the lab."""
        self.stop()
        losses = Losses(**json.loads(self._report.read_text()))
        assert not losses.overflowed, f"the relay itself lost {losses.overflowed} packets"
        return losses
