"""What observations add up to, in bounded memory: by interval of time, by endpoint, and as a whole.

    add(observation) … ─► seen() ─► TrafficSeen

Intervals are as long as needed for at most `MOMENTS` of them: when time goes on beyond that, they double, and each
two become one. So ten seconds are shown in tenths of a second, and a week in intervals of an hour, from the same
memory.
"""

from collections import Counter

from shadowtap.endpoints import Endpoints
from shadowtap.events import Observation, Outcome, Request, Verdict
from shadowtap.report.page.histogram import bucket_of
from shadowtap.report.page.values import Moment, Side, TrafficSeen

MOMENTS = 240
"""Intervals at most, which is what a chart has room for; at least half as many, once there was time for them."""
SHORTEST_NS = 1_000_000_000 >> 6
"""The first intervals: 1/64 s, so that doubling comes by one second."""
ENDPOINTS = 500
"""Endpoints that are told apart, at up to some 10 KiB each; others are counted together."""
TARGETS = 8
"""Targets that are told apart; more are counted as one."""
NAMES = 256
"""Different fates, failures and statuses that are counted apart."""
OTHERS, OTHER_TARGETS, OTHER_NAME = "other endpoints", "other targets", "others"


class Traffic:
    """Adds up. `endpoints` may be shared with whoever else finds templates of the same traffic."""

    def __init__(self, endpoints: Endpoints | None = None) -> None:
        self._endpoints = endpoints if endpoints is not None else Endpoints()
        self._width_ns = SHORTEST_NS
        self._moments: dict[int, Moment] = {}
        self._first = self._last = -1
        self._untimed = Moment()
        self._of_endpoint: dict[str, Moment] = {}
        self._fates: Counter[str] = Counter()
        self._failures: dict[str, Counter[str]] = {}
        self._statuses: dict[str, Counter[int]] = {}

    def add(self, observation: Observation) -> None:
        """Count a request with all that is known of it."""
        exchange = observation.exchange
        request, response = exchange.request, exchange.response
        _count(self._fates, observation.fate)
        at_ns = request.time_ns if request is not None else response.time_ns if response is not None else 0
        moment = self._moment(at_ns)
        endpoint = None if request is None else self._endpoint(request)
        status, bucket = 0, -1
        if response is not None:
            status = response.status
            self._count_status("production", status)
            if request is not None and response.fault is None:
                bucket = bucket_of(response.time_ns - request.end_ns)
        place = _class_of(status)
        moment.requests += 1
        _answered(moment.production, place, bucket)
        if endpoint is not None:
            endpoint.requests += 1
            _answered(endpoint.production, place, bucket)
        for outcome in observation.outcomes:
            self._outcome(outcome, observation.verdicts, moment, endpoint)

    def seen(self) -> TrafficSeen:
        """What there is by now; it does not change any more."""
        moments = [
            found.copy() if (found := self._moments.get(at)) is not None else Moment()
            for at in range(self._first, self._last + 1)
            if self._moments
        ]
        whole = self._untimed.copy()
        for moment in moments:
            whole.absorb(moment)
        return TrafficSeen(
            max(self._first, 0) * self._width_ns,
            self._width_ns,
            moments,
            whole,
            self._by_endpoint(),
            dict(self._fates.most_common()),
            {target: dict(counts.most_common()) for target, counts in self._failures.items()},
            {side: dict(sorted(counts.items())) for side, counts in self._statuses.items()},
        )

    # -- parts ---------------------------------------------------------------------------------------------------

    def _outcome(
        self, outcome: Outcome, verdicts: tuple[Verdict, ...], moment: Moment, endpoint: Moment | None
    ) -> None:
        name = outcome.target
        if name not in self._statuses and len(self._statuses) > TARGETS:
            name = OTHER_TARGETS
        place, bucket = 0, -1
        if outcome.failure is not None:
            _count(self._failures.setdefault(name, Counter()), str(outcome.failure))
            self._statuses.setdefault(name, Counter())
        else:
            self._count_status(name, outcome.status)
            place, bucket = _class_of(outcome.status), bucket_of(outcome.first_byte_ns)
        verdict = _verdict(outcome.target, verdicts)
        for there in (moment, endpoint):
            if there is not None:
                side = there.target(name)
                _answered(side, place, bucket)
                if verdict is not None:
                    side.compared += 1
                    side.differ += bool(verdict.differences or verdict.more)

    def _moment(self, at_ns: int) -> Moment:
        if at_ns <= 0:
            return self._untimed
        at = at_ns // self._width_ns
        moment = self._moments.get(at)
        if moment is None:
            self._reach(at)
            moment = self._moments.setdefault(at_ns // self._width_ns, Moment())
        return moment

    def _reach(self, at: int) -> None:
        """Make intervals so long that this one is among those there may be."""
        first, last = (min(self._first, at), max(self._last, at)) if self._moments else (at, at)
        while last - first >= MOMENTS:
            first, last = first >> 1, last >> 1
            self._width_ns *= 2
            before, self._moments = self._moments, {}
            for place, moment in before.items():
                known = self._moments.setdefault(place >> 1, moment)
                if known is not moment:
                    known.absorb(moment)
        self._first, self._last = first, last

    def _endpoint(self, request: Request) -> Moment:
        method = request.method[:16].decode("latin-1")
        name = f"{method} {self._endpoints.template(request.method, request.target)}"
        found = self._of_endpoint.get(name)
        if found is None:
            name = name if len(self._of_endpoint) < ENDPOINTS else OTHERS
            found = self._of_endpoint.setdefault(name, Moment())
        return found

    def _by_endpoint(self) -> dict[str, Moment]:
        found: dict[str, Moment] = {}
        for name, moment in self._of_endpoint.items():
            method, space, template = name.partition(" ")
            known = name if name == OTHERS else f"{method}{space}{self._endpoints.current(template)}"
            found.setdefault(known, Moment()).absorb(moment)
        return found

    def _count_status(self, side: str, status: int) -> None:
        counts = self._statuses.setdefault(side, Counter())
        if status in counts or len(counts) < NAMES:
            counts[status] += 1


def _class_of(status: int) -> int:
    return status // 100 if 100 <= status < 600 else 0


def _answered(side: Side, place: int, bucket: int) -> None:
    side.classes[place] += 1
    if bucket >= 0:
        buckets = side.latency.buckets
        buckets[bucket] = buckets.get(bucket, 0) + 1


def _verdict(target: str, verdicts: tuple[Verdict, ...]) -> Verdict | None:
    for verdict in verdicts:
        if verdict.target == target:
            return None if verdict.skipped else verdict
    return None


def _count(counts: Counter[str], name: str) -> None:
    counts[name if name in counts or len(counts) < NAMES else OTHER_NAME] += 1
