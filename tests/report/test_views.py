"""The live view and the plain lines, as they look."""

import io

import pytest
from rich.console import Console, Group

from report.ledgers import SECOND_NS, STAGING, START_NS, count, lossy_run, quiet_run
from shadowtap.ledger import Ledger
from shadowtap.report import View
from shadowtap.report.live import LiveView
from shadowtap.report.plain import PlainView, QuietView
from shadowtap.report.recent import Recent


def screen(ledger, width, view=None):
    console = Console(width=width, file=io.StringIO(), force_terminal=True, color_system=None)
    live = view or LiveView(console)
    live._describe = ["from vxlan://0.0.0.0:4789", f"to {STAGING}"]
    live._recent.observe(ledger, START_NS)
    count(ledger, 500, latency_ns=5_000_000)
    live._recent.observe(ledger, START_NS + 5 * SECOND_NS)
    live._rates.extend([0, 50, 100])
    console.print(Group(live.screen(ledger, START_NS + 83 * SECOND_NS)))
    return console.file.getvalue()


def test_eighty_columns():
    assert (
        screen(lossy_run(), 80)
        == """\
shadowtap 1 min 23 s ───────────────────────────────────────────────────────────
from vxlan://0.0.0.0:4789
to http://staging:8080

requests           1,512      100/s  ▁▅█
  replayed         1,502      100/s  99.3 %
  refused              2             ambiguous_framing 2
  incomplete           3             lost_packets 3
  overflowed           5             the queue of every target was full

answers            /s   2xx   3xx   4xx   5xx     p50     p99 waiting failed
  production      100 1,500     0     0     0  967 µs  967 µs
● staging:8080    100 1,493     0     0     0 5.11 ms 5.11 ms       2      7
    down; failed: timeout 7

lost before HTTP
  kernel drops 17  packets, 0.28 %: they came too fast
  cut segments 2  the mirror shortened the packets
  gaps 4  5.7 KiB, 0.19 % of the payload never came
  answers incomplete 3  lost_packets 3
───────────────────────────────────────────────────────── Ctrl-C ends the run ──
 \n"""
    )


@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_nothing_is_wider_than_the_terminal(width):
    ledger = count(Ledger(START_NS), 3)
    ledger.targets[
        STAGING
    ].name = "https://a-very-long-name-of-a-target.internal.eu-central-1.example.org:8443"
    ledger.targets = {ledger.targets[STAGING].name: ledger.targets[STAGING]}
    console = Console(width=width, file=io.StringIO(), force_terminal=True, color_system=None)
    live = LiveView(console)
    live.tick(ledger, START_NS)
    console.print(Group(live.screen(ledger, START_NS + SECOND_NS)))
    assert max(map(len, console.file.getvalue().replace("\x1b[?25h", "").splitlines())) <= width


def test_a_live_view_cleans_up_behind_itself():
    console = Console(width=80, file=io.StringIO(), force_terminal=True)
    view = LiveView(console)
    ledger = quiet_run()
    view.start(ledger, ["from here"])
    view.tick(ledger, START_NS)
    view.event("target http://staging:8080 is down: connection refused")
    view.stop(ledger, START_NS)
    told = console.file.getvalue()
    assert "is down: connection refused" in told
    assert told.count("\x1b[?25l") == told.count("\x1b[?25h") == 1


def test_plain_lines():
    stream = io.StringIO()
    view = PlainView(stream, every_s=5)
    ledger = quiet_run()
    view.start(ledger, ["from vxlan://0.0.0.0:4789", f"to {STAGING}"])
    for second in range(12):
        view.tick(ledger, START_NS + second * SECOND_NS)
        count(ledger, 10)
    view.event("target is down: connection refused; trying again every 5 s")
    view.stop(ledger, START_NS)
    assert stream.getvalue().splitlines() == [
        "from vxlan://0.0.0.0:4789",
        "to http://staging:8080",
        "5.0 s: 10/s, 1,050 seen; 1,050 replayed; production p50 967 µs; "
        "http://staging:8080 1,050 answered, 0 in flight, p50 2 ms",
        "10.0 s: 10/s, 1,100 seen; 1,100 replayed; production p50 967 µs; "
        "http://staging:8080 1,100 answered, 0 in flight, p50 2 ms",
        "target is down: connection refused; trying again every 5 s",
    ]


def test_a_plain_line_names_what_is_lost():
    stream = io.StringIO()
    view = PlainView(stream, every_s=1)
    ledger = lossy_run()
    view.tick(ledger, START_NS)
    view.tick(ledger, START_NS + SECOND_NS)
    line = stream.getvalue()
    assert "3 incomplete (lost_packets 3)" in line
    assert "http://staging:8080 is down, 993 answered, 7 failed (timeout 7), 2 in flight, p50 –" in line
    assert line.endswith("; lost: kernel drops 17, cut segments 2, gaps 4, answers incomplete 3\n")


def test_every_view_is_a_view(capsys):
    views: list[View] = [QuietView(), PlainView(io.StringIO()), LiveView(Console(file=io.StringIO()))]
    for view in views:
        view.start(quiet_run(), [])
        view.tick(quiet_run(), START_NS)
        view.event("x")
        view.stop(quiet_run(), START_NS)
    assert capsys.readouterr() == ("", "")


def test_recent_forgets():
    recent, ledger = Recent(span_s=5, step_s=1), Ledger(START_NS)
    assert recent.rate("seen") == 0
    for second in range(20):
        recent.observe(ledger, START_NS + second * SECOND_NS)
        if second < 10:
            count(ledger, 100)
    assert recent.rate("seen") == 0
    assert recent.latency("").quantile(0.5) is None
    count(ledger, 60, latency_ns=70_000_000)
    recent.observe(ledger, START_NS + 20 * SECOND_NS)
    assert recent.rate("seen") == pytest.approx(12)
    assert recent.latency(STAGING).quantile(0.5) == pytest.approx(70_000_000, rel=0.04)
