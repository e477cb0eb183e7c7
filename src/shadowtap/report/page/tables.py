"""Tables: endpoints with both sides' figures, quantiles of latencies, statuses, and what was learned of noise."""

from collections.abc import Mapping, Sequence

from shadowtap.report import words
from shadowtap.report.page.account import Account, bar
from shadowtap.report.page.html import Html, tag, text, visible
from shadowtap.report.page.values import Findings, Latencies, Moment, Noise, Side, TargetFindings, TrafficSeen

MOST_ENDPOINTS = 500
"""Rows of endpoints on a page; those with the most requests come first."""
MOST_RULES = 200
MOST_STATUSES = 40


def _sorting(name: str, *, kind: str = "number", wide: bool = False) -> Html:
    """The head of a column by which a script sorts."""
    return tag("th", name, scope="col", data_sort=kind, class_="wide" if wide else None)


def _cell(value: float | None, shown: str, *, wide: bool = False, kind: str = "") -> Html:
    classes = f"n {kind}{' wide' if wide else ''}".replace("  ", " ").strip()
    return tag("td", shown, class_=classes, data_value=-1 if value is None else value)


# -- endpoints -----------------------------------------------------------------------------------------------------


def endpoints(seen: TrafficSeen, findings: Findings) -> Html:
    """One line for each endpoint and target."""
    targets = list(seen.whole.targets)
    by_target = {target.target: target for target in findings.targets}
    ranked = sorted(seen.endpoints.items(), key=lambda item: -item[1].requests)
    rows = [
        _endpoint(name, moment, target, by_target.get(target), seen.whole.requests, len(targets) > 1)
        for name, moment in ranked
        for target in targets or [""]
    ]
    head = [
        tag("th", "Endpoint", scope="col", data_sort="text"),
        tag("th", "Target", scope="col", data_sort="text") if len(targets) > 1 else None,
        _sorting("Requests"),
        tag("th", "Share", scope="col", class_="wide"),
        _sorting("Production 5xx" if targets else "5xx", wide=True),
    ]
    if targets:
        head += [_sorting("Target 5xx", wide=True), _sorting("Differ")]
    head += [_sorting("p50", wide=True), _sorting("p99")]
    if targets:
        head += [_sorting("Target p50", wide=True), _sorting("Target p99"), _sorting("Ratio")]
    left = len(rows) - MOST_ENDPOINTS
    return tag(
        "div",
        tag(
            "div",
            tag(
                "input",
                type="search",
                placeholder="Filter endpoints",
                aria_label="Filter endpoints",
                data_filter="text",
            ),
            tag("span", f"{len(rows[:MOST_ENDPOINTS])} rows", class_="shown", role="status"),
            class_="filters scripted",
        ),
        tag(
            "div",
            tag(
                "table",
                tag("thead", tag("tr", *head)),
                tag("tbody", *rows[:MOST_ENDPOINTS]),
                class_="sortable",
            ),
            class_="scroll",
        ),
        tag("p", "No endpoint is like that.", class_="nothing", hidden=True),
        tag("p", f"{words.count(left)} rows with fewer requests are left out.", class_="none")
        if left > 0
        else None,
        class_="filtered",
    )


def _endpoint(
    name: str, moment: Moment, target: str, found: TargetFindings | None, whole: int, several: bool
) -> Html:
    production, side = moment.production, moment.targets.get(target) or Side()
    cells = [
        tag("th", tag("code", text(name, 200)), scope="row"),
        tag("td", tag("code", text(target, 100))) if several else None,
        _cell(moment.requests, words.count(moment.requests)),
        tag("td", bar(moment.requests, whole, "good"), class_="barcell wide"),
        _errors(production),
    ]
    compared = None if found is None else found.latency_by_endpoint.get(name)
    before = production.latency.quantiles((0.5, 0.99))
    if target:
        cells += [_errors(side), _differ(name, side, found)]
    cells += [_latency(before[0], wide=True), _latency(before[1])]
    if target:
        after = side.latency.quantiles((0.5, 0.99))
        cells += [_latency(after[0], wide=True), _latency(after[1]), _ratio(compared)]
    return tag(
        "tr",
        *cells,
        data_text=visible(f"{name} {target}".lower(), 200),
    )


def _errors(side: Side) -> Html:
    n = side.classes[5]
    return _cell(n, words.count(n) if n else "–", wide=True, kind="bad" if n else "")


def _differ(name: str, side: Side, found: TargetFindings | None) -> Html:
    """Answers with differences that are no noise, as far as groups tell: one answer may be in several of them."""
    if found is None:
        return _cell(None, "–")
    most = max((g.answers for g in found.differences if g.endpoint == name and not g.noise), default=0)
    of = max(side.count - side.classes[0], most)
    return _cell(most / of if of else 0, words.share(most, of) if most else "–", kind="bad" if most else "")


def _latency(ns: int | None, *, wide: bool = False) -> Html:
    return _cell(ns, words.nanoseconds(ns), wide=wide)


def _ratio(compared: Latencies | None) -> Html:
    if compared is None or compared.ratio is None:
        return _cell(None, "–")
    kind = {"slower": "bad", "faster": "fine"}.get(compared.verdict, "")
    sign = {"slower": " ▲", "faster": " ▼"}.get(compared.verdict, "")
    return _cell(compared.ratio, f"{compared.ratio:.2f}×{sign}", kind=kind)


# -- both sides ----------------------------------------------------------------------------------------------------


def quantiles(rows: Sequence[tuple[str, str, Sequence[int | None]]], names: Sequence[str]) -> Html:
    """Latencies side by side: a line a side, a column a quantile."""
    head = tag("tr", tag("td", ""), *(tag("th", name, scope="col") for name in names))
    lines = [
        tag(
            "tr",
            tag("th", name, scope="row", class_=kind),
            *(tag("td", words.nanoseconds(ns), class_="n") for ns in values),
        )
        for name, kind, values in rows
    ]
    return tag(
        "div", tag("table", tag("thead", head), tag("tbody", *lines), class_="quantiles"), class_="scroll"
    )


def statuses(account: Account) -> Html | None:
    """How often each status was answered, by whom."""
    sides = [("production", "production", account.production.statuses)]
    sides += [(target.name, "target", target.statuses) for target in account.targets]
    sides = [side for side in sides if side[2]]
    if not sides:
        return None
    known = sorted({status for _, _, counts in sides for status in counts})[:MOST_STATUSES]
    head = tag("tr", tag("th", "Status", scope="col"), *(_side_head(name, kind) for name, kind, _ in sides))
    rows = [_status(status, [counts for _, _, counts in sides]) for status in known]
    return tag(
        "div", tag("table", tag("thead", head), tag("tbody", *rows), class_="statuses"), class_="scroll"
    )


def _side_head(name: str, kind: str) -> Html:
    return tag("th", text(name, 80), scope="col", class_=kind, colspan="2")


def _status(status: str, sides: Sequence[Mapping[str, int]]) -> Html:
    bad = "failing" if status >= "500" else "refusing" if status >= "400" else ""
    cells = []
    for place, counts in enumerate(sides):
        kind = bad or ("target" if place else "good")
        n, whole = counts.get(status, 0), sum(counts.values())
        cells += [
            tag("td", bar(n, whole, kind), class_="barcell"),
            tag("td", words.count(n) if n else "–", class_="n"),
        ]
    return tag("tr", tag("th", status, scope="row"), *cells)


# -- noise ---------------------------------------------------------------------------------------------------------


def noise(findings: Findings) -> Html | None:
    """What was taken out, by which rule, and what was learned."""
    rules: dict[str, int] = {}
    for target in findings.targets:
        for rule, n in target.noise_by_rule.items():
            rules[rule] = rules.get(rule, 0) + n
    if not rules and not findings.noise:
        return None
    ranked = sorted(rules.items(), key=lambda item: (-item[1], item[0]))
    most = ranked[0][1] if ranked else 1
    taken = [
        tag(
            "tr",
            tag("td", words.count(n), class_="n"),
            tag("td", bar(n, most, "rest"), class_="barcell"),
            tag("th", tag("code", text(rule, 300)), scope="row"),
        )
        for rule, n in ranked[:MOST_RULES]
    ]
    learned = [_learned(rule) for rule in findings.noise[:MOST_RULES]]
    head = ("Endpoint", "Kind", "Place", "Seen to change", "By itself from", "to", "Source")
    return tag(
        "div",
        tag(
            "p",
            "Differences that mean nothing, and the rule that says so. Nothing here counts as a difference.",
            class_="lead-in",
        ),
        tag("div", tag("table", tag("caption", "Taken out, by rule"), tag("tbody", *taken)), class_="scroll")
        if taken
        else None,
        tag(
            "div",
            tag(
                "table",
                tag("caption", "Learned: places that change by themselves"),
                tag("thead", tag("tr", *(tag("th", h, scope="col") for h in head))),
                tag("tbody", *learned),
                class_="learned",
            ),
            class_="scroll",
        )
        if learned
        else None,
    )


def _learned(rule: Noise) -> Html:
    before, after = (*rule.example, "", "")[:2]
    seen = f"{words.count(rule.differed)} of {words.count(rule.pairs)} pairs" if rule.pairs else "by hand"
    return tag(
        "tr",
        tag("th", tag("code", text(rule.endpoint, 300)), scope="row"),
        tag("td", rule.kind.replace("_", " ")),
        tag("td", tag("code", text(rule.where, 300))),
        tag("td", seen if rule.enabled else f"{seen}; switched off", class_="short"),
        tag("td", tag("code", text(before, 100))),
        tag("td", tag("code", text(after, 100))),
        tag("td", rule.source),
    )
