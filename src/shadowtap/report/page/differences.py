"""The differences: one line a group, with examples behind it: the request, both answers side by side, what differs,
and a curl command that makes the request again.

A page stays small: so many groups, so many characters of a message, and so many of all examples together; what is
left out is said.
"""

from collections import Counter
from collections.abc import Sequence

import msgspec

from shadowtap.report import words
from shadowtap.report.page.account import bar
from shadowtap.report.page.html import Html, tag, text, visible
from shadowtap.report.page.values import Example, Findings, Group, Shown, TargetFindings

LEADING, MOST_EXAMPLES = 5, 3
"""Groups of which an example is printed; examples of a group."""
MOST_GROUPS = 400
"""Groups on a page."""
HEAD, BODY, VALUE, CURL = 4000, 6000, 600, 6000
"""Characters that are shown of a head, a body, a value, a command."""
MOST_OCTETS = 2_600_000
"""Of all groups and examples together, in a page of less than 5 MB."""
LONGEST_PRETTY = 8_500
"""Characters of a body that is laid out anew, if it is JSON."""


class _Room:
    """How many octets there is still room for."""

    def __init__(self, octets: int) -> None:
        self.left = octets
        self.left_out = 0

    def take(self, shown: Html) -> Html | None:
        """What is to be shown, if there is room for it."""
        octets = len(shown.encode())
        if octets > self.left:
            return None
        self.left -= octets
        return shown


def differences(findings: Findings, octets: int = MOST_OCTETS) -> Html:
    """The section of all targets, with so many octets at most."""
    found = [
        (target, group) for target in findings.targets for group in target.differences if not group.noise
    ]
    several = len(findings.targets) > 1
    if not found:
        compared = sum(target.compared for target in findings.targets)
        return tag("p", f"None in {words.count(compared)} answers compared.", class_="none")
    room = _Room(min(octets, MOST_OCTETS))
    rows = [_group(n, target, group, room, several) for n, (target, group) in enumerate(found[:MOST_GROUPS])]
    lines = [row for row in rows if row is not None]
    shown = found[: len(lines)]
    left = (
        (len(found) - len(shown), "groups are left out here; --compare-json has more."),
        (room.left_out, "examples are left out to keep the page small."),
    )
    told = " ".join(f"{words.count(n)} {what}" for n, what in left if n)
    return tag(
        "div",
        _filters(shown, findings.targets),
        tag("div", *lines, class_="groups"),
        tag("p", "No group is like that.", class_="nothing", hidden=True),
        tag("p", told, class_="none") if told else None,
        class_="filtered",
    )


def _filters(found: Sequence[tuple[TargetFindings, Group]], targets: Sequence[TargetFindings]) -> Html:
    kinds = sorted({group.kind for _, group in found})
    return tag(
        "div",
        tag(
            "input",
            type="search",
            placeholder="Filter by endpoint, place or value",
            aria_label="Filter differences",
            data_filter="text",
        ),
        _choice("kind", "every kind", kinds),
        _choice("target", "every target", [t.target for t in targets]) if len(targets) > 1 else None,
        tag("span", f"{len(found)} groups", class_="shown", role="status"),
        class_="filters scripted",
    )


def _choice(name: str, everything: str, values: Sequence[str]) -> Html:
    options = [tag("option", everything, value=""), *(tag("option", value, value=value) for value in values)]
    return tag("select", *options, aria_label=f"Filter by {name}", data_filter=name)


def _group(number: int, target: TargetFindings, group: Group, room: _Room, several: bool) -> Html | None:
    """A group with its examples; None where there is no room for it."""
    line = _line(target, group, several)
    if room.take(line) is None:
        return None
    found = [
        room.take(_example(n, example, group)) for n, example in enumerate(group.examples[:MOST_EXAMPLES])
    ]
    room.left_out += sum(shown is None for shown in found)
    facts = [f"{words.share(group.endpoint_share, 1)} of the answers of this endpoint"]
    if group.times > group.answers:
        facts.append(f"{words.count(group.times)} times in {words.count(group.answers)} answers")
    return tag(
        "details",
        line,
        tag("p", "; ".join(facts), class_="facts"),
        *found,
        tag("p", "No example is here.", class_="none") if not any(found) else None,
        class_="group lead" if number < LEADING else "group",
        data_key=visible(f"{target.target} {group.endpoint} {group.kind} {group.where}", 400),
        data_text=visible(_searched(group), 400),
        data_kind=visible(group.kind, 60),
        data_target=visible(target.target, 100),
    )


def _searched(group: Group) -> str:
    values = [text for one in group.examples[:1] for text in (one.production_value, one.target_value)]
    return " ".join((group.endpoint, group.kind, group.where, *values)).lower()


def _line(target: TargetFindings, group: Group, several: bool) -> Html:
    """How often, where, and what stood there."""
    count = tag(
        "span",
        tag("b", words.count(group.answers)),
        tag("small", words.share(group.answers, target.compared)),
        bar(group.answers, max(target.mismatched, group.answers), "failing"),
        class_="count",
        title=f"{words.count(group.answers)} of {words.count(target.compared)} answers compared",
    )
    what = tag(
        "span",
        tag("code", text(group.endpoint, 200), class_="endpoint"),
        tag("span", text(group.kind.replace("_", " "), 60), class_="chip"),
        tag("code", text(group.where, 200), class_="where"),
        tag("code", text(target.target, 100), class_="of") if several else None,
        class_="what",
    )
    return tag("summary", count, what, _values(group.examples[0]) if group.examples else None)


def _values(example: Example) -> Html | None:
    if not example.production_value and not example.target_value:
        return None
    alike = example.production_value == example.target_value
    return tag(
        "span",
        tag("code", text(example.production_value or "nothing", 120), class_="production"),
        tag("span", " → ", class_="to"),
        tag("code", text(example.target_value or "nothing", 120), class_="target"),
        tag("span", " (another type)", class_="to") if alike else None,
        class_="values",
    )


def _example(number: int, example: Example, group: Group) -> Html:
    before, after = example.production or Shown(), example.target or Shown()
    body_before, body_after = _lines(before.body), _lines(after.body)
    return tag(
        "div",
        tag(
            "dl",
            tag("dt", "production"),
            tag("dd", tag("code", text(example.production_value or "nothing", VALUE), class_="production")),
            tag("dt", "target"),
            tag("dd", tag("code", text(example.target_value or "nothing", VALUE), class_="target")),
            class_="difference",
        ),
        tag(
            "div",
            _message("Request", "asked", example.request, _lines(example.request.body), [], ""),
            _message(
                _titled("Production", before, example.latency_ns.get("production")),
                "production",
                before,
                body_before,
                body_after,
                group.where,
            ),
            _message(
                _titled("Target", after, example.latency_ns.get("target")),
                "target",
                after,
                body_after,
                body_before,
                group.where,
            ),
            class_="sides",
        ),
        tag(
            "div",
            tag("pre", text(example.curl, CURL)),
            tag("button", "Copy", type="button", class_="copy scripted"),
            class_="curl",
        )
        if example.curl
        else None,
        class_="example",
        aria_label=f"example {number + 1}",
    )


def _titled(name: str, shown: Shown, latency_ns: int | None) -> str:
    status = "" if shown.status is None else f" · {shown.status}" if shown.status else " · no answer"
    return f"{name}{status}" + (f" · {words.nanoseconds(latency_ns)}" if latency_ns else "")


def _message(
    title: str, kind: str, shown: Shown, lines: Sequence[str], others: Sequence[str], where: str
) -> Html:
    return tag(
        "div",
        tag("h4", title),
        tag("pre", *_head(shown.head, where), class_="head") if shown.head else None,
        tag("pre", *_marked(lines, others), class_="body") if shown.body else None,
        class_=f"side {kind}",
    )


def _head(head: str, where: str) -> list[Html | str]:
    """The lines of a head; the one that the difference is about is marked."""
    kind, _, name = where.partition(" ")
    name = "set-cookie" if kind == "cookie" else name.lower() if kind == "header" else ""
    parts: list[Html | str] = []
    for n, line in enumerate(head[:HEAD].replace("\r\n", "\n").split("\n")):
        marked = (where == "status" and not n) or (name and line.lower().startswith(f"{name}:"))
        parts += [tag("mark", line) if marked else line, "\n"]
    return [*parts[:-1], *(["…"] if len(head) > HEAD else [])]


def _lines(body: str) -> list[str]:
    """The lines of a body; JSON is laid out so that it has some."""
    told = body
    if len(body) <= LONGEST_PRETTY and body.lstrip()[:1] in ("{", "["):
        try:
            told = msgspec.json.format(body, indent=2)
        except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
            told = body
    lines = told[:BODY].replace("\r\n", "\n").split("\n")
    return [*lines, "…"] if len(told) > BODY else lines


def _marked(lines: Sequence[str], others: Sequence[str]) -> list[Html | str]:
    """The lines; those that the other side has not are marked, where both have several."""
    spare = Counter(line.strip().rstrip(",") for line in others)
    compare = len(lines) > 1 and len(others) > 1
    parts: list[Html | str] = []
    for line in lines:
        bare = line.strip().rstrip(",")
        known = spare[bare] > 0
        spare[bare] -= known
        shown = text(line, BODY)
        parts += [shown if known or not compare or not bare else tag("mark", shown), "\n"]
    return parts[:-1]
