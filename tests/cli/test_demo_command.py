"""demo: what it asks of the stage, and how it ends."""

import time

from shadowtap.cli import demo, main
from shadowtap.errors import RunError
from shadowtap.ledger import Ledger


def test_the_demo_ends_with_the_account_and_what_to_try_next(monkeypatch, capsys):
    asked = {}

    def play(view, *, seconds, rate):
        asked.update(seconds=seconds, rate=rate)
        ledger = Ledger(time.time_ns())
        view.start(ledger, ["from vxlan://127.0.0.1:1"])
        view.stop(ledger, time.time_ns())
        return ledger

    monkeypatch.setattr(demo, "play", play)
    assert main(["demo", "--seconds", "5s", "--rate", "9"]) == 0
    out, err = capsys.readouterr()
    assert asked == {"seconds": 5.0, "rate": 9}
    assert out == ""
    assert "Every request is accounted for.\n\nEach request went from production's packets" in err
    assert err.endswith("  shadowtap run --from vxlan://0.0.0.0:4789 --to http://STAGING:8080\n")


def test_a_demo_that_cannot_start(monkeypatch, capsys):
    def play(view, *, seconds, rate):
        raise RunError("the demo's shop could not be started; its error is above")

    monkeypatch.setattr(demo, "play", play)
    assert main(["demo"]) == 3
    assert capsys.readouterr().err == "shadowtap: the demo's shop could not be started; its error is above\n"
