"""The exit summary: the whole account on one screen, with the sums visible.

Only lines that say something are there. If the account does not add up, that stands first and last, since nothing
else can be trusted then.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from shadowtap import __version__
from shadowtap.ledger import Answers, Latency, Ledger, SinkAccount, TargetAccount
from shadowtap.report import words
from shadowtap.report.account import Line, changes, fates, kept, losses, outcomes, sessions, unused

_NO_PACKET = "and no packet either: is the mirror sending here?"
_NOT_ANSWERED = "and not one was answered: is it an HTTP server, and up?"
_NOTHING_KEPT = "in what was kept, or in the part of it that was asked for"
_QUANTILES = (0.5, 0.9, 0.99)


def summary(ledger: Ledger, now_ns: int, ended: str) -> str:
    """The summary as text of several lines, each ended by a line feed. `ended` says why the run ended."""
    took = words.elapsed(max(now_ns - ledger.started_ns, 0) / 1e9)
    wrong = ledger.imbalances()
    lines = [f"shadowtap ran {took}; {ended}.", *_alarm(wrong), "", *_requests(ledger)]
    for target in ledger.targets.values():
        lines += ["", *_target(target)]
    for sink in ledger.sinks.values():
        lines += ["", *_sink(sink)]
    lines += _section("Changed on the way", changes(ledger))
    lines += _latencies(ledger)
    lines += _timing(ledger)
    lines += _section("Answers that came too late or never", _early(ledger))
    lines += _section("Lost before HTTP", losses(ledger))
    lines += _section("Not for us", unused(ledger))
    lines += ["", *(_alarm(wrong) or ["Every request is accounted for."])]
    return "".join(f"{line}".rstrip() + "\n" for line in lines)


def as_json(ledger: Ledger, now_ns: int, ended: str, sources: Iterable[str]) -> bytes:
    """The summary for machines: the whole ledger, and what was run."""
    started = datetime.fromtimestamp(ledger.started_ns / 1e9, UTC)
    account: dict[str, Any] = {
        "version": __version__,
        "started": started.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "exit_reason": ended,
        "sources": list(sources),
        **ledger.as_dict(now_ns),
        "imbalances": ledger.imbalances(),
    }
    return msgspec.json.format(msgspec.json.encode(account), indent=2) + b"\n"


def _alarm(wrong: list[str]) -> list[str]:
    if not wrong:
        return []
    return ["", "THE ACCOUNT DOES NOT ADD UP. This is a bug in shadowtap; please report these lines:", *wrong]


def _requests(ledger: Ledger) -> list[str]:
    requests = ledger.requests
    if not requests.seen and not ledger.packets.frames:
        return [_row(Line("seen", 0, _NO_PACKET if ledger.capture else _NOTHING_KEPT), "Requests")]
    return [_row(Line("seen", requests.seen, ""), "Requests"), *_sum(fates(requests))]


def _target(target: TargetAccount) -> list[str]:
    state = "" if target.state == "up" else f"  ({target.state})"
    replayed = Line(
        "replayed", target.replayed, _NOT_ANSWERED if target.failed and not target.answered else ""
    )
    lines = [f"{target.name}{state}", _row(replayed), *_sum(outcomes(target))]
    if target.overflowed:
        lines.append(_row(Line("overflowed", target.overflowed, "its queue was full"), "not taken"))
    if target.refused.total():
        refused = words.reasons(target.refused)
        lines.append(_row(Line("refused", target.refused.total(), refused), "not taken"))
    return lines + [_row(line, "", " ") for line in sessions(target)]


def _sink(sink: SinkAccount) -> list[str]:
    state = "" if sink.state == "up" else f"  ({sink.state})"
    first, *rest = kept(sink)
    return [
        f"{sink.name}{state}",
        _row(Line("offered", sink.offered, "")),
        _row(first, "", "="),
        *(_row(line, "", "+" if line.name in ("lost", "waiting") else " ") for line in rest),
    ]


def _early(ledger: Ledger) -> list[Line]:
    observed = ledger.observations
    if observed is None:
        return []
    lines = [
        Line("incomplete", observed.early.total(), f"recorded without: {words.reasons(observed.early)}"),
        Line("late", observed.late, "came after their request was recorded"),
        Line("not compared", observed.not_compared, "there was no time; the others are a sample"),
    ]
    return [line for line in lines if line.number]


def _sum(lines: list[Line]) -> list[str]:
    return [_row(line, "", "+" if index else "=") for index, line in enumerate(lines)]


def _row(line: Line, title: str = "", sign: str = " ") -> str:
    return f"{title:12}{sign}{words.count(line.number):>13}  {line.name:14}{line.detail}"


def _section(title: str, lines: list[Line]) -> list[str]:
    rows = [f"  {line.name:18} {words.count(line.number):>7}  {line.detail}" for line in lines]
    return ["", title, *rows] if rows else []


def _latencies(ledger: Ledger) -> list[str]:
    answering = [("production", ledger.production)]
    answering += [(target.name, target.answers) for target in ledger.targets.values()]
    shown = [(name, answers) for name, answers in answering if answers.statuses]
    if not shown:
        return []
    head = f"{'Answers':28}{'count':>11}{'p50':>9}{'p90':>9}{'p99':>9}{'max':>9}"
    lines = ["", head]
    for name, answers in shown:
        lines += _answers(name, answers)
    return lines


def _timing(ledger: Ledger) -> list[str]:
    schedule = ledger.schedule
    if schedule is None:
        return []
    head = f"{'Sent after the intended moment':39}{'p50':>9}{'p90':>9}{'p99':>9}{'max':>9}"
    lines = ["", head, _durations("all requests", schedule.lateness)]
    if schedule.intended:
        lines += ["", "Answered after the intended moment"]
        lines += [_durations(name, latency) for name, latency in schedule.intended.items()]
    return lines


def _durations(name: str, latency: Latency) -> str:
    figures = [latency.quantile(share) for share in _QUANTILES] + [latency.max_ns if latency.count else None]
    columns = "".join(f"{words.nanoseconds(ns):>9}" for ns in figures)
    return f"  {name[:26]:26}{words.count(latency.count):>11}{columns}"


def _answers(name: str, answers: Answers) -> list[str]:
    latency = answers.latency
    figures = [latency.quantile(share) for share in _QUANTILES] + [latency.max_ns if latency.count else None]
    columns = "".join(f"{words.nanoseconds(ns):>9}" for ns in figures)
    total = words.count(sum(answers.statuses.values()))
    first = f"  {name:26}{total:>11}" if len(name) <= 26 else f"  {name}\n{total:>39}"
    return [f"{first}{columns}", f"    {words.statuses(answers.statuses, 8)}"]
