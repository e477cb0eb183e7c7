"""The README is run: every command in it, as it stands, but for the places of a network that is not here."""

import asyncio
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from replay.peer import live, serving, until
from replay.ports import free_port
from runner.traffic import Mirror, visits, write
from shadowtap.cli.aws import COMMANDS as AWS_COMMANDS

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / name
    for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "ARCHITECTURE.md", "fuzz/README.md")
]
README = PAGES[0].read_text()


def commands(page: str) -> list[str]:
    """The commands in the shell blocks of a page, each on one line."""
    blocks = re.findall(r"```sh\n(.*?)```", page, re.S)
    lines = [line for block in blocks for line in block.replace("\\\n", "").splitlines()]
    return [" ".join(line.partition(" #")[0].split()) for line in lines if line.strip()]


COMMANDS = commands(README)
RUNS = [line for line in COMMANDS if "shadowtap run" in line]
LIVE = [line for line in RUNS if "pcap:" not in line]
FILES = [line for line in RUNS if "pcap:" in line]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the captures that the README speaks of, and `shadowtap` on the path."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "shadowtap"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m shadowtap "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    write(tmp_path / "incident.pcap", visits(5, 4))
    capture = (tmp_path / "incident.pcap").read_bytes()
    (tmp_path / "incident.pcapng.zst").write_bytes(capture)  # a source looks into a file, not at its name
    monkeypatch.chdir(tmp_path)
    return tmp_path


def here(line: str, target: int, mirror: int = 0) -> str:
    """The command with every place outside this machine replaced by one on it."""
    line = re.sub(r"--to '?(https?)://[^ ']*'?", f"--to http://127.0.0.1:{target}", line, count=1)
    line = re.sub(r" --to '?https?://[a-z][^ ']*'?", "", line)
    line = line.replace("vxlan://0.0.0.0:4789", f"vxlan://127.0.0.1:{mirror}").replace(
        "from=10.0.0.0/8", "from=127.0.0.0/8"
    )
    line = line.replace("recording:/data", "recording:data")
    line = (
        line.replace("--ui 8080", "--ui 0")
        .replace("0.0.0.0:9095", f"127.0.0.1:{free_port()}")
        .replace("iface://eth0", "iface://lo")
    )
    return line.replace("ssh web1 tcpdump -w - tcp port 80", "cat incident.pcap")


@pytest.mark.parametrize("line", FILES)
@live
async def test_a_file_is_replayed(place: Path, line: str) -> None:
    async with serving() as server:
        shell = await asyncio.create_subprocess_shell(here(line, server.port), stderr=asyncio.subprocess.PIPE)
        said = (await shell.communicate())[1].decode()
        assert shell.returncode == 0, said
        assert len(server.requests) == 20
        assert said.endswith("Every request is accounted for.\n")


@pytest.mark.parametrize("line", LIVE)
@live
async def test_a_live_source_is_replayed(place: Path, line: str) -> None:
    if "iface://" in line and os.geteuid():
        pytest.skip("packet sockets need root: run the tests with sudo")
    with Mirror(free_port(socket.SOCK_DGRAM)) as mirror:
        async with serving() as server:
            words = shlex.split(here(line, server.port, int(mirror.url.rpartition(":")[2])))
            shell = await asyncio.create_subprocess_exec(*words, stderr=asyncio.subprocess.PIPE)
            assert shell.stderr is not None
            while not re.search(rb"to (http|recording):", await shell.stderr.readline()):
                assert shell.returncode is None
            if "vxlan://" in line:
                mirror.send(visits(5, 4))
                if "recording:" not in line and "--sample" not in line:
                    await until(lambda: len(server.requests) == 20)
            shell.send_signal(signal.SIGTERM)
            said = (await shell.stderr.read()).decode()
            assert "Every request is accounted for.\n" in said
            too_few = "--fail-on" in line  # twenty answers are none to judge by
            assert ("TOO FEW" in said, await shell.wait()) == (too_few, int(too_few))
    if "--summary" in line:
        assert (place / "run.json").is_file()
    if "--report" in line:
        assert "answers compared differ" in (place / "report.html").read_text()


def test_extract_and_what_reads_it(place: Path) -> None:
    (line,) = (line for line in COMMANDS if "shadowtap extract" in line)
    if shutil.which("jq") is None:
        line = line.partition(" |")[0]
    done = subprocess.run(line, shell=True, capture_output=True, text=True, check=True)
    assert "/0/0" in done.stdout
    assert "|" not in line or done.stdout.splitlines()[0] == "GET shop.example/0/0"
    assert done.stderr == ""


@live
async def test_what_is_kept_can_be_asked_and_converted(place: Path) -> None:
    pytest.importorskip("pyarrow", reason="recordings need the extra shadowtap[record]")
    pytest.importorskip("duckdb", reason="queries need the extra shadowtap[query]")
    (first,) = (line for line in FILES if "recording:" in line)
    lines = [line for line in COMMANDS if re.search("shadowtap (query|convert|report)", line)]
    async with serving() as server:
        for line in (here(first, server.port), *lines):
            shell = await asyncio.create_subprocess_shell(line, stdout=asyncio.subprocess.PIPE)
            told = (await shell.communicate())[0].decode()
            assert shell.returncode == 0
            assert "query" not in line or told.split()[:4] == ["method", "endpoint", "requests", "p99_ms"]
    assert "answers a second" in (place / "traffic.html").read_text()
    assert (place / "traffic.gor").read_bytes().count(b"GET /") == 20


@live
async def test_what_was_recorded_is_replayed_later(place: Path) -> None:
    pytest.importorskip("pyarrow", reason="recordings need the extra shadowtap[record]")
    (line,) = (line for line in COMMANDS if "shadowtap replay" in line)
    record = "shadowtap run --from pcap:incident.pcap --to recording:data --quiet"
    async with serving() as server:
        shell = await asyncio.create_subprocess_shell(
            f"{record} && {here(line, server.port)}", stderr=asyncio.subprocess.PIPE
        )
        said = (await shell.communicate())[1].decode()
    assert (shell.returncode, len(server.requests)) == (0, 20), said
    assert said.endswith("Every request is accounted for.\n")


def test_check(place: Path) -> None:
    (line,) = (line for line in COMMANDS if "shadowtap check" in line)
    with socket.create_server(("127.0.0.1", 0)) as server:
        target = f"http://127.0.0.1:{server.getsockname()[1]}"
        (place / "shadowtap.toml").write_text(f'from = "pcap:incident.pcap"\nto = "{target}"\n')
        done = subprocess.run(line, shell=True, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "valid" in done.stdout


def test_the_commands_for_aws_are_understood() -> None:
    for line in COMMANDS:
        if "shadowtap aws" in line:
            _, _, command, *words = shlex.split(line)
            AWS_COMMANDS[command][1]().parse(words)


def test_the_demo_and_how_it_is_set_up(place: Path) -> None:
    (line,) = (line for line in COMMANDS if "shadowtap demo" in line)
    setup, _, demo = line.partition(" && ")
    assert os.access(ROOT / setup, os.X_OK)
    assert demo == ".venv/bin/shadowtap demo"
    done = subprocess.run(["shadowtap", "demo", "--seconds", "1"], capture_output=True, text=True, check=True)
    assert "Every request is accounted for." in done.stderr


def test_no_command_is_left_out() -> None:
    looked_at = ("run", "replay", "extract", "check", "aws", "demo", "query", "convert", "report")
    rest = [line for line in COMMANDS if not any(f"shadowtap {part}" in line for part in looked_at)]
    assert rest == ["scripts/test"]


def test_the_notebook(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    octets = (place / "incident.pcap").read_bytes()
    (place / "incident.pcap").write_bytes(octets.replace(b" 200 OK\r\n", b" 503 No\r\n"))
    (code,) = re.findall(r"```python\n(.*?)```", README, re.S)
    exec(compile(code.replace("ports=[8080]", "ports=[80]"), "README.md", "exec"), {})
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 20
    assert re.fullmatch(r"/0/0 \d+\.\d+ ms", told[0])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", page.read_text())
    assert not [link for link in links if not (page.parent / link).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_scripts_and_files_that_are_named_exist(page: Path) -> None:
    for line in commands(page.read_text()):
        for word in line.split():
            if re.fullmatch(r"(scripts|fuzz|tests|\.ci)/[\w./]+", word):
                assert (ROOT / word).exists(), word
