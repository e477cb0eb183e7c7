"""extract: a capture in, JSON Lines out."""

import json
import select
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from captures import shop_visit, write

from shadowtap.cli import main
from shadowtap.demo.packets import vxlan


@pytest.fixture
def capture(tmp_path):
    """A capture of three requests."""
    return write(tmp_path / "shop.pcap", shop_visit(3))


def lines(octets):
    return [json.loads(line) for line in octets.splitlines()]


def test_every_message_is_a_line(capture, capsysbinary):
    assert main(["extract", capture]) == 0
    out, err = capsysbinary.readouterr()
    told = lines(out)
    assert [line["kind"] for line in told] == ["request", "response"] * 3
    assert [line.get("request") for line in told] == [None, 0, None, 2, None, 4]
    assert told[0]["target"] == "/products/0"
    assert told[0]["time"] == "2026-11-25T12:00:00.003000000Z"
    assert told[0]["headers"] == [["Host", "shop"], ["Cookie", "session=***"]]
    assert err == b""


def test_the_capture_is_not_replaced_by_what_is_made_of_it(capture, capsys):
    path = Path(capture.removeprefix("pcap:"))
    before = path.read_bytes()
    for option in (["extract", capture, "-o"], ["run", "--from", capture, "--to", "http://b", "--summary"]):
        assert main([*option, str(path)]) == 2
        assert "is what is read, too; name another file" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_secrets_on_demand(capture, capsysbinary):
    assert main(["extract", capture, "--keep-secrets"]) == 0
    assert lines(capsysbinary.readouterr().out)[0]["headers"][1] == ["Cookie", "session=abc"]


def test_limit(capture, capsysbinary):
    assert main(["extract", capture, "--limit", "3"]) == 0
    assert len(lines(capsysbinary.readouterr().out)) == 3


def test_output_file(capture, capsysbinary, tmp_path):
    assert main(["extract", capture, "-o", str(tmp_path / "out.jsonl")]) == 0
    assert len(lines((tmp_path / "out.jsonl").read_bytes())) == 6
    assert capsysbinary.readouterr() == (b"", b"")


def test_other_ports_are_left_out(capture, capsysbinary):
    assert main(["extract", capture, "--port", "8080"]) == 0
    assert capsysbinary.readouterr().out == b""


def test_a_cut_file_gives_what_is_before_the_cut(capture, capsysbinary):
    path = Path(capture.removeprefix("pcap:"))
    octets = path.read_bytes()
    path.write_bytes(octets[: len(octets) // 2])
    assert main(["extract", capture]) == 0
    out, err = capsysbinary.readouterr()
    assert lines(out)
    assert err.startswith(b"stopped: ")
    assert err.count(b"\n") == 1


def test_what_cannot_be_read(tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("hello")
    for source, said in (
        (f"pcap:{tmp_path}/missing.pcap", "there is no such file"),
        (f"pcap:{tmp_path}/notes.txt", "is no capture"),
    ):
        assert main(["extract", source]) == 3
        told = capsys.readouterr().err
        assert said in told
        assert told.count("\n") == 1
    assert main(["extract", "notes.pcap"]) == 2
    assert "for a capture file write pcap:notes.pcap" in capsys.readouterr().err
    assert main(["extract", "pcap:-", "-o", f"{tmp_path}/no/folder"]) == 3


def test_head_may_go_away(tmp_path):
    capture = write(tmp_path / "long.pcap", shop_visit(2000))
    command = f"{sys.executable} -m shadowtap extract {capture} | head -n 1; exit ${{PIPESTATUS[0]}}"
    told = subprocess.run(["bash", "-c", command], capture_output=True, check=False)
    assert told.returncode == 0
    assert len(told.stdout.splitlines()) == 1
    assert told.stderr == b""


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_live_source_ends_when_it_is_interrupted(stop):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "shadowtap", "extract", f"vxlan://127.0.0.1:{port}"]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mirror,
    ):
        mirror.connect(("127.0.0.1", port))
        while True:
            # Refused until the command listens.
            with suppress(ConnectionRefusedError):
                for frame in shop_visit():
                    mirror.send(vxlan(7, frame))
            if select.select([process.stdout], [], [], 0.05)[0]:
                break
        first = json.loads(process.stdout.readline())
        assert (first["target"], first["vni"]) == ("/products/0", 7)
        process.send_signal(stop)
        assert process.wait(10) == 0
        assert process.stderr.read() == b""


def test_a_pipe_shows_messages_as_they_come(tmp_path):
    """The first messages are there while the pipe is still open; an interrupt ends it quietly."""
    octets = Path(write(tmp_path / "shop.pcap", shop_visit(3)).removeprefix("pcap:")).read_bytes()
    command = [sys.executable, "-m", "shadowtap", "extract", "pcap:-"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdin.write(octets)
        process.stdin.flush()
        first = json.loads(process.stdout.readline())
        assert first["target"] == "/products/0"
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        assert process.stderr.read() == b""
