"""The user's functions, called: one request at a time, whatever they do.

An exception costs its own request only: it is counted by its name and told with the line of the user's file it
came from, at most once in a while for each line; the request goes on unchanged, or is dropped, as the user chose.
So is what is neither a request nor None.

Hooks run in the event loop, so that order is kept and no locks are needed: while one runs, nothing else does. Its
time is measured, and told when the median of the last `WINDOW` calls is beyond `SLOW_NS`.
"""

from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from statistics import median

import msgspec

from shadowtap.events import Observation, Request
from shadowtap.hooks.loading import line_in, load
from shadowtap.hooks.telling import told
from shadowtap.hooks.values import HookRequest, answer_of_production, answer_of_target, request_behind

SLOW_NS = 1_000_000
"""A median beyond this is told: at 1 ms a thousand requests a second fill the whole process."""
WINDOW = 200
"""Calls a median is taken of."""
TOLD_NS = 10 * 10**9
"""The same trouble is told once in this time."""
TOLD = 64
"""Troubles that are told apart."""
WRONG_TYPE = "wrong_type"


class Drop(StrEnum):
    """Why a hook's request goes no further; the ledger counts it as filtered for this reason."""

    HOOK = "hook"
    ERROR = "hook_error"


class OnError(StrEnum):
    """What becomes of a request whose hook failed."""

    UNCHANGED = "pass"
    DROP = "drop"


class HookCounters(msgspec.Struct):
    """`calls` of `request` = unchanged + changed + dropped + the failed ones among them; `failed` counts the calls
    of both functions that raised an exception, by its name, or returned something else (`wrong_type`)."""

    calls: int = 0
    unchanged: int = 0
    changed: int = 0
    dropped: int = 0
    request_failed: int = 0
    answers_calls: int = 0
    failed: Counter[str] = msgspec.field(default_factory=Counter)


class _WrongTypeError(Exception):
    """What came back, as its name, is no request."""


class Hooks:
    """The hooks of one file. Raises UsageError where the file is of no use.

    `notify` gets lines for people; `mask` takes secrets out of what exceptions say; `clock` gives nanoseconds that
    only grow.
    """

    def __init__(
        self,
        path: str,
        *,
        on_error: OnError = OnError.UNCHANGED,
        notify: Callable[[str], None],
        clock: Callable[[], int],
        mask: Callable[[str], str] = str,
    ) -> None:
        functions = load(path)
        self.path = path
        self.counters = HookCounters()
        self._request, self._answers = functions
        self._on_error = on_error
        self._notify = notify
        self._clock = clock
        self._mask = mask
        self._source = Path(path).read_text(errors="replace")
        self._recent: dict[str, list[int]] = {"request": [], "answers": []}
        self._told: dict[str, tuple[int, int]] = {}

    @property
    def wants_answers(self) -> bool:
        """Whether answers should be kept for `answers`."""
        return self._answers is not None

    def request(self, request: Request) -> Request | Drop:
        """The request as it goes on, the same object where nothing was changed; or why it does not."""
        if self._request is None:
            return request
        counters = self.counters
        counters.calls += 1
        begin = self._clock()
        try:
            made = self._request(HookRequest(request))
        except (Exception, SystemExit) as error:
            return self._failed_request(request, "request", error)
        finally:
            self._note("request", begin)
        if made is None:
            counters.dropped += 1
            return Drop.HOOK
        if not isinstance(made, HookRequest):
            return self._failed_request(request, "request", _WrongTypeError(type(made).__name__))
        result = request_behind(made)
        if result is request:
            counters.unchanged += 1
        else:
            counters.changed += 1
        return result

    def answers(self, observation: Observation) -> None:
        """Show all answers to one request, when no more will come."""
        exchange = observation.exchange
        if self._answers is None or exchange.request is None:
            return
        self.counters.answers_calls += 1
        response = exchange.response
        production = None if response is None else answer_of_production(response, exchange.latency_ns)
        outcomes = [answer_of_target(outcome) for outcome in observation.outcomes]
        begin = self._clock()
        try:
            self._answers(HookRequest(exchange.request), production, outcomes)
        except (Exception, SystemExit) as error:
            self._fail("answers", error, "")
        finally:
            self._note("answers", begin)

    def _failed_request(self, request: Request, function: str, error: BaseException) -> Request | Drop:
        dropped = self._on_error is OnError.DROP
        self.counters.request_failed += 1
        self._fail(function, error, f"; the request is {'dropped' if dropped else 'passed on unchanged'}")
        return Drop.ERROR if dropped else request

    def _fail(self, function: str, error: BaseException, then: str) -> None:
        if isinstance(error, _WrongTypeError):
            name, text = WRONG_TYPE, f"returned {error}, which is neither the request nor None"
        else:
            name = type(error).__name__
            text = f"failed: {told(error, self._source, self._mask)}"
        self.counters.failed[name] += 1
        line = line_in(error, self.path)
        where = self.path if line is None else f"{self.path}, line {line}"
        self._tell(f"{name} {where}", f"{function}() {text} ({where}){then}")

    def _tell(self, key: str, text: str) -> None:
        """Say it now, or count it until it may be said again."""
        now = self._clock()
        due, silent = self._told.get(key, (0, 0))
        if now < due:
            self._told[key] = due, silent + 1
            return
        if len(self._told) >= TOLD:
            self._told.clear()
        self._told[key] = now + TOLD_NS, 0
        self._notify(f"hooks: {text}" + (f" (and {silent} times since the last such line)" if silent else ""))

    def _note(self, function: str, begin: int) -> None:
        recent = self._recent[function]
        recent.append(self._clock() - begin)
        if len(recent) < WINDOW:
            return
        middle = median(recent)
        recent.clear()
        if middle > SLOW_NS:
            told = f"{function}() takes {middle / 1e6:.1f} ms (median of {WINDOW} calls)"
            self._tell(f"{function} is slow", f"{told}; meanwhile all other requests wait")
