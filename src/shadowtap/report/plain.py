"""Plain lines, for logs and pipes: one readable line every few seconds."""

from typing import TextIO

from shadowtap.ledger import Ledger, SinkAccount
from shadowtap.report import words
from shadowtap.report.account import fates, losses, pace
from shadowtap.report.recent import Recent


class PlainView:
    """Writes what is going on to a text stream, a line every `every_s`."""

    def __init__(self, stream: TextIO, every_s: float = 5.0) -> None:
        self._stream = stream
        self._every_ns = int(every_s * 1e9)
        self._recent = Recent(span_s=every_s, step_s=every_s / 5)
        self._due_ns: int | None = None

    def start(self, ledger: Ledger, describe: list[str]) -> None:
        """Say what is run."""
        for text in describe:
            self.event(text)

    def tick(self, ledger: Ledger, now_ns: int) -> None:
        """Write a line if it is time for one."""
        self._recent.observe(ledger, now_ns)
        if self._due_ns is None:
            self._due_ns = now_ns + self._every_ns
        elif now_ns >= self._due_ns:
            self._due_ns = max(self._due_ns + self._every_ns, now_ns)
            self.event(line(ledger, self._recent, now_ns))

    def event(self, text: str) -> None:
        """Write a notice."""
        print(text, file=self._stream, flush=True)

    def stop(self, ledger: Ledger, now_ns: int) -> None:
        """Nothing: the summary follows."""


class QuietView:
    """Shows nothing."""

    def start(self, ledger: Ledger, describe: list[str]) -> None:
        """Nothing."""

    def tick(self, ledger: Ledger, now_ns: int) -> None:
        """Nothing."""

    def event(self, text: str) -> None:
        """Nothing."""

    def stop(self, ledger: Ledger, now_ns: int) -> None:
        """Nothing."""


def line(ledger: Ledger, recent: Recent, now_ns: int) -> str:
    """The account in one line: requests, each target, losses."""
    passed = words.elapsed((now_ns - ledger.started_ns) / 1e9)
    parts = [f"{passed}: {words.rate(recent.rate('seen'))}/s, {words.count(ledger.requests.seen)} seen"]
    parts += [text for text in [pace(ledger)] if text]
    parts += [_said(fate.name, fate.number, fate.detail) for fate in fates(ledger.requests)]
    median = words.nanoseconds(recent.latency("").quantile(0.5))
    parts.append(f"production p50 {median}")
    parts += [_target(ledger, name, recent) for name in ledger.targets]
    parts += [_sink(sink) for sink in ledger.sinks.values()]
    lost = ", ".join(f"{loss.name} {words.count(loss.number)}" for loss in losses(ledger))
    return "; ".join([*parts, f"lost: {lost}"] if lost else parts)


def _said(name: str, number: int, detail: str) -> str:
    return f"{words.count(number)} {name}" + (f" ({detail})" if detail else "")


def _sink(sink: SinkAccount) -> str:
    state = "" if sink.state == "up" else f" ({sink.state})"
    lost = (
        f", {words.count(sink.lost.total())} lost ({words.reasons(sink.lost)})" if sink.lost.total() else ""
    )
    return (
        f"{sink.name}{state} {words.count(sink.written)} written{lost}, {words.count(sink.waiting)} waiting"
    )


def _target(ledger: Ledger, name: str, recent: Recent) -> str:
    target = ledger.targets[name]
    state = "" if target.state == "up" else f" is {target.state},"
    median = words.nanoseconds(recent.latency(name).quantile(0.5))
    failed = f", {words.count(target.failed.total())} failed ({words.reasons(target.failed)})"
    said = f"{name}{state} {words.count(target.answered)} answered{failed if target.failed else ''}"
    return f"{said}, {words.count(target.in_flight)} in flight, p50 {median}"
