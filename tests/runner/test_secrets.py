"""No secret of production's traffic gets out: whole runs with every sink, view and report, and a search of every octet.

Only the targets get requests as production had them.
"""

import asyncio
import contextlib
import json
import os
import pty
import signal
import socket
import sys
from pathlib import Path

import pyarrow.parquet
import pytest

from replay.peer import live, serving
from replay.ports import free_port
from runner.running import page
from runner.secrets import (
    NAMES,
    PASSWORD,
    SECRETS,
    SHAPES,
    found_in,
    found_in_files,
    found_in_observations,
    frames,
    messages,
)
from runner.traffic import write
from shadowtap.cli import main
from shadowtap.errors import RunError
from shadowtap.formats.gor import GorFiles
from shadowtap.record import Recording, layout

HOOKS = """
def request(request):
    if request.index % 7 == 3:
        raise ValueError(request.target + repr(request.headers.items()))
    request.headers.set("X-Env", "staging")
    return request

def answers(request, production, outcomes):
    if request.index % 7 == 4:
        raise KeyError(request.raw)
"""
OPEN = ("planted.pcap", "hooks.py")


async def other(peer):
    """A target that answers otherwise than production, with secrets of its own."""
    number = 0
    while True:
        await peer.request()
        shape, named = SHAPES[number % len(SHAPES)], NAMES[number % len(NAMES)]
        body = json.dumps({"id": number, "note": f"call {shape} now", "password": named}).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nSet-Cookie: sid={PASSWORD}\r\n"
        peer.send(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        number += 1


class Terminal:
    """A terminal, and all that was shown on it."""

    def __init__(self):
        self.ours, self.theirs = pty.openpty()
        self.shown = b""
        asyncio.get_running_loop().add_reader(self.ours, self._read)

    def _read(self):
        with contextlib.suppress(OSError):
            self.shown += os.read(self.ours, 1 << 16)

    def close(self):
        """It is not needed any more."""
        asyncio.get_running_loop().remove_reader(self.ours)
        os.close(self.ours)


@live
async def test_a_live_run_with_all_there_is_shows_and_writes_no_secret(tmp_path):
    planted = messages(every=2)
    source = write(tmp_path / "planted.pcap", frames(planted))
    (tmp_path / "hooks.py").write_text(HOOKS)
    port = free_port()
    terminal = Terminal()
    async with serving(other) as one, serving() as two:
        targets = [f"http://127.0.0.1:{server.port}" for server in (one, two)]
        sinks = ["recording:rec?left_out=yes", "gor:kept.gor?left_out=yes", "jsonl:kept.jsonl?left_out=yes"]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-X", "dev", "-W", "ignore::ResourceWarning", "-m", "shadowtap", "run"),
            *(
                "--from",
                source,
                f"vxlan://127.0.0.1:{free_port(socket.SOCK_DGRAM)}",
                "--to",
                *targets,
                *sinks,
            ),
            *("--status", f"127.0.0.1:{port}", "--summary", "summary.json"),
            *("--compare", "--fail-on", "mismatch > 100%", "--save-noise", "noise.toml"),
            *("--compare-json", "found.json", "--compare-junit", "found.xml", "--report", "page.html"),
            *("--hooks", "hooks.py", "--middleware", "cat", "--skip", "method == NONE"),
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stdin=asyncio.subprocess.DEVNULL,
            stderr=terminal.theirs,
            env=os.environ
            | {"PYTHONASYNCIODEBUG": "1", "TERM": "xterm-256color", "COLUMNS": "160", "LINES": "60"},
        )
        os.close(terminal.theirs)
        try:
            while kept_rows(tmp_path / "rec") < len(planted):
                assert process.returncode is None, terminal.shown.decode()
                await asyncio.sleep(0.1)
            pages = await page(port, "/metrics") + await page(port, "/healthz")
            journals = list(Recording(tmp_path / "rec").exchanges())
            assert layout.journals(tmp_path / "rec")
            in_journals = found_in_files(tmp_path / "rec", but=())
            process.send_signal(signal.SIGINT)
            out, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        terminal.close()
    shown = terminal.shown.decode(errors="replace")
    assert process.returncode == ("TOO FEW" in shown), shown  # on a busy machine few are compared
    assert "Every request is accounted for." in shown
    assert "failed in line" in shown or "hooks.py" in shown
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["requests"]["seen"] == len(planted)
    assert [sink["written"] for sink in summary["sinks"]] == [len(planted)] * 3
    assert len(found_in(b"".join(two.requests))) == len(SECRETS)  # as production had them

    assert found_in(pages.encode()) == []
    assert found_in_observations(journals) == []
    assert in_journals == {}
    assert found_in(out + terminal.shown) == []
    assert (tmp_path / "page.html").stat().st_size > 10_000
    assert found_in_files(tmp_path, but=OPEN) == {}
    recorded = list(Recording(tmp_path / "rec").exchanges())
    assert len(recorded) == len(journals) == len(planted)
    assert found_in_observations(recorded) == []
    assert found_in_observations(list(GorFiles(str(tmp_path / "kept.gor")).observations())) == []
    for path in (tmp_path / "rec").rglob("*.parquet"):
        rows = pyarrow.parquet.ParquetFile(path).read().to_pylist()
        assert found_in(repr(rows).encode() + b"".join(octets(rows))) == []


@pytest.fixture(scope="module")
def capture(tmp_path_factory):
    """A capture of a part of the traffic, and a recording of it with nothing masked."""
    folder = tmp_path_factory.mktemp("open")
    source = write(folder / "planted.pcap", frames(messages(every=2)))
    assert main(["run", "--from", source, "--to", f"recording:{folder}/rec?mask=no", "--quiet"]) == 0
    assert len(found_in_observations(list(Recording(folder / "rec").exchanges()))) == len(SECRETS)
    return source, f"recording:{folder}/rec"


@pytest.mark.parametrize("kind", ["gor", "har", "jsonl", "k6", "curl", "recording"])
def test_nothing_converts_a_secret(kind, capture, tmp_path, capfd):
    _, recording = capture
    assert main(["convert", recording, f"{kind}:{tmp_path}/made"]) == 0
    told = capfd.readouterr()
    assert "masked: " in told.err
    assert found_in((told.out + told.err).encode()) == []
    assert found_in_files(tmp_path, but=()) == {}
    if kind == "recording":
        assert found_in_observations(list(Recording(tmp_path / "made").exchanges())) == []
    if kind == "gor":
        assert found_in_observations(list(GorFiles(str(tmp_path / "made")).observations())) == []


@pytest.mark.parametrize(
    "argv",
    [
        ["extract"],
        ["run", "--dry-run", "--no-live", "--rewrite-path", "^/ -> /staging/", "--from"],
        ["run", "--no-live", "--to", "jsonl:-", "--from"],
    ],
)
def test_nothing_shows_a_secret(argv, capture, capfdbinary):
    for source in capture:
        assert main([*argv, source]) == 0
        told = capfdbinary.readouterr()
        assert len(told.out) > 50_000
        assert found_in(told.out + told.err) == []


def kept_rows(root: Path) -> int:
    """Exchanges in a recording that is being written."""
    try:
        return Recording(root).rows
    except RunError:
        return 0


def octets(value):
    """All octets and texts within a value."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from octets(one)
    elif isinstance(value, bytes):
        yield value + b"\0"
