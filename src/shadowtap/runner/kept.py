"""Messages that were kept before: given to the runner as fast as targets take them, or on a schedule.

They are read in a thread, ahead of what is due, so that reading never makes a request late; what is read ahead is
bounded. Times are those of production, so several sources are read together in the order of their times.
"""

import asyncio
import gc
import heapq
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count, islice
from time import perf_counter_ns, time_ns
from typing import TYPE_CHECKING

from shadowtap.config.schedule import ScheduleSettings
from shadowtap.events import Exchange, Message, Outcome, Request
from shadowtap.ledger import ScheduleAccount
from shadowtap.replay.schedule import Schedule
from shadowtap.runner.slices import ask_for_short_slices
from shadowtap.stored import BATCH, Numbers, Renumbered, Stored

if TYPE_CHECKING:
    from shadowtap.runner.runner import Runner

FIRST_CONNECTION = 1 << 50
"""The number of the first connection that was kept, where there are live sources or files too."""
_AHEAD = 20_000
"""Messages that may be read ahead."""
_AHEAD_BYTES = 64 << 20
"""Octets of these."""
_AHEAD_NS = 2_000_000_000
"""How far ahead of what is due: a slow disk may take so long."""
_FEW = 64
"""Messages taken over at once, in a fraction of a millisecond."""
_SLACK_NS = 500_000
"""What is due within this is sent now: timers count whole milliseconds."""
_GC_THRESHOLD = 5_000
"""Values that are looked at together for garbage: at 50,000, as elsewhere, it takes milliseconds at a time."""
_SWITCH_S = 0.0005
"""How soon the thread that reads makes room for the one that sends; Python's default is 5 ms."""

Laps = Callable[[], list[Stored]]
"""Opens the sources, anew for each lap."""


class KeptReader:
    """Gives all messages as fast as the targets take the requests. `task` ends with them."""

    def __init__(self, runner: "Runner", laps: Laps, settings: ScheduleSettings, *, first: int) -> None:
        self._runner = runner
        loop = asyncio.get_running_loop()
        self.numbers = Numbers(first)
        self._messages = _in_laps(laps, settings, self.numbers, partial(_tell_soon, loop, runner))
        self.now_ns = 0
        self.task = runner.beside(self._read())

    def stop(self) -> None:
        """Read no more."""
        self.task.cancel()

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        while batch := await loop.run_in_executor(None, list, islice(self._messages, BATCH)):
            await asyncio.sleep(0)
            for message in batch:
                while isinstance(message, Request) and not self._runner.has_room(message):
                    await asyncio.sleep(0.002)
                self.now_ns = max(self.now_ns, time_of(message))
                self._runner.dispatch([message])


class ScheduledReader:
    """Gives each message when it is due. `task` ends with the last lap."""

    def __init__(
        self, runner: "Runner", laps: Laps, settings: ScheduleSettings, account: ScheduleAccount
    ) -> None:
        self._runner = runner
        self._laps = laps
        self._settings = settings
        self._account = account
        self.schedule = Schedule(0, speed=settings.speed or 1.0)
        self.numbers = Numbers()
        self.now_ns = 0
        self._heap: list[tuple[int, int, Message]] = []
        self._count = self._bytes = self._latest = self._read_to_ns = 0
        self._origin = 0
        self._wall = 0
        self._over = False
        self._sources: list[Stored] = []
        self._filled, self._emptied = asyncio.Event(), asyncio.Event()
        sys.setswitchinterval(_SWITCH_S)
        self._filling = runner.beside(self._fill())
        self.task = runner.beside(self._give())

    def stop(self) -> None:
        """Read no more."""
        self._filling.cancel()
        self.task.cancel()

    def outcome(self, outcome: Outcome) -> None:
        """A target has answered, or failed to: how late was the request sent?"""
        if not outcome.sent_ns:
            return
        request = outcome.request
        late_ns = outcome.sent_ns - self._wall - self.intended_ns(request)
        self._account.sent += 1
        self._account.lateness.record(max(late_ns, 0))
        if outcome.failure is None:
            self._account.from_intended(outcome.target).record(outcome.first_byte_ns + max(late_ns, 0))

    def intended_ns(self, request: Request) -> int:
        """When a request was due, on the clock of the schedule."""
        return self.schedule.due_ns(request.end_ns, self.numbers.lap_of(request.connection.number))

    # -- reading ahead ---------------------------------------------------------------------------------------

    async def _fill(self) -> None:
        loop, lap, laps = asyncio.get_running_loop(), 0, self._settings.laps
        opened = await loop.run_in_executor(None, self._laps)
        while True:
            more = not laps or lap + 1 < laps
            coming = loop.run_in_executor(None, self._laps) if more else None  # opening takes its time
            self._sources = opened
            found = await self._read_lap(lap)
            if coming is None:
                break
            opened = await coming
            if not found:
                break
            self.schedule.next_lap()
            self.numbers.next_lap()
            lap += 1
        self._over = True
        self._filled.set()

    async def _read_lap(self, lap: int) -> bool:
        """Read everything once; False where there is nothing to be sent."""
        loop = asyncio.get_running_loop()
        messages = within(together(self._sources, self.numbers), self._settings)
        requests = 0
        while batch := await loop.run_in_executor(None, list, islice(messages, _FEW)):
            for message in batch:
                requests += isinstance(message, Request)
                self._put(message)
            if self._origin:
                self._filled.set()
            while self._is_far_ahead():
                self._filled.set()
                self._emptied.clear()
                await self._emptied.wait()
        for source in self._sources:
            if source.stopped and not lap:
                self._runner.tell(f"{source.name}: {source.stopped}")
            source.close()
        self._filled.set()
        return requests > 0

    def _put(self, message: Message) -> None:
        if isinstance(message, Request):
            due = self.schedule.take(message.end_ns)
            self._latest = max(self._latest, due)
            self._read_to_ns = max(self._read_to_ns, message.end_ns)
        else:
            due = self._latest  # behind its request, and of no matter to the target
        self._bytes += octets(message)
        self._count += 1
        heapq.heappush(self._heap, (due, self._count, message))

    def _is_far_ahead(self) -> bool:
        heap = self._heap
        if len(heap) < BATCH:
            return False
        reaches = self._latest - self._elapsed_ns() if self._origin else self._latest
        return len(heap) > _AHEAD or self._bytes > _AHEAD_BYTES or reaches > _AHEAD_NS

    # -- giving out ------------------------------------------------------------------------------------------

    def _elapsed_ns(self) -> int:
        return perf_counter_ns() - self._origin

    async def _give(self) -> None:
        await self._filled.wait()
        gc.set_threshold(_GC_THRESHOLD, *gc.get_threshold()[1:])
        ask_for_short_slices()
        self._origin, self._wall = perf_counter_ns(), time_ns()
        heap = self._heap
        while heap or not self._over:
            if not heap:
                self._filled.clear()
                self._emptied.set()
                await self._filled.wait()
                continue
            wait_ns = heap[0][0] - self._elapsed_ns()
            if wait_ns > _SLACK_NS:
                await asyncio.sleep((wait_ns - _SLACK_NS) / 1e9)
                continue
            self._give_due()
            if not self._emptied.is_set() and not self._is_far_ahead():
                self._emptied.set()
            await asyncio.sleep(0)

    def _give_due(self) -> None:
        heap, until = self._heap, self._elapsed_ns() + _SLACK_NS
        due: list[Message] = []
        while heap and heap[0][0] <= until and len(due) < BATCH:
            message = heapq.heappop(heap)[2]
            self._bytes -= octets(message)
            self.now_ns = max(self.now_ns, time_of(message))
            due.append(message)
        self._runner.dispatch(due)

    def report(self) -> None:
        """Bring the account up to date: how far it is, and how long the rest takes."""
        account = self._account
        share = self._progress()
        account.lap = self.schedule.lap + 1
        account.share = share
        if share and self._settings.laps:
            lap_s = (self.now_ns - self.schedule.first_ns) / 1e9 / self.schedule.speed / share
            done_s = share * lap_s
            account.left_s = max(lap_s - done_s + (self._settings.laps - account.lap) * lap_s, 0.0)
        if self.task.done():
            account.share, account.left_s = 1.0, 0.0

    def _progress(self) -> float | None:
        """The share of this lap that was sent."""
        shares = [source.progress() for source in self._sources]
        known = [share for share in shares if share is not None]
        if not known or len(known) < len(shares):
            return None
        first = self.schedule.first_ns
        read = self._read_to_ns - first
        return min(known) * ((self.now_ns - first) / read if read > 0 else 1.0)


def _tell_soon(loop: asyncio.AbstractEventLoop, runner: "Runner", text: str) -> None:
    """From the thread that reads."""
    loop.call_soon_threadsafe(runner.tell, text)


# -- streams of messages -----------------------------------------------------------------------------------------


def together(sources: list[Stored], numbers: Numbers) -> Iterator[Message]:
    """All messages of all sources, in the order of their times, with the connections' numbers in this lap."""
    alone = len(sources) == 1
    streams = [_flat(source, numbers.source(alone=alone)) for source in sources]
    if alone:
        return streams[0]
    return (message for _, message in heapq.merge(*map(_timed, streams), key=lambda timed: timed[0]))


def _in_laps(
    laps: Laps, settings: ScheduleSettings, numbers: Numbers, tell: Callable[[str], None]
) -> Iterator[Message]:
    for lap in count() if not settings.laps else range(settings.laps):
        sources = laps()
        requests = 0
        for message in within(together(sources, numbers), settings):
            requests += isinstance(message, Request)
            yield message
        for source in sources:
            if source.stopped and not lap:
                tell(f"{source.name}: {source.stopped}")
            source.close()
        if not requests:
            return
        numbers.next_lap()


def within(messages: Iterator[Message], settings: ScheduleSettings) -> Iterator[Message]:
    """Those whose request began in the window; ends of connections in any case."""
    since, until = settings.since, settings.until
    if since is None and until is None:
        yield from messages
        return
    low: int | None = None
    high = 0
    for message in messages:
        if isinstance(message, Request | Exchange):
            begun_ns = _begun_ns(message)
            if low is None:
                low = 0 if since is None else since.absolute(begun_ns)
                high = 1 << 63 if until is None else until.absolute(begun_ns)
            if not low <= begun_ns < high:
                continue
        yield message


def time_of(message: Message) -> int:
    """When it was complete in production, 0 where it has no time."""
    if isinstance(message, Request):
        return message.end_ns
    return message.response.end_ns if isinstance(message, Exchange) and message.response is not None else 0


def octets(message: Message) -> int:
    """What it holds: an exchange counts for its answer only, since its request is there already."""
    if isinstance(message, Request):
        return len(message.head) + len(message.body)
    response = message.response if isinstance(message, Exchange) else None
    return 0 if response is None else len(response.head) + len(response.body)


def _begun_ns(message: Request | Exchange) -> int:
    if isinstance(message, Request):
        return message.time_ns
    side = message.request or message.response
    return 0 if side is None else side.time_ns


def _flat(source: Stored, moved: Renumbered) -> Iterator[Message]:
    return (moved(message) for batch in source.batches() for message in batch)


def _timed(messages: Iterator[Message]) -> Iterator[tuple[int, Message]]:
    now_ns = 0
    for message in messages:
        now_ns = max(now_ns, time_of(message))
        yield now_ns, message
