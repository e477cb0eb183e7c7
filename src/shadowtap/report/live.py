"""The live view: the account on one screen of a terminal, redrawn in place, and taken away at the end.

Everything fits 80 columns and as many rows as there are targets and losses; notices scroll by above it. The screen
is one styled text: a tree of tables would cost the event loop 10 ms a time.
"""

from collections import deque

from rich.console import Console
from rich.live import Live
from rich.text import Text

from shadowtap.ledger import Answers, Latency, Ledger, SinkAccount, TargetAccount
from shadowtap.report import words
from shadowtap.report.account import fates, losses, pace
from shadowtap.report.recent import Recent

_BARS = "▁▂▃▄▅▆▇█"
_SPARKS = 36
"""Seconds of request rate that are drawn."""
_REDRAW_NS = 400_000_000
_HEAD = f"{'/s':>6}{'2xx':>6}{'3xx':>6}{'4xx':>6}{'5xx':>6}{'p50':>8}{'p99':>8}{'waiting':>8}{'failed':>7}"
_FOOT = " Ctrl-C ends the run ──"
_LEAST_ROOM = 14
"""Columns for "production"; longer names take what the terminal has, or a line of their own."""
_MOST_LINES = 8
"""Targets and losses drawn; a screen that is higher than the terminal cannot be redrawn in place."""


class LiveView:
    """Draws the account on a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._recent = Recent()
        self._describe: list[str] = []
        self._rates: deque[float] = deque(maxlen=_SPARKS)
        self._next_spark_ns = self._next_draw_ns = 0
        self._live = Live(console=console, auto_refresh=False, transient=True, vertical_overflow="crop")

    def start(self, ledger: Ledger, describe: list[str]) -> None:
        """Take the terminal."""
        self._describe = describe
        self._live.start()

    def tick(self, ledger: Ledger, now_ns: int) -> None:
        """Draw, if it is time."""
        self._recent.observe(ledger, now_ns)
        if now_ns >= self._next_spark_ns:
            self._next_spark_ns = now_ns + 1_000_000_000
            self._rates.append(self._recent.rate("seen"))
        if now_ns >= self._next_draw_ns:
            self._next_draw_ns = now_ns + _REDRAW_NS
            self._live.update(self.screen(ledger, now_ns), refresh=True)

    def event(self, text: str) -> None:
        """Print a notice above the view."""
        self._console.print(Text(text), highlight=False)

    def stop(self, ledger: Ledger, now_ns: int) -> None:
        """Give the terminal back."""
        self._live.stop()

    def screen(self, ledger: Ledger, now_ns: int) -> Text:
        """What is drawn."""
        width = self._console.width
        seconds = (now_ns - ledger.started_ns) // 1_000_000_000
        title = f" {words.elapsed(seconds).replace('.0 s', ' s')} "
        screen = Text(no_wrap=True, overflow="ellipsis")
        screen.append("shadowtap", "bold").append(f"{title:─<{max(width - 9, 0)}}\n", "dim")
        for text in self._describe:
            screen.append(f"{text}\n", "dim")
        if ledger.schedule is not None:
            screen.append(f"{pace(ledger)}\n", "cyan")
        self._requests(screen.append("\n"), ledger)
        self._answers(screen.append("\n"), ledger, width)
        for sink in list(ledger.sinks.values())[:_MOST_LINES]:
            self._sink(screen, sink)
        self._losses(screen, ledger)
        # The last line is left empty for the ^C that a terminal echoes; on a full line it would wrap.
        return screen.append(f"{_FOOT:─>{width}}"[-width:] + "\n ", "dim")

    def _requests(self, screen: Text, ledger: Ledger) -> None:
        seen = ledger.requests.seen
        screen.append(f"requests     {words.count(seen):>11}{self._per_s('seen'):>11}  ")
        screen.append(f"{self._sparks()}\n", "cyan")
        for name, number, detail in fates(ledger.requests):
            good = name == "replayed"
            screen.append(f"  {name:11}{words.count(number):>11}", "green" if good else "yellow")
            screen.append(f"{self._per_s('replayed') if good else '':>11}  ")
            screen.append(f"{words.share(number, seen) if good else detail}\n", "dim")

    def _answers(self, screen: Text, ledger: Ledger, width: int) -> None:
        targets = list(ledger.targets.values())[:_MOST_LINES]
        longest = max((len(_name(target)) for target in targets), default=0)
        room = max(min(width - len(_HEAD), longest + 3), _LEAST_ROOM)
        screen.append(f"{'answers':{room}}{_HEAD}\n", "dim")
        production = self._recent.latency("")
        screen.append(f"  {'production':{room - 2}}")
        self._figures(screen, ledger.production, "answers", production, None)
        screen.append("\n")
        for target in targets:
            self._target(screen, target, production, room)

    def _target(self, screen: Text, target: TargetAccount, production: Latency, room: int) -> None:
        name = _name(target)
        screen.append("● ", "green" if target.state == "up" else "red").append(name)
        screen.append("\n" + " " * room if len(name) > room - 2 else " " * (room - 2 - len(name)))
        latency = self._recent.latency(target.name)
        self._figures(screen, target.answers, f"answers {target.name}", latency, production)
        failed = target.failed.total()
        screen.append(f"{words.short(target.in_flight):>8}")
        screen.append(f"{words.short(failed):>7}\n", "red" if failed else "dim")
        if target.state != "up" or failed:
            state = "" if target.state == "up" else f"{target.state}; "
            screen.append(f"    {state}failed: {words.reasons(target.failed) or 'none'}\n", "red")

    def _sink(self, screen: Text, sink: SinkAccount) -> None:
        lost = sink.lost.total()
        screen.append("● ", "green" if sink.state == "up" and not lost else "red").append(sink.name)
        screen.append(f"  {words.count(sink.written)} written, {words.count(sink.waiting)} waiting")
        screen.append(f", {words.count(lost)} lost: {words.reasons(sink.lost)}\n" if lost else "\n", "red")

    def _figures(
        self, screen: Text, answers: Answers, figure: str, latency: Latency, other: Latency | None
    ) -> None:
        screen.append(f"{words.short(self._recent.rate(figure)):>6}")
        classes = [0] * 6
        for status, n in answers.statuses.items():
            classes[min(status // 100, 5)] += n
        for first in (2, 3, 4, 5):
            n = classes[first]
            screen.append(f"{words.short(n):>6}", "" if n and first < 5 else "red" if n else "dim")
        for share in (0.5, 0.99):
            mine, theirs = latency.quantile(share), other.quantile(share) if other else None
            slow = mine is not None and theirs is not None and mine > 2 * theirs
            screen.append(f"{words.nanoseconds(mine):>8}", "yellow" if slow else "")

    def _losses(self, screen: Text, ledger: Ledger) -> None:
        lost = losses(ledger)
        if lost:
            screen.append("\nlost before HTTP\n", "dim")
        for name, number, detail in lost[:_MOST_LINES]:
            screen.append(f"  {name} {words.count(number)}", "yellow").append(f"  {detail}\n", "dim")
        for law in ledger.imbalances()[:1]:
            screen.append(f"the account does not add up: {law}\n", "bold red")

    def _per_s(self, figure: str) -> str:
        return f"{words.rate(self._recent.rate(figure))}/s"

    def _sparks(self) -> str:
        top = max(self._rates, default=0.0)
        return "".join(_BARS[min(int(8 * rate / top), 7)] if top else _BARS[0] for rate in self._rates)


def _name(target: TargetAccount) -> str:
    return target.name.removeprefix("http://")
