"""The page as a whole: sections one below the other, and the frame around them.

`parts` gives the sections by name, for a page that is live; `page` puts them into the frame. The policy of the page
names its style and its script by their digests, so that nothing else runs, whatever stands in the values.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files

from shadowtap import __version__
from shadowtap.report import words
from shadowtap.report.page import charts, tables
from shadowtap.report.page.account import Account, account_of, account_section
from shadowtap.report.page.differences import differences
from shadowtap.report.page.html import Html, Part, joined, tag, text
from shadowtap.report.page.overview import figures, verdict
from shadowtap.report.page.values import Findings, Latencies, Report, TrafficSeen, findings_of

LONGEST = 4_700_000
"""Octets of all sections: examples of differences get what the others leave, so that a page stays below 5 MB."""
MOST_TARGETS = 8
"""Targets that have charts of their own."""
_TITLES = {
    "traffic": "Traffic",
    "latency": "Latency",
    "differences": "Differences",
    "endpoints": "Endpoints",
    "noise": "Noise",
    "account": "Account",
}


def page(report: Report, *, sections: Mapping[str, str] | None = None) -> str:
    """The page as HTML, complete in itself; `sections` are those that `parts` made, where it was asked before. Raises
    UsageError where account or findings have another shape."""
    sections = parts(report) if sections is None else sections
    shown = [name for name in _TITLES if sections.get(name) or report.live]
    links = [tag("a", _TITLES[name], href=f"#{name}") for name in shown]
    body = [
        tag(
            "nav",
            tag("b", report.title),
            *links,
            tag("button", "Dark", type="button", class_="theme scripted"),
        ),
        tag(
            "main",
            *(tag("div", Html(html), data_part=name) for name, html in sections.items()),
        ),
        tag(
            "footer",
            tag(
                "p",
                f"Made by shadowtap {__version__}. Secrets and personal data are masked unless that was turned off.",
            ),
        ),
        tag("div", class_="tip", hidden=True, role="tooltip"),
    ]
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy(live=report.live)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", report.title),
        Html(f"<style>{_asset('page.css')}</style>"),
    ]
    script = Html(f"<script>{_asset('page.js')}</script>")
    root = tag(
        "html",
        tag("head", *head),
        tag("body", *body, script),
        lang="en",
        data_live="parts.json" if report.live else None,
    )
    return f"<!doctype html>\n{root}\n"


def parts(report: Report) -> dict[str, str]:
    """The sections by name, those that have nothing to say as empty texts."""
    findings, account, seen = findings_of(report), account_of(report.account), report.traffic
    endpoints = [tables.endpoints(seen, findings)] if seen is not None and seen.endpoints else []
    counted = [] if account is None else [account_section(account, report.account or {})]
    shown: dict[str, Html | None] = {
        "top": joined((_header(report, account, seen), verdict(findings), figures(account, findings, seen))),
        "traffic": _section("traffic", _traffic(seen, account)),
        "latency": _section("latency", _latency(seen, findings)),
        "differences": None,
        "endpoints": _section("endpoints", endpoints),
        "noise": _section("noise", [tables.noise(findings)]),
        "account": _section("account", counted),
    }
    if findings.targets:
        left = LONGEST - sum(len(html.encode()) for html in shown.values() if html)
        shown["differences"] = _section("differences", [differences(findings, max(left, 0))])
    return {name: str(html or "") for name, html in shown.items()}


@cache
def policy(*, live: bool) -> str:
    """The Content-Security-Policy of a page."""
    style, script = (_digest(_asset(name)) for name in ("page.css", "page.js"))
    asks = "'self'" if live else "'none'"
    return (
        f"default-src 'none'; style-src '{style}'; script-src '{script}'; connect-src {asks}; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


def _digest(content: str) -> str:
    return f"sha256-{b64encode(sha256(content.encode()).digest()).decode()}"


# -- sections ------------------------------------------------------------------------------------------------------


def _section(name: str, inside: Sequence[Part]) -> Html | None:
    if not any(inside):
        return None
    return tag("section", tag("h2", _TITLES[name]), *inside, id=name)


def _header(report: Report, account: Account | None, seen: TrafficSeen | None) -> Html:
    made = (
        datetime.fromtimestamp(report.made_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        if report.made_ns
        else ""
    )
    facts = [report.origin, _period(account, seen)]
    if account is not None:
        facts.append(account.exit_reason)
    facts.append(f"made {made}" if made else "")
    state = tag("span", "live", class_="live", role="status") if report.live else None
    notes = [tag("p", text(note, 500), class_="note") for note in report.notes[:20]]
    return tag(
        "header",
        tag("h1", report.title, state),
        tag("p", " · ".join(fact for fact in facts if fact), class_="facts"),
        *notes,
    )


def _period(account: Account | None, seen: TrafficSeen | None) -> str:
    if seen is not None and seen.moments:
        span = words.elapsed(seen.width_ns * len(seen.moments) / 1e9)
        return f"{charts.times(seen)[0].partition('.')[0]} UTC, {span}"
    if account is not None and account.started:
        return f"{account.started}, {words.elapsed(account.elapsed_s)}"
    return ""


def _traffic(seen: TrafficSeen | None, account: Account | None) -> list[Part]:
    inside: list[Part] = []
    if seen is not None and seen.moments:
        top = charts.highest_rate(seen)
        for target in (None, *targets_of(seen)):
            inside.append(_answers(seen, target, top))
            if target is not None and seen.whole.targets[target].compared:
                inside.append(_differing(seen, target))
    if account is not None:
        inside.append(_figure("Statuses", tables.statuses(account)))
    return inside


def targets_of(seen: TrafficSeen) -> list[str]:
    """The targets that have charts."""
    return list(seen.whole.targets)[:MOST_TARGETS]


def _answers(seen: TrafficSeen, target: str | None, top: float) -> Html | None:
    kind = "production" if target is None else "target"
    keys = (("refusing", "4xx"), ("failing", "5xx"), ("silent", "none"))
    title = f"{target or 'Production'}: answers a second, by status"
    drawn = charts.answers_over_time(seen, target, top)
    return _figure(title, drawn, _key(kind, "1xx–3xx"), *(_key(*one) for one in keys))


def _differing(seen: TrafficSeen, target: str) -> Html | None:
    told = "as judged when each answer came; what turned out to be noise later is in here"
    return _figure(f"{target}: share of answers that differ", charts.differing_over_time(seen, target), told)


def _latency(seen: TrafficSeen | None, findings: Findings) -> list[Part]:
    if seen is None or not seen.whole.production.latency.buckets:
        return []
    tested = {target.target: target.latency for target in findings.targets}
    inside: list[Part] = []
    names: list[str | None] = [*targets_of(seen)]
    for target in names or [None]:
        inside += _latencies(seen, target)
        if target is not None and target in tested and tested[target].ratio is not None:
            inside.append(_tested(target, tested[target]))
    told = "From the last octet of a request to the first of its answer. The target's contains the way to it."
    return [*inside, tag("p", told, class_="lead-in")]


def _latencies(seen: TrafficSeen, target: str | None) -> list[Part]:
    sides = [("production", "production", seen.whole.production.latency)]
    if target is not None:
        sides.append((target, "target", seen.whole.targets[target].latency))
    keys = [_key(kind, label) for label, kind, _ in sides]
    shares = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999)
    rows = [(label, kind, latency.quantiles(shares)) for label, kind, latency in sides]
    return [
        _figure("Distribution", charts.latency_distribution(sides), *keys),
        tables.quantiles(rows, ("p50", "p75", "p90", "p95", "p99", "p99.9")),
        _figure("Over time: p50, and p99 as a thin line", charts.latency_over_time(seen, target), *keys),
    ]


def _tested(name: str, found: Latencies) -> Html:
    told = {
        "slower": "is slower than production",
        "faster": "is faster than production",
        "same": "is as fast as production",
    }.get(found.verdict, "cannot be judged")
    kind = {"slower": "bad", "faster": "fine"}.get(found.verdict, "")
    pairs = f"{words.count(found.count)} pairs (signed-rank test)"
    said = f" {told}: request by request, {found.ratio or 0:.2f} times its latency in the middle of {pairs}."
    return tag("p", tag("code", text(name, 100), class_="target"), said, class_=f"tested {kind}".strip())


def _figure(title: str, inside: Html | None, *told: Html | str) -> Html | None:
    if inside is None:
        return None
    return tag("figure", tag("figcaption", tag("span", title, class_="what"), *told), inside)


def _key(kind: str, label: str) -> Html:
    return tag("span", tag("i", class_=kind), label, class_="key")
