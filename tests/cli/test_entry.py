"""The front door: what is said on stderr, and the exit codes."""

import os
import subprocess
import sys

import pytest

from shadowtap import __version__
from shadowtap.cli import entry, main
from shadowtap.errors import RunError

RUN = ["run", "--from", "pcap:a", "--to", "http://b"]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["rnu"], 'unknown command "rnu"; did you mean "run"?'),
        (
            ["fly"],
            'unknown command "fly"; there are "run", "replay", "extract", "convert", "report", "query", "check", "aws", "demo"',
        ),
        (["--verison"], "unknown option --verison; did you mean --version?"),
        (["--config", "x"], "unknown option --config; see shadowtap --help"),
        (["run"], "no source: say where packets come from, such as --from vxlan://0.0.0.0:4789"),
        (
            ["run", "--from", "pcap:a"],
            "no target: say where requests go, such as --to http://staging.example:8080",
        ),
        (["run", "--from"], "--from: expected at least one argument; see shadowtap run --help"),
        (["run", "--bogus"], "unknown option --bogus; see shadowtap run --help"),
        (["run", "--fromm", "pcap:a"], "unknown option --fromm; did you mean --from?"),
        (["run", "pcap:a"], 'unexpected "pcap:a"; see shadowtap run --help'),
        ([*RUN, "--pool", "x"], '--pool: expected a whole number from 0 on, not "x"'),
        ([*RUN, "--grace", "soon"], '--grace: expected a duration such as 5s, 100ms or 0, not "soon"'),
        ([*RUN, "--port", "80,http"], '--port: expected a port number from 1 to 65535, not "http"'),
        (
            [*RUN, "--status", "9095"],
            '--status: expected HOST:PORT, such as 127.0.0.1:9095 or 0.0.0.0:9095, not "9095"',
        ),
        (
            [*RUN, "--summary", "/no/such/folder/x"],
            "summary /no/such/folder/x: cannot be written; name a file in a folder that exists and is yours",
        ),
        ([*RUN, "--summary", "/tmp"], "summary /tmp: is a directory; name a file in it"),
        (
            ["run", "--from", "pcap:a", "--to", "http://b/c"],
            '--to http://b/c: a target is scheme://host:port; leave out "/c", each request keeps its own path',
        ),
        (
            ["run", "--from", "pcap:a", "--to", "http://b?tiemout=5s"],
            '--to http://b?tiemout=5s: unknown option "tiemout"; did you mean "timeout"?',
        ),
        (
            ["run", "--from", "pcap:a", "--to", "http://b?keep_host=maybe"],
            '--to http://b?keep_host=maybe: keep_host: expected yes or no, not "maybe"',
        ),
        (
            ["run", "--from", "a.pcap", "--to", "http://b"],
            '--from a.pcap: "a.pcap" is no source; for a capture file write pcap:a.pcap',
        ),
        (["run", "--config", "/no/such.toml"], "/no/such.toml: there is no such file"),
        (["extract"], "missing: SOURCE; see shadowtap extract --help"),
        (["extract", "pcap:a", "--limit", "0"], '--limit: expected a whole number from 1 on, not "0"'),
        (["demo", "--rate", "fast"], '--rate: expected a whole number from 1 on, not "fast"'),
        (
            ["check", "a.toml", "--config", "b.toml"],
            "FILE and --config both name a configuration; leave one out",
        ),
    ],
)
def test_wrong_usage_is_one_line_and_code_2(capsys, argv, said):
    assert main(argv) == 2
    assert capsys.readouterr() == ("", f"shadowtap: {said}\n")


def test_a_summary_where_nobody_lets_us_look(tmp_path, capsys):
    folder = tmp_path / "closed"
    folder.mkdir()
    folder.chmod(0)
    who = os.geteuid()
    os.seteuid(who or 65534)
    try:
        assert main([*RUN, "--summary", str(folder / "below" / "ledger.json")]) == 2
    finally:
        os.seteuid(who)
    assert "cannot be written; name a file" in capsys.readouterr().err


def test_help_and_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.partition(" (not compiled")[0].strip() == f"shadowtap {__version__}"
    for argv in (["--help"], ["run", "-h"], ["extract", "--help"], ["check", "--help"], ["demo", "--help"]):
        assert main(argv) == 0
        told = capsys.readouterr()
        assert told.out.startswith("usage: shadowtap")
        assert told.err == ""


def test_nothing_at_all_shows_the_commands(capsys):
    assert main([]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "replay mirrored traffic live" in told.err


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (RunError("udp port 4789 is busy"), 3, "shadowtap: udp port 4789 is busy\n"),
        (KeyboardInterrupt(), 130, ""),
        (BrokenPipeError(), 0, ""),
    ],
)
def test_how_errors_end(capfd, monkeypatch, error, code, said):
    class Broken:
        def execute(self, argv):
            raise error

    monkeypatch.setattr(entry, "command", lambda name: Broken())
    monkeypatch.setattr(entry.os, "dup2", lambda *_: None)
    assert main(["run"]) == code
    assert capfd.readouterr().err == said


def test_light_commands_import_no_heavy_modules():
    heavy = ["numpy", "uvloop", "rich", "prometheus_client", "h11", "zstandard"]
    code = (
        "import sys; from shadowtap.cli import main; main(['--help']); main(['fly']); "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.endswith("\n[]\n")


def test_extract_loads_only_what_it_needs():
    others = [
        "shadowtap.compare",
        "shadowtap.config.settings",
        "shadowtap.transform",
        "ssl",
        "uvloop",
        "rich",
    ]
    code = (
        "import sys; from shadowtap.cli import main; main(['extract', '--help']); "
        f"print([name for name in {others} if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.endswith("\n[]\n")


def test_as_a_module():
    command = [sys.executable, "-m", "shadowtap", "--version"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert told.startswith(f"shadowtap {__version__}")
