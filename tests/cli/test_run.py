"""run: what the runner is given, and what is told at the end however it ends."""

import json
import time

import pytest

from shadowtap.cli import main
from shadowtap.cli import run as command
from shadowtap.errors import RunError
from shadowtap.ledger import Ledger, TargetAccount

ARGV = ["run", "--from", "pcap:a", "--to", "http://b"]


@pytest.fixture
def runner(monkeypatch):
    """A runner that sees three requests; it keeps the settings, and raises `error` at the end if there is one."""

    class Fake:
        settings = None
        error = None

        def __call__(self, settings, *, view, comparison=None, reporter=None):
            self.settings = settings
            ledger = Ledger(time.time_ns() - 2_000_000_000)
            target = ledger.targets["http://b"] = TargetAccount("http://b")
            view.start(ledger, ["from pcap:a", "to http://b"])
            ledger.requests.seen = ledger.requests.replayed = 3
            target.offered = target.replayed = target.answered = 3
            view.tick(ledger, time.time_ns())
            view.event("target http://b is down: connection refused")
            if self.error:
                raise self.error
            view.stop(ledger, time.time_ns())
            return ledger

    fake = Fake()
    monkeypatch.setattr(command, "replay", fake)
    return fake


def test_a_run(runner, capsys):
    assert main(ARGV) == 0
    out, err = capsys.readouterr()
    told = err.splitlines()
    assert out == ""
    assert told[:3] == ["from pcap:a", "to http://b", "target http://b is down: connection refused"]
    assert told[3].startswith("shadowtap ran 2.")
    assert told[-1] == "Every request is accounted for."


def test_options_become_settings(runner, tmp_path):
    options = [
        "--port",
        "80,8080",
        "--port",
        "81",
        "--pool",
        "3",
        "--timeout",
        "2s",
        "--keep-host",
        "--insecure",
    ]
    options += [
        "--status",
        "127.0.0.1:0",
        "--grace",
        "1s",
        "--duration",
        "1m",
        "--replay-ambiguous",
        "--quiet",
    ]
    assert main([*ARGV, *options, "--summary", str(tmp_path / "x")]) == 0
    settings = runner.settings
    (target,) = settings.targets
    assert (target.pool, target.timeout_s, target.keep_host, target.verify) == (3, 2.0, True, False)
    assert settings.ports == (80, 8080, 81)
    assert (settings.status, settings.grace_s, settings.duration_s) == ("127.0.0.1:0", 1.0, 60.0)
    assert settings.replay_ambiguous
    assert not settings.allow_production_target


def test_options_win_over_the_file(runner, tmp_path):
    config = tmp_path / "tap.toml"
    config.write_text(
        'from = "pcap:a"\nto = "http://b"\ngrace = "9s"\n[replay]\ntimeout = "9s"\nkeep_host = true\n'
    )
    assert main(["run", "--config", str(config), "--timeout", "1s"]) == 0
    (target,) = runner.settings.targets
    assert (target.timeout_s, target.keep_host, runner.settings.grace_s) == (1.0, True, 9.0)


def test_summary_as_json(runner, tmp_path, capsys):
    path = tmp_path / "ledger.json"
    path.write_text("older")
    assert main([*ARGV, "--summary", str(path)]) == 0
    told = json.loads(path.read_text())
    assert told["requests"]["replayed"] == 3
    assert told["sources"] == ["pcap:a"]
    assert [file.name for file in tmp_path.iterdir()] == ["ledger.json"]
    assert main([*ARGV, "--summary", "-", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out)["balanced"] is True


def test_a_run_that_breaks_off_tells_what_it_knows(runner, tmp_path, capsys):
    runner.error = RunError("the disk is full")
    path = tmp_path / "ledger.json"
    assert main([*ARGV, "--summary", str(path)]) == 3
    told = capsys.readouterr().err
    assert "it could not go on: the disk is full." in told
    assert told.endswith("Every request is accounted for.\nshadowtap: the disk is full\n")
    assert json.loads(path.read_text())["exit_reason"] == "it could not go on: the disk is full"


def test_quiet(runner, capsys):
    assert main([*ARGV, "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_a_bug_is_not_hidden(runner, capsys):
    runner.error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        main(ARGV)
    assert "it broke off" in capsys.readouterr().err
