"""Differences put together: by target, endpoint, kind and place, with counts and a few examples of each.

Whether a difference is learned noise can change while a run goes on: what is volatile is known only after it was
seen to change. So places are counted with learned noise included, and every answer is remembered by the set of
places in which it differed; `summary` asks anew what is noise and gives the numbers as they are with all that is
known by then. Memory is bounded whatever the traffic is: what does not fit is counted under its name.
"""

from collections import Counter
from collections.abc import Callable

import msgspec

from shadowtap.compare.learned import AtTarget, Learned, Place
from shadowtap.events import Difference, Exchange, Outcome, Verdict, replace

MAX_GROUPS = 2000
"""Groups of one target. Further differences are counted in one group, `other`."""
MAX_SETS = 4096
"""Different sets of places in which an answer differed; of further answers noise is left out, and if that is not
known either they count as different."""
MAX_EXAMPLES = 3
MAX_EXAMPLE_BYTES = 64 << 10
"""Octets of a body in an example; it is cut there."""
MAX_EXAMPLES_BYTES = 32 << 20
"""Octets of all examples of a target."""
MAX_ENDPOINTS = 4096
OTHER: Place = ("other endpoints", "other", "other places")
_LEARNED = ("learned: ", "reference: ")


class Example(msgspec.Struct, frozen=True):
    """One occurrence: what was asked, what both answered, and the difference."""

    exchange: Exchange
    outcome: Outcome
    difference: Difference


class Group(msgspec.Struct):
    """A place of an endpoint in which a target differs. `answers` counts answers, `times` occurrences in them."""

    place: Place
    answers: int = 0
    times: int = 0
    first_ns: int = 0
    last_ns: int = 0
    examples: list[Example] = []


class Totals(msgspec.Struct):
    """The answers of one target, or of one endpoint of it: those that were compared, and why others were not."""

    compared: int = 0
    skipped: Counter[str] = msgspec.field(default_factory=Counter)


class Row(msgspec.Struct, frozen=True):
    """A group in a summary, and the rule that makes it noise, or empty. `share` is that of the answers compared,
    `endpoint_share` that of those at its endpoint."""

    group: Group
    rule: str
    share: float
    endpoint_share: float


class Summary(msgspec.Struct, frozen=True):
    """What is known of one target. `mismatched` answers have at least one difference that is not noise, by
    `categories` too (status, header, body). `noise` counts occurrences by rule."""

    target: str
    compared: int
    mismatched: int
    categories: dict[str, int]
    skipped: dict[str, int]
    rows: list[Row]
    noise: dict[str, int]
    unlisted: int


class Findings:
    """The differences of one target."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.totals = Totals()
        self._groups: dict[Place, Group] = {}
        self._endpoints: dict[str, int] = {}
        self._sets: dict[tuple[Place, ...], int] = {}
        self._noise: Counter[str] = Counter()
        self._example_bytes = 0
        self._unlisted = 0

    def add(self, exchange: Exchange, outcome: Outcome, verdict: Verdict, endpoint: str, now_ns: int) -> None:
        """Take note of a verdict."""
        if verdict.skipped:
            self.totals.skipped[verdict.skipped] += 1
            return
        self.totals.compared += 1
        if endpoint in self._endpoints or len(self._endpoints) < MAX_ENDPOINTS:
            self._endpoints[endpoint] = self._endpoints.get(endpoint, 0) + 1
        if not verdict.differences and not verdict.noise:
            return
        places = [self._count(d, exchange, outcome, endpoint, now_ns) for d in verdict.differences]
        for difference, rule in verdict.noise:
            if rule.startswith(_LEARNED):
                places.append(self._count(difference, exchange, outcome, endpoint, now_ns))
            elif rule in self._noise or len(self._noise) < MAX_GROUPS:
                self._noise[rule] += difference.times
            else:
                self._noise["other rules"] += difference.times
        if places:
            real = places[: len(verdict.differences)]
            self._note_set(tuple(sorted(set(places))), tuple(sorted(set(real))))

    def summary(self, learned: Learned | None = None) -> Summary:
        """The numbers of now, with what is known of noise by now."""
        rules = self._rules(learned.at(self.target) if learned is not None else None)
        differing = [(places, n) for places, n in self._sets.items() if any(not rules[p] for p in places)]
        noise = Counter(self._noise)
        for place, rule in rules.items():
            if rule:
                noise[rule] += self._groups[place].times
        return Summary(
            self.target,
            self.totals.compared,
            sum(n for _, n in differing) + self._unlisted,
            _categories(differing, rules),
            dict(self.totals.skipped),
            self._rows(rules),
            dict(noise.most_common()),
            self._unlisted,
        )

    def regroup(self, current: Callable[[str], str]) -> None:
        """Bring endpoints up to date, after templates have changed."""
        groups, self._groups = self._groups, {}
        for group in groups.values():
            group.place = _renamed(group.place, current)
            known = self._groups.setdefault(group.place, group)
            if known is not group:
                _merge(known, group)
        sets, self._sets = self._sets, {}
        for places, n in sets.items():
            key = tuple(sorted({_renamed(place, current) for place in places}))
            self._sets[key] = self._sets.get(key, 0) + n
        endpoints, self._endpoints = self._endpoints, {}
        for endpoint, n in endpoints.items():
            name = current(endpoint)
            self._endpoints[name] = self._endpoints.get(name, 0) + n

    def _count(
        self, difference: Difference, exchange: Exchange, outcome: Outcome, endpoint: str, now_ns: int
    ) -> Place:
        place = (endpoint, difference.kind, difference.where)
        group = self._groups.get(place)
        if group is None:
            if len(self._groups) >= MAX_GROUPS:
                place = OTHER
            group = self._groups.setdefault(place, Group(place, first_ns=now_ns))
        group.answers += 1
        group.times += difference.times
        group.last_ns = now_ns
        if len(group.examples) < MAX_EXAMPLES:
            self._keep(group, exchange, outcome, difference)
        return place

    def _keep(self, group: Group, exchange: Exchange, outcome: Outcome, difference: Difference) -> None:
        example = Example(_cut_exchange(exchange), _cut_outcome(outcome), difference)
        size = _size(example)
        if self._example_bytes + size <= MAX_EXAMPLES_BYTES:
            self._example_bytes += size
            group.examples.append(example)

    def _note_set(self, places: tuple[Place, ...], real: tuple[Place, ...]) -> None:
        """Remember the set; where there are too many, what is noise by now is left out of it."""
        if len(self._sets) >= MAX_SETS and places not in self._sets:
            places = real
        if places in self._sets or len(self._sets) < MAX_SETS:
            self._sets[places] = self._sets.get(places, 0) + 1
        elif places:
            self._unlisted += 1

    def _rules(self, learned: AtTarget | None) -> dict[Place, str]:
        if learned is None:
            return dict.fromkeys(self._groups, "")
        return {place: learned.rule_of(*place) or "" for place in self._groups}

    def _rows(self, rules: dict[Place, str]) -> list[Row]:
        compared = max(self.totals.compared, 1)
        rows = [
            Row(
                group,
                rules[place],
                group.answers / compared,
                group.answers / max(self._endpoints.get(place[0], 0), group.answers),
            )
            for place, group in self._groups.items()
        ]
        return sorted(rows, key=lambda row: (bool(row.rule), -row.group.answers, row.group.place))


def category(kind: str) -> str:
    """Where a difference of this kind lies: status, header or body."""
    if kind == "status":
        return kind
    return "header" if kind.startswith(("header_", "cookie_")) else "body"


def _categories(differing: list[tuple[tuple[Place, ...], int]], rules: dict[Place, str]) -> dict[str, int]:
    found = {"status": 0, "header": 0, "body": 0}
    for places, n in differing:
        for name in {category(place[1]) for place in places if not rules[place]}:
            found[name] += n
    return found


def _renamed(place: Place, current: Callable[[str], str]) -> Place:
    return place if place == OTHER else (current(place[0]), place[1], place[2])


def _merge(into: Group, other: Group) -> None:
    into.answers += other.answers
    into.times += other.times
    into.first_ns = min(into.first_ns, other.first_ns)
    into.last_ns = max(into.last_ns, other.last_ns)
    into.examples = (into.examples + other.examples)[:MAX_EXAMPLES]


def _cut_exchange(exchange: Exchange) -> Exchange:
    request, response = exchange.request, exchange.response
    if request is not None and len(request.body) > MAX_EXAMPLE_BYTES:
        request = replace(request, body=request.body[:MAX_EXAMPLE_BYTES])
    if response is not None and len(response.body) > MAX_EXAMPLE_BYTES:
        response = replace(response, body=response.body[:MAX_EXAMPLE_BYTES])
    return Exchange(request, response, exchange.lost_request)


def _cut_outcome(outcome: Outcome) -> Outcome:
    if len(outcome.body) <= MAX_EXAMPLE_BYTES and len(outcome.request.body) <= MAX_EXAMPLE_BYTES:
        return outcome
    body = outcome.request.body[:MAX_EXAMPLE_BYTES]
    request = replace(outcome.request, body=body)
    return replace(outcome, request=request, body=outcome.body[:MAX_EXAMPLE_BYTES])


def _size(example: Example) -> int:
    request, response, outcome = example.exchange.request, example.exchange.response, example.outcome
    asked = 0 if request is None else len(request.head) + len(request.body)
    answered = 0 if response is None else len(response.head) + len(response.body)
    return asked + answered + len(outcome.head) + len(outcome.body) + 500
