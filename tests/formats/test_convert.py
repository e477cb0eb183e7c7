"""`shadowtap convert`: everything that can be read, to everything that can be written."""

import gzip
import io
import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from formats.observing import MS, NOON_NS, connection, observe, outcome, request, response
from runner.traffic import ANSWER, conversation, get, post, write
from shadowtap.cli.convert import execute
from shadowtap.errors import RunError, UsageError
from shadowtap.formats.gor import Composer, GorFiles
from shadowtap.formats.har import HarFile, HarWriter

SECRET = b"Bearer planted-in-the-head"
SEEN = [
    observe(
        asked := request(
            b"POST /orders?n=%d HTTP/1.1\r\nHost: shop\r\nAuthorization: %b\r\nContent-Length: 5\r\n\r\nhello"
            % (n, SECRET),
            on=connection(n % 2, f"10.0.8.9:{40000 + n % 2}"),
            index=n // 2,
            at=NOON_NS + n * MS,
        ),
        response(
            ANSWER if n % 3 else ANSWER.replace(b"200 OK", b"503 No"),
            on=asked.connection,
            at=asked.end_ns + MS,
        ),
        outcome(asked),
    )
    for n in range(10)
]
SOURCES = ("pcap", "gor", "har", "recording")
SINKS = ("gor", "har", "recording", "jsonl", "k6", "curl")


@pytest.fixture
def source(tmp_path, capfd):
    """The URL of the same ten exchanges in any format."""

    def made(kind):
        path = tmp_path / f"in.{kind}"
        writers = {"gor": Composer, "har": HarWriter}
        if kind in writers:
            writer = writers[kind]()
            path.write_bytes(b"".join([writer.begin(), *map(writer.entry, SEEN), writer.end()]))
        elif kind == "recording":
            convert(made("gor"), f"recording:{path}", "--keep-secrets")
            capfd.readouterr()
        else:
            frames = [
                f
                for number in range(2)
                for f in conversation(
                    number,
                    [
                        post(f"/orders?n={n}", b"hello", f"Authorization: {SECRET.decode()}")
                        for n in range(number, 10, 2)
                    ],
                )
            ]
            return write(path, frames)
        return f"{kind}:{path}"

    return made


def convert(*argv):
    """Carry it out."""
    assert execute([str(word) for word in argv]) == 0


def targets(kind, path):
    """The requests in what was written."""
    if kind == "gor":
        return [o.exchange.request.target.decode() for o in GorFiles(str(path)).observations()]
    if kind == "har":
        return [o.exchange.request.target.decode() for o in HarFile(str(path)).observations()]
    if kind == "recording":
        from shadowtap.record import Recording

        return [o.exchange.request.target.decode() for o in Recording(path).exchanges()]
    text = path.read_text()
    if kind == "jsonl":
        return [line["target"] for line in map(json.loads, text.splitlines()) if line["kind"] == "request"]
    if kind == "k6":
        lines = [line for line in text.splitlines() if line.startswith('  {"at"')]
        return [json.loads(line.rstrip(","))["target"] for line in lines]
    return [line.split()[1] for line in re.findall(r"send \S+ \\\n  '([^']*)'", text)]


def octets_of(path):
    """Everything that was written."""
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    return b"".join(file.read_bytes() for file in files)


@pytest.mark.parametrize("to", SINKS)
@pytest.mark.parametrize("kind", SOURCES)
def test_everything_to_everything(tmp_path, capfd, source, kind, to):
    path = tmp_path / f"out.{to}"
    convert(source(kind), f"{to}:{path}")
    wanted = [f"/orders?n={n}" for n in range(10)]
    found = targets(to, path)
    assert sorted(found) == wanted
    assert kind == "pcap" or found == wanted
    said = capfd.readouterr().err
    assert said.startswith(f"10 exchanges read, 10 written to {to}:{path}\n")
    assert "masked: " in said
    assert b"planted-in-the-head" not in octets_of(path)
    if path.is_file():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not [file for file in tmp_path.iterdir() if file.name.startswith(".")]


def test_answers_and_outcomes_go_along(tmp_path, source, capfd):
    there, back = tmp_path / "there", tmp_path / "back.gor"
    convert(source("gor"), f"recording:{there}", "--keep-secrets")
    convert(f"recording:{there}", f"gor:{back}", "--keep-secrets")
    assert back.read_bytes() == (tmp_path / "in.gor").read_bytes()


def test_secrets_are_kept_only_when_asked_for(tmp_path, source, capfd):
    convert(source("gor"), f"har:{tmp_path / 'a.har'}", "--keep-secrets")
    assert b"planted-in-the-head" in (tmp_path / "a.har").read_bytes()
    assert "masked" not in capfd.readouterr().err


def test_the_same_key_makes_the_same_stand_ins(tmp_path, source, capfd):
    key = tmp_path / "key"
    key.write_bytes(b"0123456789abcdef0123456789abcdef")
    for name in "ab":
        convert(source("gor"), f"gor:{tmp_path / name}.gor", "--mask-key", key)
    convert(source("gor"), f"gor:{tmp_path / 'c'}.gor")
    a, b, c = ((tmp_path / f"{name}.gor").read_bytes() for name in "abc")
    assert a == b != c


def test_only_what_is_chosen(tmp_path, source, capfd):
    path = tmp_path / "out.gor"
    convert(source("gor"), f"gor:{path}", "--only", "status >= 500", "--skip", 'query.n == "0"')
    assert targets("gor", path) == ["/orders?n=3", "/orders?n=6", "/orders?n=9"]
    assert "10 exchanges read, 3 written" in (said := capfd.readouterr().err)
    assert "7 not chosen" in said


def test_no_more_than_the_limit(tmp_path, source, capfd):
    convert(source("har"), f"har:{tmp_path / 'out.har'}", "--limit", "4")
    assert len(targets("har", tmp_path / "out.har")) == 4


def test_a_packed_file(tmp_path, source, capfd):
    convert(source("gor"), f"har:{tmp_path / 'out.har.gz'}")
    assert len(json.loads(gzip.decompress((tmp_path / "out.har.gz").read_bytes()))["log"]["entries"]) == 10
    assert len(targets("har", tmp_path / "out.har.gz")) == 10


def test_files_of_a_pattern_are_put_together(tmp_path, source, capfd):
    source("gor")
    convert(f"gor:{tmp_path / 'in.gor'}", f"gor:{tmp_path / 'part_1.gor'}", "--limit", "5", "--quiet")
    convert(
        f"gor:{tmp_path / 'in.gor'}",
        f"gor:{tmp_path / 'part_2.gor'}",
        "--skip",
        'query.n ~ "^[0-4]$"',
        "--quiet",
    )
    convert(f"gor:{tmp_path}/part_*.gor", f"gor:{tmp_path / 'whole.gor'}", "--quiet")
    assert targets("gor", tmp_path / "whole.gor") == [f"/orders?n={n}" for n in range(10)]
    assert capfd.readouterr().err == ""


def test_an_encrypted_recording(tmp_path, source, capfd):
    pytest.importorskip("cryptography")
    key = tmp_path / "key"
    key.write_bytes(bytes(range(32)))
    key.chmod(0o600)
    there = tmp_path / "there"
    convert(source("gor"), f"recording:{there}", "--keep-secrets", "--output-key", key)
    assert b"planted-in-the-head" not in octets_of(there)
    convert(f"recording:{there}", f"gor:{tmp_path / 'back.gor'}", "--keep-secrets", "--recording-key", key)
    assert (tmp_path / "back.gor").read_bytes() == (tmp_path / "in.gor").read_bytes()


def test_what_a_format_cannot_hold_is_counted(tmp_path, capfd):
    frames = conversation(1, [get("/a"), get("/b", method="CONNECT")]) + conversation(
        2, [b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf"]
    )
    convert(write(tmp_path / "a.pcap", frames), f"k6:{tmp_path / 'out.js'}")
    said = capfd.readouterr().err
    assert "3 exchanges read, 1 written" in said
    assert "not written: connect_method 1, incomplete 1" in said


def test_a_pipe_in_and_out(tmp_path, source):
    source("gor")
    command = [
        sys.executable,
        "-c",
        "import sys; from shadowtap.cli.convert import execute; sys.exit(execute(sys.argv[1:]))",
    ]
    octets = (tmp_path / "in.gor").read_bytes()
    done = subprocess.run(
        [*command, "gor:-", "har:-", "--keep-secrets"], input=octets, capture_output=True, check=True
    )
    assert len(json.loads(done.stdout)["log"]["entries"]) == 10
    assert b"10 exchanges read, 10 written to har:-" in done.stderr


def test_a_package_that_is_missing_is_said_in_one_line(tmp_path, source):
    source("gor")
    code = "import sys; sys.modules['pyarrow'] = None; from shadowtap.cli.entry import main; import shadowtap.cli.entry as e"
    code += "; e.COMMANDS['convert'] = ''; sys.exit(main(['convert', *sys.argv[1:]]))"
    command = [sys.executable, "-c", code, f"gor:{tmp_path}/in.gor", f"recording:{tmp_path}/out"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == 'shadowtap: recordings need pyarrow; install it: pip install "shadowtap[record]"\n'


WRONG = {
    ("requests.gor", "har:x"): "not a source; there are recording:DIR, gor:FILE",
    (
        "vxlan://0.0.0.0",
        "gor:x",
    ): "a live source is for shadowtap run, such as: run --from vxlan://0.0.0.0 --to gor:FILE",
    ("k6:x", "har:y"): "k6:x: scripts are written, not read",
    ("jsonl:x", "har:y"): "its lines hold digests of bodies",
    ("gor:", "har:y"): "gor: names no file; write gor:FILE",
    ("gor:{in}", "pcap:y"): "packets cannot be made of messages",
    ("gor:{in}", "http://next"): "use: shadowtap replay SOURCE --to http://next",
    ("gor:{in}", "out.har"): "out.har: not something to write; there are recording:DIR",
    ("gor:{in}", "har:"): "har: names no file",
    ("gor:{in}", "recording:-"): "names no file; write recording:DIR",
    ("gor:{in}", "gor:{in}"): "is there already; remove it, or write to another name",
    ("gor:{in}", "har:{dir}/a", "--only", "status >>= 5"): "status >>= 5",
    (
        "gor:{in}",
        "har:{dir}/a",
        "--port",
        "80",
    ): "--port is for pcap:FILE; for gor: there is --only 'port == 80'",
    ("gor:{in}", "har:{dir}/a", "--recording-key", "k"): "--recording-key is for recording:DIR",
    ("gor:{in}", "har:{dir}/a", "--output-key", "k"): "--output-key is for recording:DIR",
    ("gor:{in}", "har:{dir}/a", "--mask-key", "{dir}/none"): "cannot be read: No such file",
    ("gor:{in}", "har:{dir}/a", "--bogus"): "unknown option --bogus",
}


@pytest.mark.parametrize("argv", WRONG, ids=" ".join)
def test_what_is_wrong_is_said(tmp_path, source, argv):
    places = {"in": source("gor").removeprefix("gor:"), "dir": tmp_path}
    with pytest.raises(UsageError) as caught:
        execute([word.format(**places) for word in argv])
    assert WRONG[argv] in str(caught.value)
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("name", "octets", "said"),
    [
        ("gor:{dir}/none.gor", b"", "there is no such file"),
        ("har:{dir}/none.har", b"", "cannot be read: No such file"),
        ("recording:{dir}/none", b"", "there is no such folder"),
        ("pcap:{dir}/none.pcap", b"", "there is no such file"),
        ("gor:{dir}/x", b"hello\nworld\n", "nothing in it can be read: malformed_record 1"),
        ("har:{dir}/x", b"hello\nworld\n", "nothing in it can be read: .*there are no entries in it"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path, name, octets, said):
    (tmp_path / "x").write_bytes(octets)
    with pytest.raises(RunError, match=said):
        execute([name.format(dir=tmp_path), f"gor:{tmp_path}/out.gor"])
    assert [file.name for file in tmp_path.iterdir()] == ["x"]


def test_a_place_that_cannot_be_written(source):
    with pytest.raises(RunError, match="cannot be written: No such file"):
        execute([source("gor"), "har:/nowhere/at/all.har"])


def test_a_disk_that_is_full_leaves_nothing_behind(tmp_path, source, monkeypatch):
    url = source("har")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(RunError, match=r"out\.har: cannot be written: No space left"):
        execute([url, f"har:{tmp_path}/out.har"])
    assert [file.name for file in tmp_path.iterdir()] == ["in.har"]


def test_a_source_that_ends_early_says_so(tmp_path, source, capfd):
    source("har")
    octets = (tmp_path / "in.har").read_bytes()
    (tmp_path / "cut.har").write_bytes(octets[: len(octets) // 2])
    convert(f"har:{tmp_path / 'cut.har'}", f"gor:{tmp_path / 'out.gor'}")
    assert "stopped: " in capfd.readouterr().err
    assert 3 <= len(targets("gor", tmp_path / "out.gor")) <= 5


def test_progress_is_shown_on_a_terminal(tmp_path, source, monkeypatch):
    monkeypatch.setattr("shadowtap.cli.convert._PROGRESS_S", 0)
    monkeypatch.setenv("TERM", "xterm-256color")

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    convert(source("gor"), f"har:{tmp_path / 'out.har'}")
    assert "a second" in screen.getvalue()
    assert "10 exchanges read, 10 written" in screen.getvalue()
    assert os.path.exists(tmp_path / "out.har")
