"""GoReplay middleware: one program, lines on its standard input and output, started again when it ends.

    offer(request)    ─► line ─► program ─► line ─► on_result(Passed | Dropped | Added | Ended)
    answered, replayed ─► line ─► program              production's answers and the targets', for it to know

`offer` never waits. What is out is bounded, in number and in octets; what finds no room is refused to the caller,
who counts it. The program has a session of its own, so that Ctrl-C reaches it as the end of its input only, and
its standard error is ours.
"""

import asyncio
import shlex
from collections.abc import Callable
from contextlib import suppress

from shadowtap.errors import UsageError
from shadowtap.events import Ended, Exchange, Outcome, Request
from shadowtap.formats.gor.compose import record_of_outcome, record_of_request, record_of_response
from shadowtap.formats.gor.identity import id_of
from shadowtap.hooks.hexlines import line_of
from shadowtap.hooks.in_flight import InFlight, MiddlewareCounters, Reason, Result
from shadowtap.hooks.program import Program

TIMEOUT_S = 2.0
"""How long a line may stay away before its request is taken for dropped."""
START_S = 15.0
"""The same until a program has answered for the first time: some take seconds to start."""
IN_FLIGHT = 10_000
"""Requests that may be out; five seconds of 2,000 a second."""
IN_FLIGHT_BYTES = 64 << 20
"""Their octets; in hex, and in the pipe to the program, they take twice as much once more."""
BACKLOG_BYTES = 32 << 20
"""Octets the program has not read beyond which answers are not sent to it; requests go first."""
BACK_OFF_S = (0.1, 30.0)
"""How long to wait before the program is started again, the first time and at most; doubled each time."""
STEADY_S = 60.0
"""A program that ran this long starts at once again when it ends."""
_CHECK_S = 0.05
"""How often time-outs are looked at."""


class Middleware:
    """The program that `command` starts (split as a shell would, but no shell is involved).

    `on_result` gets what becomes of each request, in order; `notify` lines for people. Use it within one event
    loop: `start`, then the other methods, then `drain`.
    """

    def __init__(
        self,
        command: str,
        *,
        on_result: Callable[[Result], None],
        notify: Callable[[str], None],
        timeout_s: float = TIMEOUT_S,
        in_flight: int = IN_FLIGHT,
        in_flight_bytes: int = IN_FLIGHT_BYTES,
    ) -> None:
        self.command = command
        self.counters = MiddlewareCounters()
        self._argv = _split(command)
        self._on_result = on_result
        self._notify = notify
        self._timeout_s = timeout_s
        self._out = InFlight(self.counters, limit=in_flight, limit_bytes=in_flight_bytes)
        self._program: Program | None = None
        self._started_at = 0.0
        self._back_off_s = BACK_OFF_S[0]
        self._waiting: asyncio.TimerHandle | None = None
        self._checking: asyncio.TimerHandle | None = None
        self._starting: asyncio.Task[None] | None = None
        self._ending = False
        self._quiet = asyncio.Event()

    async def start(self) -> None:
        """Start the program. Raises UsageError where there is no such program."""
        try:
            await self._spawn()
        except OSError as error:
            raise UsageError(f"middleware {self._argv[0]}: cannot be started: {error.strerror}") from None

    @property
    def running(self) -> bool:
        """Whether there is a program now."""
        return self._program is not None

    # -- what goes out ---------------------------------------------------------------------------------------

    def offer(self, request: Request) -> bool:
        """Send a request through the program; False where there is no room for it, and nothing will come of it."""
        if not self._out.has_room(request):
            return False
        program = self._program
        patience_s = self._timeout_s if program is None or program.answered else max(START_S, self._timeout_s)
        name = self._out.put(request, self._now_ns() + int(patience_s * 1e9))
        if program is None:
            self._tell(self._out.give_up(Reason.DOWN))
        else:
            program.write(line_of(record_of_request(request, name)))
            self._check_later()
        return True

    def ended(self, ended: Ended) -> None:
        """The client of a connection sends nothing more; said on when all its requests are settled."""
        self._tell(self._out.end(ended))

    def answered(self, exchange: Exchange) -> None:
        """Let the program see what production answered."""
        request, response = exchange.request, exchange.response
        if request is None or response is None or response.fault is not None:
            return
        if response.body_bytes <= len(response.body):
            self._send_answer(line_of(record_of_response(response, id_of(request.connection, request.index))))

    def replayed(self, outcome: Outcome) -> None:
        """Let the program see what a target answered."""
        if outcome.failure is None:
            request = outcome.request
            self._send_answer(line_of(record_of_outcome(outcome, id_of(request.connection, request.index))))

    def _send_answer(self, line: bytes) -> None:
        program = self._program
        if program is None or program.backlog_bytes + len(line) > BACKLOG_BYTES:
            self.counters.answers_not_sent += 1
            return
        program.write(line)
        self.counters.answers_sent += 1

    # -- what comes back -------------------------------------------------------------------------------------

    def _took(self, program: Program, octets: bytes) -> None:
        lines = program.lines
        records = lines.feed(octets) if octets else lines.finish()
        if records and not program.answered:
            program.answered = True
            self._out.hasten(self._now_ns() + int(self._timeout_s * 1e9))
        for record in records:
            self._tell(self._out.back(record))
        if lines.lost:
            self.counters.unusable += lines.lost
            lines.lost.clear()

    def _tell(self, results: list[Result]) -> None:
        for result in results:
            self._on_result(result)
        if not self._out:
            self._quiet.set()

    def _check_later(self) -> None:
        self._quiet.clear()
        if self._checking is None:
            self._checking = asyncio.get_running_loop().call_later(_CHECK_S, self._check)

    def _check(self) -> None:
        self._checking = None
        self._tell(self._out.expire(self._now_ns()))
        if self._out:
            self._check_later()

    # -- the program -----------------------------------------------------------------------------------------

    async def _spawn(self) -> None:
        loop = asyncio.get_running_loop()
        self._started_at = loop.time()
        program = Program(self._took, self._exited)
        self._program = program
        try:
            await loop.subprocess_exec(lambda: program, *self._argv, stderr=None, start_new_session=True)
        except OSError:
            self._program = None
            raise

    def _exited(self, program: Program) -> None:
        self._took(program, b"")
        self._program = None
        lost = len(self._out)
        self._tell(self._out.give_up(Reason.MIDDLEWARE if self._ending else Reason.DOWN))
        if self._ending:
            return
        if asyncio.get_running_loop().time() - self._started_at >= STEADY_S:
            self._back_off_s = BACK_OFF_S[0]
        had = f"; {lost} requests that it had are dropped" if lost else ""
        self._again_later(f"{program.how_it_ended()}{had}")

    def _again_later(self, why: str) -> None:
        self._notify(f"middleware {self.command}: {why}; it is started again in {self._back_off_s:g} s")
        loop = asyncio.get_running_loop()
        self._waiting = loop.call_later(self._back_off_s, self._start_again)
        self._back_off_s = min(2 * self._back_off_s, BACK_OFF_S[1])

    def _start_again(self) -> None:
        self.counters.restarts += 1
        self._starting = asyncio.get_running_loop().create_task(self._spawn_again())

    async def _spawn_again(self) -> None:
        try:
            await self._spawn()
        except OSError as error:
            self._again_later(f"it cannot be started: {error.strerror}")

    # -- the end ---------------------------------------------------------------------------------------------

    async def drain(self, timeout_s: float | None = None) -> None:
        """Wait until everything that is out is back or given up. Answers can still be shown to the program
        then."""
        if self._out:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._quiet.wait(), timeout_s)

    async def close(self, grace_s: float) -> None:
        """End the program's input, and wait for its end; after the grace period it is killed. What is not back by
        then is dropped."""
        self._ending = True
        for timer in (self._waiting, self._checking):
            if timer is not None:
                timer.cancel()
        if self._starting is not None:
            await asyncio.wait([self._starting])
        if self._program is not None:
            await self._program.end(grace_s)
        self._tell(self._out.give_up(Reason.MIDDLEWARE))

    def _now_ns(self) -> int:
        return int(asyncio.get_running_loop().time() * 1e9)


def _split(command: str) -> list[str]:
    try:
        argv = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"middleware {command}: {error}") from None
    if not argv:
        raise UsageError("middleware: name a program, such as --middleware 'python3 filter.py'")
    return argv
