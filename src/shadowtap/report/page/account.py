"""The account on a page: the law with its parts, losses by reason, and every counter there is."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from shadowtap.errors import UsageError
from shadowtap.report import words
from shadowtap.report.page.html import Html, joined, tag, visible
from shadowtap.report.page.values import TrafficSeen

MOST_COUNTERS = 1000
"""Counters that are listed."""
_DEEP = 6

Reasons = dict[str, int]


class Requests(msgspec.Struct):
    """The one fate of every request, as in the ledger."""

    seen: int = 0
    added: int = 0
    replayed: int = 0
    recorded: int = 0
    filtered: Reasons = {}
    sampled_out: int = 0
    refused: Reasons = {}
    incomplete: Reasons = {}
    overflowed: int = 0
    waiting: int = 0


class Quantiles(msgspec.Struct):
    """Latencies as the ledger tells them."""

    count: int = 0
    p50_ns: int | None = None
    p90_ns: int | None = None
    p99_ns: int | None = None
    max_ns: int | None = None


class Answering(msgspec.Struct):
    """Production, or a target."""

    name: str = ""
    state: str = ""
    offered: int = 0
    replayed: int = 0
    overflowed: int = 0
    refused: Reasons = {}
    answered: int = 0
    failed: Reasons = {}
    in_flight: int = 0
    statuses: dict[str, int] = {}
    latency: Quantiles = msgspec.field(default_factory=Quantiles)


class SinkAccount(msgspec.Struct):
    """What a sink was offered."""

    name: str = ""
    offered: int = 0
    written: int = 0
    lost: Reasons = {}
    left_out: int = 0
    waiting: int = 0


class Source(msgspec.Struct):
    """What a source received."""

    frames: int = 0
    kernel_drops: int = 0
    cut: int = 0
    refused: Reasons = {}


class Flows(msgspec.Struct):
    """Holes in streams."""

    gaps: int = 0
    gap_bytes: int = 0
    payload_bytes: int = 0


class Packets(msgspec.Struct):
    """Packets that were cut."""

    cut_segments: int = 0
    dropped: Reasons = {}


class Messages(msgspec.Struct):
    """Answers that are not whole."""

    responses_incomplete: Reasons = {}
    not_http: Reasons = {}


class Account(msgspec.Struct):
    """What `--summary` writes, as far as a page shows it."""

    started: str = ""
    elapsed_s: float = 0.0
    exit_reason: str = ""
    sources: list[str] = []
    requests: Requests = msgspec.field(default_factory=Requests)
    targets: list[Answering] = []
    sinks: list[SinkAccount] = []
    production: Answering = msgspec.field(default_factory=Answering)
    capture: dict[str, Source] = {}
    flows: Flows = msgspec.field(default_factory=Flows)
    packets: Packets = msgspec.field(default_factory=Packets)
    messages: Messages = msgspec.field(default_factory=Messages)
    imbalances: list[str] = []
    balanced: bool = True


def account_of(account: Mapping[str, Any] | None) -> Account | None:
    """The account, typed. Raises UsageError where it is something else."""
    if account is None:
        return None
    try:
        return msgspec.convert(account, Account, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(f"this is no account as --summary writes it: {error}") from None


def account_from(seen: TrafficSeen) -> dict[str, Any]:
    """What a recording knows of the account: fates, outcomes and statuses, in the form of `--summary`."""
    requests: dict[str, Any] = {"seen": sum(seen.fates.values())}
    for fate, n in seen.fates.items():
        bucket, colon, reason = fate.partition(": ")
        if colon or bucket in ("filtered", "refused", "incomplete"):
            named = requests.setdefault(bucket, {})
            if isinstance(named, dict):
                named[reason or "not said"] = named.get(reason or "not said", 0) + n
        else:
            requests[bucket or "waiting"] = requests.get(bucket or "waiting", 0) + n
    targets = []
    for name, statuses in seen.statuses.items():
        if name == "production":
            continue
        failed = seen.failures.get(name, {})
        answered = sum(statuses.values())
        replayed = answered + sum(failed.values())
        targets.append(
            {
                "name": name, "state": "", "offered": replayed, "replayed": replayed, "answered": answered,
                "failed": failed, "statuses": {str(s): n for s, n in statuses.items()},
            }
        )  # fmt: skip
    return {
        "requests": requests,
        "targets": targets,
        "production": {"statuses": {str(s): n for s, n in seen.statuses.get("production", {}).items()}},
    }


def account_section(account: Account, raw: Mapping[str, Any]) -> Html:
    """The section."""
    requests = account.requests
    laws = [
        law(
            "Requests seen" if not requests.added else "Requests seen and added",
            requests.seen + requests.added,
            _fates(requests),
        ),
    ]
    laws += [law(f"Replayed to {t.name}", t.replayed, _outcomes(t)) for t in account.targets]
    for sink in account.sinks:
        parts = [
            ("written", sink.written, ""),
            ("lost", sum(sink.lost.values()), words.reasons(sink.lost)),
            ("waiting", sink.waiting, ""),
        ]
        laws.append(law(f"Offered to {sink.name}", sink.offered, parts))
    return joined(
        (
            _balance(account),
            tag("div", *laws, class_="laws"),
            _losses(account),
            tag(
                "details",
                tag("summary", "All counters"),
                _counters(raw),
                class_="counters",
            ),
        )
    )


def law(title: str, whole: int, parts: Iterable[tuple[str, int, str]]) -> Html:
    """A sum with its parts, each with a bar for its share."""
    shown = [part for n, part in enumerate(parts) if part[1] or not n]
    wrong = sum(n for _, n, _ in shown) != whole
    rows = [
        tag(
            "tr",
            tag("td", "=" if not n else "+", class_="sign"),
            tag("td", words.count(count), class_="n"),
            tag("th", name, scope="row"),
            tag("td", bar(count, whole, "good" if not n else "rest"), class_="barcell"),
            tag("td", words.share(count, whole), class_="n"),
            tag("td", detail, class_="why"),
        )
        for n, (name, count, detail) in enumerate(shown)
    ]
    head = tag("caption", tag("span", title, class_="what"), tag("b", words.count(whole)))
    broken = tag("p", "These do not add up.", class_="alarm") if wrong else None
    return tag("div", tag("table", head, tag("tbody", *rows)), broken, class_="law")


def bar(part: float, whole: float, kind: str) -> Html:
    """A share as a bar."""
    share = min(max(part / whole, 0.0), 1.0) if whole else 0.0
    width = f"{100 * share:.2f}%" if share > 0.005 or not part else "1.5"
    track = tag("rect", class_="track", width="100%", height="100%", rx=2)
    filled = tag("rect", class_=kind, width=width, height="100%", rx=2)
    return tag("svg", track, filled, class_="bar", aria_hidden="true")


def _fates(requests: Requests) -> list[tuple[str, int, str]]:
    return [
        ("replayed", requests.replayed, ""),
        ("recorded", requests.recorded, "there was no target"),
        ("filtered", sum(requests.filtered.values()), words.reasons(requests.filtered)),
        ("sampled out", requests.sampled_out, "not in the sample"),
        ("refused", sum(requests.refused.values()), words.reasons(requests.refused)),
        ("incomplete", sum(requests.incomplete.values()), words.reasons(requests.incomplete)),
        ("overflowed", requests.overflowed, "the queue of every target was full"),
        ("waiting", requests.waiting, "for production's answer, or a program"),
    ]


def _outcomes(target: Answering) -> list[tuple[str, int, str]]:
    return [
        ("answered", target.answered, ""),
        ("failed", sum(target.failed.values()), words.reasons(target.failed)),
        ("in flight", target.in_flight, "not answered yet"),
    ]


def _balance(account: Account) -> Html:
    if account.imbalances or not account.balanced:
        lines = [tag("li", line) for line in account.imbalances[:50]]
        return tag(
            "div",
            tag("p", "The account does not add up. This is a bug in shadowtap; please report these lines."),
            tag("ul", *lines),
            class_="alarm",
        )
    return tag("p", "Every request is accounted for.", class_="balanced")


def losses(account: Account) -> list[tuple[str, int, str]]:
    """What was lost before it was a request or an answer."""
    drops = sum(source.kernel_drops for source in account.capture.values())
    frames = drops + sum(source.frames for source in account.capture.values())
    flows, incomplete = account.flows, account.messages.responses_incomplete
    sent = flows.gap_bytes + flows.payload_bytes
    found = [
        ("kernel drops", drops, f"packets, {words.share(drops, frames)}: they came too fast"),
        ("cut frames", sum(s.cut for s in account.capture.values()), "longer than the receiver takes"),
        ("cut segments", account.packets.cut_segments, "the mirror shortened the packets"),
        ("gaps", flows.gaps, f"{words.size(flows.gap_bytes)}, {words.share(flows.gap_bytes, sent)} of the payload"),
        ("answers incomplete", sum(incomplete.values()), words.reasons(incomplete)),
    ]  # fmt: skip
    found += [(f"not taken by {t.name}: queue full", t.overflowed, "") for t in account.targets]
    found += [
        (f"refused for {t.name}", sum(t.refused.values()), words.reasons(t.refused)) for t in account.targets
    ]
    return [one for one in found if one[1]]


def _losses(account: Account) -> Html | None:
    rows = [
        tag(
            "tr",
            tag("td", words.count(n), class_="n"),
            tag("th", name, scope="row"),
            tag("td", why, class_="why"),
        )
        for name, n, why in losses(account)
    ]
    if not rows:
        return None
    return tag(
        "div", tag("table", tag("caption", "Lost on the way"), tag("tbody", *rows)), class_="law losses"
    )


def _counters(raw: Mapping[str, Any]) -> Html:
    rows = [
        tag("tr", tag("th", name, scope="row"), tag("td", value, class_="n"))
        for name, value in _flat(raw, "", 0)
    ]
    more = (
        tag("p", f"{len(rows) - MOST_COUNTERS:,} more are left out here.")
        if len(rows) > MOST_COUNTERS
        else None
    )
    return tag("div", tag("table", tag("tbody", *rows[:MOST_COUNTERS])), more, class_="scroll")


def _flat(value: object, name: str, depth: int) -> Iterable[tuple[str, str]]:
    """Every number and text of nested dicts, with the way to it."""
    if isinstance(value, Mapping) and depth < _DEEP:
        for key, inner in value.items():
            yield from _flat(inner, f"{name} › {key}" if name else str(key), depth + 1)
    elif isinstance(value, list) and depth < _DEEP:
        for n, inner in enumerate(value):
            named = inner.get("name", n + 1) if isinstance(inner, Mapping) else n + 1
            yield from _flat(inner, f"{name} › {named}", depth + 1)
    elif value is not None:
        yield (
            visible(name, 150),
            f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else visible(value, 150),
        )
