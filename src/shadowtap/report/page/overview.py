"""What stands first: the verdict with its reasons, and the few figures that say most."""

from shadowtap.report import words
from shadowtap.report.page.account import Account, losses
from shadowtap.report.page.html import Html, tag
from shadowtap.report.page.values import Findings, TargetFindings, TrafficSeen

_STATES = {
    "failed": ("bad", "Failed", "✕"),
    "passed": ("good", "Passed", "✓"),
    "too few": ("unsure", "Too few answers to tell", "?"),
}
SHOWN = 20
"""Judgements that are listed, and sentences about targets."""


def verdict(findings: Findings) -> Html | None:
    """The verdict: whether conditions hold, and what was found of each target."""
    if not findings.targets and not findings.judgements:
        return None
    kind, title, sign = _STATES.get(findings.verdict, _without_condition(findings))
    return tag(
        "section",
        tag("span", sign, class_="sign", aria_hidden="true"),
        tag(
            "div",
            tag("h2", title),
            *[_sentence(target) for target in findings.targets[:SHOWN]],
            _reasons(findings),
        ),
        class_=f"verdict {kind}",
        id="verdict",
    )


def _without_condition(findings: Findings) -> tuple[str, str, str]:
    differ = any(target.mismatched for target in findings.targets)
    compared = any(target.compared for target in findings.targets)
    if not compared:
        return "unsure", "No answers were compared", "?"
    if differ:
        return "unsure", "Answers differ", "≠"
    return "good", "No difference was found", "="


def _sentence(target: TargetFindings) -> Html:
    compared, differ = words.count(target.compared), words.count(target.mismatched)
    share = words.share(target.mismatched, target.compared)
    said = [f"{differ} of {compared} answers compared differ from production's ({share})"]
    where = [f"{name} {words.count(n)}" for name, n in target.mismatched_by_category.items() if n]
    said[0] += f": in {', '.join(where)}" if where else ""
    if target.left_out:
        sample = words.share(target.replayed - target.left_out, target.replayed)
        said.append(f"a sample of {sample}: {words.count(target.left_out)} there was no time for")
    if target.latency.ratio is not None:
        told = {"slower": "slower", "faster": "faster"}.get(target.latency.verdict, "about as fast")
        said.append(f"it is {told}: {target.latency.ratio:.2f} times production's latency in the middle")
    if target.slower:
        listed = ", ".join(target.slower[:4])
        said.append(f"slower endpoints: {listed}{' and others' if len(target.slower) > 4 else ''}")
    if target.skipped:
        said.append(f"not compared: {words.reasons(target.skipped)}")
    return tag("p", tag("code", target.target, class_="target"), " ", "; ".join(said) + ".")


def _reasons(findings: Findings) -> Html | None:
    rows = [
        tag(
            "li",
            tag("span", judged.state.upper(), class_=f"state {_STATES.get(judged.state, ('unsure',))[0]}"),
            " ",
            tag("code", judged.condition),
            f" {'; '.join(judged.reasons)}" + (f" ({judged.target})" if len(findings.targets) > 1 else ""),
        )
        for judged in findings.judgements[:SHOWN]
    ]
    return tag("ul", *rows, class_="reasons") if rows else None


def figures(account: Account | None, findings: Findings, seen: TrafficSeen | None) -> Html | None:
    """The tiles."""
    tiles: list[Html] = []
    if account is not None:
        requests = account.requests
        whole = requests.seen + requests.added
        handled = requests.replayed + requests.recorded
        name = "replayed" if requests.replayed or not requests.recorded else "recorded"
        tiles.append(_tile("Requests", words.count(whole), f"{words.share(handled, whole)} {name}"))
    several = len(findings.targets) > 1
    tiles += [_compared(target, several=several) for target in findings.targets[:2]]
    if seen is not None or account is not None:
        tiles += _latencies(account, findings, seen)
        tiles += _errors(account)
    if account is not None:
        lost = sum(account.requests.incomplete.values()) + account.requests.overflowed
        told = "; ".join(f"{name} {words.count(n)}" for name, n, _ in losses(account)[:2])
        tiles.append(
            _tile(
                "Requests lost",
                words.count(lost),
                told or "nothing was lost on the way",
                "bad" if lost else "",
            )
        )
    return tag("div", *tiles, class_="tiles") if tiles else None


def _tile(name: str, figure: str | Html, told: str | Html, kind: str = "") -> Html:
    return tag(
        "div",
        tag("div", name, class_="name"),
        tag("div", figure, class_="figure"),
        tag("div", told, class_="told"),
        class_=f"tile {kind}".strip(),
    )


def _compared(target: TargetFindings, *, several: bool) -> Html:
    told = f"{words.count(target.mismatched)} of {words.count(target.compared)} answers"
    share = words.share(target.mismatched, target.compared)
    name = f"Differ, {_short(target.target)}" if several else "Differ"
    return _tile(name, share, told, "bad" if target.mismatched else "")


def _short(target: str) -> str:
    return target.rpartition("://")[2]


def _pair(before: str, after: str) -> Html:
    return tag(
        "span", tag("span", before, class_="production"), tag("span", " → ", class_="to"),
        tag("span", after, class_="target"), class_="pair",
    )  # fmt: skip


def _latencies(account: Account | None, findings: Findings, seen: TrafficSeen | None) -> list[Html]:
    """p99 of production and of the first target."""
    before: int | None = None
    after: int | None = None
    more = ""
    first = findings.targets[0] if findings.targets else None
    if first is not None and first.latency.production.get("p99"):
        before, after = first.latency.production.get("p99"), first.latency.target.get("p99")
        p50 = [
            words.nanoseconds(side.get("p50")) for side in (first.latency.production, first.latency.target)
        ]
        more = f"p50 {p50[0]} → {p50[1]}"
    elif seen is not None and seen.whole.production.latency.buckets:
        sides = [seen.whole.production, *seen.whole.targets.values()][:2]
        found = [side.latency.quantiles((0.5, 0.99)) for side in sides]
        before, after = found[0][1], found[1][1] if len(found) > 1 else None
        more = "p50 " + " → ".join(words.nanoseconds(q[0]) for q in found)
    elif account is not None and account.production.latency.count:
        before = account.production.latency.p99_ns
        after = account.targets[0].latency.p99_ns if account.targets else None
        more = f"p50 {words.nanoseconds(account.production.latency.p50_ns)}"
    if before is None:
        return []
    figure = (
        words.nanoseconds(before)
        if after is None
        else _pair(words.nanoseconds(before), words.nanoseconds(after))
    )
    name = "Latency, p99"
    if first is not None and len(findings.targets) > 1:
        name += f", {_short(first.target)}"
    return [_tile(name, figure, more)]


def _errors(account: Account | None) -> list[Html]:
    if account is None or not account.production.statuses:
        return []
    before = _server_errors(account.production.statuses)
    of = sum(account.production.statuses.values())
    if not account.targets:
        return [
            _tile(
                "Server errors (5xx)",
                words.share(before, of),
                f"{words.count(before)} of production's answers",
            )
        ]
    target = account.targets[0]
    after, answered = _server_errors(target.statuses), sum(target.statuses.values())
    figure = _pair(words.share(before, of), words.share(after, answered))
    worse = answered and of and after / answered > 1.2 * before / of and after - before > 1
    told = f"{words.count(before)} → {words.count(after)} answers"
    name = "Server errors (5xx)" if len(account.targets) < 2 else f"Server errors, {_short(target.name)}"
    return [_tile(name, figure, told, "bad" if worse else "")]


def _server_errors(statuses: dict[str, int]) -> int:
    return sum(n for status, n in statuses.items() if len(status) == 3 and status >= "500")
