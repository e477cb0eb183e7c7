"""demo: what it asks of the stage, and how it ends."""

import time

from shadowtap.cli import demo, main
from shadowtap.compare import Comparison
from shadowtap.demo.stage import Played
from shadowtap.errors import RunError
from shadowtap.ledger import Ledger


def test_the_demo_ends_with_account_verdict_page_and_what_to_try_next(monkeypatch, capsys, tmp_path):
    asked, opened = {}, []

    def play(view, *, seconds, rate):
        asked.update(seconds=seconds, rate=rate)
        ledger = Ledger(time.time_ns())
        view.start(ledger, ["from vxlan://127.0.0.1:1"])
        view.stop(ledger, time.time_ns())
        return Played(ledger, Comparison(targets=["http://127.0.0.1:2"]), "<!doctype html>")

    monkeypatch.setattr(demo, "play", play)
    monkeypatch.setattr(demo.webbrowser, "open", opened.append)
    monkeypatch.setattr(demo.tempfile, "mkdtemp", lambda prefix: str(tmp_path))
    assert main(["demo", "--seconds", "5s", "--rate", "9"]) == 0
    out, err = capsys.readouterr()
    assert asked == {"seconds": 5.0, "rate": 9}
    assert out == ""
    assert "Every request is accounted for.\n\nhttp://127.0.0.1:2\n  0 answers compared" in err
    assert "TOO FEW   mismatch > 1%" in err
    assert f"\n  {tmp_path}/report.html\n" in err
    assert (tmp_path / "report.html").read_text() == "<!doctype html>"
    assert err.endswith("--to http://STAGING:8080 --compare\n")
    assert opened == []
    assert main(["demo", "--report", str(tmp_path / "mine.html"), "--open"]) == 0
    assert (tmp_path / "mine.html").exists()
    assert opened == [f"file://{tmp_path}/mine.html"]


def test_a_demo_that_cannot_start(monkeypatch, capsys):
    def play(view, *, seconds, rate):
        raise RunError("the demo's shop could not be started; its error is above")

    monkeypatch.setattr(demo, "play", play)
    assert main(["demo"]) == 3
    assert capsys.readouterr().err == "shadowtap: the demo's shop could not be started; its error is above\n"
