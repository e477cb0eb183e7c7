"""What people type wrongly about kept traffic: one clear line, exit code 2 or 3, no traceback, nothing written."""

import os
import socket

import pytest
from captures import shop_visit, write

from shadowtap.cli import main

TO = "http://target"


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A folder with a capture, a recording and a file of GoReplay made of it, and things that are none of them."""
    folder = tmp_path_factory.mktemp("kept")
    capture = write(folder / "shop.pcap", shop_visit(2))
    sinks = [f"recording:{folder}/rec", f"gor:{folder}/shop.gor"]
    assert main(["run", "--from", capture, "--to", *sinks, "--quiet"]) == 0
    (folder / "no.gor").write_text("hello\nworld\n")
    (folder / "file").write_text("x")
    (folder / "short.key").write_text("abc")
    (folder / "empty").mkdir()
    (folder / "hooks.py").write_text("def request(\n")
    return folder


@pytest.fixture(scope="module")
def target():
    """The URL of something that accepts connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def here(kept, monkeypatch):
    """The test's working directory is that folder."""
    monkeypatch.chdir(kept)
    return kept


REPLAY = ["replay", "recording:rec", "--to", TO]
RUN = ["run", "--from", "pcap:shop.pcap", "--to", TO]
CONVERT = ["convert", "recording:rec"]


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (["replay", "rec", "--to", TO], 2, '"rec" is no source; for a recording write recording:rec'),
        (["replay", "shop.gor", "--to", TO], 2, "for a file of GoReplay write gor:shop.gor"),
        (["replay", "recording:none", "--to", TO], 3, "recording:none: there is no such folder"),
        (["run", "--from", "recording:file", "--to", TO], 3, "recording:file: this is a file, and a recording is a folder"),
        (["run", "--from", "recording:empty", "--to", TO], 3, "recording:empty: there are no exchanges in it"),
        (["run", "--from", "gor:none*.gor", "--to", TO], 3, "none*.gor: there is no such file"),
        (["replay", "recording:rec"], 2, "no target: say where requests go"),
        ([*REPLAY, "--speed", "0"], 2, "--speed: expected a factor such as 2x or 0.5x, or max"),
        ([*REPLAY, "--loop", "-1"], 2, "--loop: expected a whole number from 0 on"),
        ([*REPLAY, "--since", "10m", "--until", "5m"], 2, "--until 5m is not behind --since 10m"),
        ([*REPLAY, "--recording-key", "none.key"], 2, "none.key: no key to be read"),
        (["run", "--from", "recording:rec", "--to", TO, "--recording-key", "short.key"], 2, "short.key: expected 32 bytes raw, in base64"),
        (["replay", "recording:rec", "--to", "recording:rec"], 2, "--to recording:rec: is what is read, too"),
        (["replay", "recording:rec/", "--to", "recording:./rec"], 2, "is what is read, too; name another"),
        (["run", "--from", "gor:*.gor", "--to", "gor:shop.gor"], 2, "--to gor:shop.gor: is what is read, too"),
        (["run", "--from", "gor:no.gor", "--to", "jsonl:x"], 3, "gor:no.gor: nothing in it is traffic"),
        (["extract", "gor:no.gor"], 3, "gor:no.gor: nothing in it is traffic that GoReplay kept; not all of it"),
        ([*RUN, "--to", "recording:new", "--recording-key", "short.key"], 2, "short.key: expected 32 bytes raw"),
        ([*RUN, "--to", "recording:file"], 2, "recording:file: this is a file; name a folder"),
        (["check", *RUN[1:], "--hooks", "hooks.py"], 2, "hooks hooks.py, line 1: '(' was never closed"),
        (["check", *RUN[1:], "--set-header", "X: env:NOT_SET_AT_ALL"], 2, "NOT_SET_AT_ALL is not set"),
        (["check", *RUN[1:], "--mask", "--mask-key", "none.key"], 2, "none.key: cannot be read"),
        ([*CONVERT, "gor:shop.gor"], 2, "gor:shop.gor is there already"),
        ([*CONVERT, "har:new", "--mask-key", "short.key"], 2, "short.key: a masking key has at least 16 bytes"),
        (["convert", "gor:no.gor", "har:new"], 3, "nothing in it can be read: malformed_record 1"),
        (["query", "file", "SELECT 1"], 3, "recording:file: this is a file"),
        (["query", "rec", " "], 2, "there is nothing to ask; write a query such as 'SELECT * FROM endpoints'"),
        (["query", "rec", "SELECT nothing FROM exchanges"], 2, 'column "nothing" not found'),
    ],
)  # fmt: skip
def test_one_clear_line(argv, code, said, here, target, capsys):
    argv = [target if word == TO else word for word in argv]
    before = {*os.listdir(), "x"}
    assert main([*argv, "--quiet"] if argv[0] in ("run", "replay", "convert") else argv) == code
    told = capsys.readouterr()
    assert said in told.err
    assert told.err.startswith("shadowtap: ")
    assert told.err.count("\n") == 1
    assert told.out == ""
    assert before >= {*os.listdir()}


def test_a_mistake_in_a_rule_is_pointed_at(here, capsys):
    assert main([*CONVERT, "har:new", "--only", "pth == 1"]) == 2
    told = capsys.readouterr().err
    assert told.splitlines() == [
        'shadowtap: --only: unknown field "pth"; did you mean "path"?',
        "  pth == 1",
        "  ^^^",
    ]


def test_check_finds_sinks_that_cannot_be_written(here, capsys):
    sinks = [
        "recording:file",
        "gor:empty",
        "recording:/proc/1/x",
        "recording:new?key=short.key",
        "recording:rec",
    ]
    assert main(["check", "--from", "pcap:shop.pcap", "--to", *sinks, "jsonl:-"]) == 3
    _, *told = capsys.readouterr().out.splitlines()
    assert told[0] == "problem  recording:file: is a file; name a folder"
    assert told[1] == "problem  gor:empty: is a folder; name a file in it"
    assert told[3].startswith("problem  recording:new: short.key: expected 32 bytes")
    assert told[4:] == [
        "ok       recording:rec: can be written",
        "ok       jsonl:-: is written to standard output",
    ]
