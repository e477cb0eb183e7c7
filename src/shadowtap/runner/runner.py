"""One run: start, dispatch, end."""

import asyncio
import gc
import time
from collections.abc import Callable, Container, Coroutine
from functools import partial
from typing import Any

from shadowtap.capture import FileSource, LiveSource
from shadowtap.capture.sources import FileSpec, SourceSpec, open_source
from shadowtap.compare import Comparison
from shadowtap.config import Settings
from shadowtap.config.schedule import ScheduleSettings
from shadowtap.config.sources import Spec, StoredSpec, parse
from shadowtap.decap import Decapsulator
from shadowtap.errors import RunError
from shadowtap.events import (
    Frames,
    Message,
    Observation,
    Outcome,
    Request,
)
from shadowtap.ledger import Ledger, ObservationCounters, ScheduleAccount, SessionCounters
from shadowtap.pipeline import Pipeline
from shadowtap.replay import Target
from shadowtap.report import View
from shadowtap.report.health import Health
from shadowtap.report.serving import HttpServer
from shadowtap.report.status import StatusServer
from shadowtap.report.ui import PageServer
from shadowtap.runner.comparing import Comparer
from shadowtap.runner.demand import wanted_s
from shadowtap.runner.fates import Fates
from shadowtap.runner.files import FileReader
from shadowtap.runner.kept import FIRST_CONNECTION, KeptReader, ScheduledReader
from shadowtap.runner.live import LiveReader
from shadowtap.runner.observe import Joiner
from shadowtap.runner.reporting import Reporter
from shadowtap.runner.sessions import Sessions
from shadowtap.runner.shape import Shape
from shadowtap.runner.shaping import Stages
from shadowtap.runner.sinks import Sink, masker_of, open_sink
from shadowtap.runner.slices import ask_for_short_slices
from shadowtap.runner.surroundings import connections as connections_each
from shadowtap.runner.surroundings import escaped, raise_file_limit, signals
from shadowtap.runner.targets import open_target
from shadowtap.stored import Apart, CaptureSource, Stored, is_masked, open_stored

_TICK_S = 0.05
"""Holes, idle connections and deadlines are looked at this often."""
_VIEW_S = 0.25
_GC_THRESHOLD = (50_000, 20, 50)
"""Values of the pipeline hold no cycles, so collecting every 700 of them only costs time and latency."""
_NO_GUARD = (
    "GoReplay's files do not name production's servers, so a target that is production cannot be recognised; "
    "make sure that none is"
)
_MASKED = (
    "its secrets are masked: log-ins may fail at the target, and what was masked differs when answers are compared; "
    "a recording to be replayed is better made with --to 'recording:DIR?mask=no'"
)
_FILE_BACKLOG = 2_000
"""Requests that may wait at a target before a file is read on."""
_FILE_OPEN = 10_000
"""Requests that may have answers to come before a file is read on."""
_FILE_CONNECTIONS = 1 << 40
"""The number of the first connection in a file, where there are live sources too."""


class Runner:
    """One run from start to end. See `shadowtap.runner.run`."""

    def __init__(
        self,
        settings: Settings,
        view: View | None,
        comparison: Comparison | None = None,
        reporter: Reporter | None = None,
    ) -> None:
        self.settings = settings
        self.ledger = Ledger(time.time_ns())
        if settings.schedule is not None and settings.schedule.speed is not None:
            self.ledger.schedule = ScheduleAccount(settings.schedule.speed, settings.schedule.laps)
        self._view = view
        self._comparison = comparison
        self._comparer: Comparer | None = None
        self._reporter = reporter
        self._stages: Stages | None = None
        self._shape: Shape | None = None
        self._fates: Fates
        self._joiner: Joiner | None = None
        self._sessions: dict[str, Sessions] = {}
        self._sinks: list[Sink] = []
        self._pipeline = self._new_pipeline(0)
        self._targets: list[Target] = []
        self._live: list[LiveReader] = []
        self._files: FileReader | None = None
        self._stored: list[Stored] = []
        self._kept: KeptReader | ScheduledReader | None = None
        self._scheduled: ScheduledReader | None = None
        self._started = False
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._broken: Exception | None = None

    def _new_pipeline(self, first_connection: int) -> Pipeline:
        settings = self.settings
        return Pipeline(
            self.ledger,
            flows=settings.flows,
            http=settings.http,
            keep_answer_bodies=self._shape is not None and self._shape.wants_answers,
            first_connection=first_connection,
        )

    # -- start -----------------------------------------------------------------------------------------------

    async def run(self) -> Ledger:
        """Start everything, wait for the end, stop everything."""
        settings = self.settings
        specs = [parse(url) for url in settings.sources]
        kept = [spec for spec in specs if isinstance(spec, StoredSpec) or settings.schedule is not None]
        captured = [spec for spec in specs if not (spec in kept or isinstance(spec, StoredSpec))]
        self._shape_up(specs)
        served: list[HttpServer] = []
        sources: list[LiveSource | FileSource] = []
        wake = asyncio.get_running_loop().call_soon_threadsafe
        with signals(lambda: wake(self.interrupt)), escaped(self._on_bug):
            try:
                if self._stages is not None:
                    await self._stages.start()
                await self._open_targets()
                self._open_sinks()
                for spec in captured:
                    source = open_source(spec)
                    sources.append(source)
                    self.ledger.capture[source.name] = source.counters
                stored = self._open_kept(kept)
                await self._serve(served)
                self._tell_start(sources, served)
                self._begin(sources, captured)
                self._begin_kept(kept, stored)
                gc.collect()
                gc.freeze()
                gc.set_threshold(*_GC_THRESHOLD)
                await self._until_the_end()
            finally:
                for source in sources:
                    source.close()
                for kept_source in self._stored:
                    kept_source.close()
                await self._close_sinks()
                for server in served:
                    await server.close()
                if self._view is not None and self._started:
                    self._view.stop(self.ledger, time.time_ns())
        if self._broken is not None:
            raise self._broken
        return self.ledger

    def _shape_up(self, specs: list[Spec]) -> None:
        """Make what stands between a request and the targets, where the settings ask for it."""
        settings, ledger = self.settings, self.ledger
        stages = self._stages = Stages(settings, specs, ledger)
        stages.notify = self.tell
        hooks = stages.hooks
        shows_answers = (
            self._comparison is not None
            or self._reporter is not None
            or (hooks is not None and hooks.wants_answers)
        )
        keeps = bool(settings.sinks) and not settings.dry_run
        if shows_answers or keeps:
            counters = ledger.observations = ObservationCounters()
            others = keeps or self._reporter is not None or (hooks is not None and hooks.wants_answers)
            if self._comparison is not None:
                self._comparer = Comparer(
                    self._comparison,
                    counters,
                    sampling=settings.compare.sampling and self._is_timed(specs),
                    early=not others,
                    issued=self._issued,
                    again=self._was_sent_before,
                    tell=self.tell,
                )
            sample = None if others else self._comparer
            self._joiner = Joiner(self._on_observation, counters, now=time.monotonic(), sample=sample)
        if settings.rebinds and not settings.dry_run:
            self._sessions = {str(t.address): self._new_sessions() for t in settings.targets}
        if stages.wanted or self._joiner is not None or self._sessions:
            self._shape = Shape(
                ledger.requests,
                self._targets,
                stages=stages,
                joiner=self._joiner,
                sessions=tuple(self._sessions.values()),
                clock=self._now_ns,
            )
            self._pipeline = self._new_pipeline(0)
        self._fates = Fates(
            settings,
            ledger,
            self._targets,
            shape=self._shape,
            copies=stages.duplicates,
            tell=self.tell,
            break_off=self.break_off,
        )

    def _is_timed(self, specs: list[Spec]) -> bool:
        """Whether requests come at moments of their own, and do not wait until there is time for them."""
        speed = self.settings.schedule is not None and self.settings.schedule.speed is not None
        return speed or not all(isinstance(spec, StoredSpec | FileSpec) for spec in specs)

    def _new_sessions(self) -> Sessions:
        told = self.settings.sessions
        return Sessions(SessionCounters(), always=told.always, never=told.never)

    def _now_ns(self) -> int:
        """The time of what is being read: the packets' own where there are only files."""
        reader = self._files or self._kept
        return reader.now_ns if reader is not None and not self._live else time.time_ns()

    async def _open_targets(self) -> None:
        if self.settings.dry_run:
            return
        raise_file_limit()
        share = connections_each(len(self.settings.targets))
        for settings in self.settings.targets:
            sessions = self._sessions.get(str(settings.address))
            target = open_target(
                settings,
                self.settings,
                self.ledger,
                connections=share,
                on_outcome=self._outcomes(sessions),
                keep_bodies=self._shape is not None and self._shape.wants_answers,
                notify=self.tell,
                on_addresses=self._fates.check_target,
                sessions=sessions,
            )
            self._targets.append(target)
            await target.resolve()
        await self._unless_stopped(self._try_targets())

    async def _try_targets(self) -> None:
        await asyncio.gather(*(target.try_connection() for target in self._targets))

    async def _unless_stopped(self, work: Coroutine[Any, Any, None]) -> None:
        """Wait for something, but no longer than until a signal comes."""
        task, stop = asyncio.create_task(work), asyncio.create_task(self._stop.wait())
        await asyncio.wait((task, stop), return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if task.done():
            task.result()
        task.cancel()

    def _outcomes(self, sessions: Sessions | None) -> Callable[[Outcome], None] | None:
        """Who wants to know what a target answers, if anybody does; `sessions` are those that are re-bound there."""
        wanted = []
        if self._shape is not None and self._shape.wants_answers:
            wanted.append(self._shape.outcome)
        if self.ledger.schedule is not None:
            wanted.append(self._on_timed)
        if len(wanted) < 2 and sessions is None:
            return wanted[0] if wanted else None

        def all_of(outcome: Outcome) -> None:
            if sessions is not None:
                outcome = sessions.outcome(outcome)
            for take in wanted:
                take(outcome)

        return all_of

    def _on_timed(self, outcome: Outcome) -> None:
        if self._scheduled is not None:
            self._scheduled.outcome(outcome)

    def _open_sinks(self) -> None:
        if self.settings.dry_run or self._stages is None:
            return
        loop = asyncio.get_running_loop()

        def notify(text: str) -> None:  # from a sink's thread
            loop.call_soon_threadsafe(self.tell, text)

        for settings in self.settings.sinks:
            masker = masker_of(self.settings.mask, self._stages.key) if settings.mask else None
            sink = open_sink(settings, masker, notify)
            self._sinks.append(sink)
            self.ledger.sinks[sink.account.name] = sink.account

    async def _close_sinks(self) -> None:
        """Give out what is left, and let every sink write what waits."""
        if self._joiner is not None:
            self._joiner.finish()
        loop = asyncio.get_running_loop()
        for sink in self._sinks:
            await loop.run_in_executor(None, sink.close)
        if self._stages is not None:
            await self._stages.close(self.settings.grace_s)
        self._refresh()

    async def _serve(self, served: list[HttpServer]) -> None:
        """Show the run to those who ask."""
        settings, reporter = self.settings, self._reporter
        if settings.status_address is not None:
            served.append(StatusServer(*settings.status_address, self.ledger, health=_health(settings)))
        if settings.ui_address is not None and reporter is not None:
            parts = partial(reporter.live_parts, self.ledger)
            served.append(PageServer(*settings.ui_address, frame=reporter.frame, parts=parts))
        for server in served:
            await server.start()

    def _tell_start(self, sources: list[LiveSource | FileSource], served: list[HttpServer]) -> None:
        if self._view is None:
            return
        lines = [f"from {source.name}" for source in (*sources, *self._stored)]
        lines += [f"to {target.account.name}" for target in self._targets]
        lines += [f"to {sink.account.name}" for sink in self._sinks]
        if self.settings.dry_run:
            lines.append("dry run: nothing is sent")
        lines += [server.described for server in served]
        self._started = True
        self._view.start(self.ledger, lines)
        for source in sources:
            warning = getattr(source, "warning", None)
            if warning:
                self.tell(f"{source.name}: {warning}")
        if self._targets:
            self._warn_of_kept()

    def _warn_of_kept(self) -> None:
        """Say what is known of kept messages that are about to be sent again."""
        for url in self.settings.sources:
            spec = parse(url)
            if not isinstance(spec, StoredSpec):
                continue
            if spec.kind == "gor" and not self.settings.allow_production_target:
                self.tell(f"{url}: {_NO_GUARD}")
            elif is_masked(spec, key_file=self.settings.recording_key):
                self.tell(f"{url}: {_MASKED}")

    def _begin(self, sources: list[LiveSource | FileSource], specs: list[SourceSpec]) -> None:
        files: list[tuple[FileSource, Decapsulator]] = []
        if any(isinstance(source, LiveSource) for source in sources):
            ask_for_short_slices()
        for source, spec in zip(sources, specs, strict=True):
            road = self._pipeline.road(vnis=spec.vnis, ports=spec.ports | frozenset(self.settings.ports))
            if isinstance(source, LiveSource):
                reader = LiveReader(self, source, road)
                self._live.append(reader)
                reader.start()
            else:
                files.append((source, road))
        if files:
            pipeline = self._new_pipeline(_FILE_CONNECTIONS if self._live else 0)
            self._files = FileReader(self, files, pipeline)

    def _open_kept(self, specs: list[Spec]) -> list[Stored]:
        """Open what is read as messages, so that what is wrong with it is said before anything begins."""
        for spec in specs:
            if isinstance(spec, StoredSpec):
                apart = self.ledger.schedule is not None and spec.path != "-"
                self._stored.append(
                    (Apart if apart else open_stored)(spec, key_file=self.settings.recording_key)
                )
            elif isinstance(spec, FileSpec):
                ports = frozenset(self.settings.ports)
                capture = CaptureSource(spec, self._new_pipeline(0), ports)
                self.ledger.capture.setdefault(capture.name, capture.counters)
                self._stored.append(capture)
        return self._stored

    def _begin_kept(self, specs: list[Spec], stored: list[Stored]) -> None:
        settings, account = self.settings.schedule, self.ledger.schedule
        if not stored:
            return
        opened: list[Stored] | None = stored

        def lap() -> list[Stored]:
            nonlocal opened
            again, opened = opened, None
            if again is not None:
                return again
            before, self._stored = self._stored, []
            again = self._open_kept(specs)
            self._stored = before[-len(again) :] + again
            return again

        if settings is not None and account is not None:
            self._kept = self._scheduled = ScheduledReader(self, lap, settings, account)
            return
        first = FIRST_CONNECTION if self._live or self._files is not None else 0
        self._kept = KeptReader(self, lap, settings or ScheduleSettings(), first=first)

    def _was_sent_before(self, connection: int) -> bool:
        """Whether a connection of this number is one of a second lap, or a later one."""
        return self._kept is not None and self._kept.numbers.lap_of(connection) > 0

    def beside(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Begin something that goes on beside the rest; if it fails, the run ends."""
        task = asyncio.create_task(work)
        task.add_done_callback(self._look_back)
        return task

    def _look_back(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, RunError):
            self.break_off(error)
        elif error is not None:
            self._on_bug(asyncio.get_running_loop(), {"message": "it ended the run", "exception": error})

    # -- the end ---------------------------------------------------------------------------------------------

    async def _until_the_end(self) -> None:
        ticks = self.beside(self._ticks())
        stop: asyncio.Task[Any] = asyncio.create_task(self._stop.wait())
        files = [reader.task for reader in (self._files, self._kept) if reader is not None]
        ends = [stop] if self._live else [stop, *files]
        interrupted = not await self._first(stop, ends[1:])
        self.ledger.ended = self._why_over(interrupted)
        stop.cancel()
        self._take_the_rest()
        if self._shape is not None:
            await self._shape.drain(self.settings.grace_s if interrupted else None)
        await self._drain(wait=not interrupted)
        for target in self._targets:
            target.stop()
        ticks.cancel()
        await asyncio.wait([ticks, stop, *files])

    async def _first(self, stop: asyncio.Task[Any], files: list[asyncio.Task[None]]) -> bool:
        """Wait until all files are read, or somebody stops the run, or its time is over; whether it was the first."""
        read = asyncio.gather(*files, return_exceptions=True) if files else None
        ends = [stop] if read is None else [stop, read]
        await asyncio.wait(ends, timeout=self.settings.duration_s, return_when=asyncio.FIRST_COMPLETED)
        return read is not None and read.done() and not self._stop.is_set()

    def _why_over(self, interrupted: bool) -> str:
        if not interrupted:
            return "the sources have ended"
        return "interrupted" if self._stop.is_set() else "the given duration is over"

    def _take_the_rest(self) -> None:
        try:
            for reader in self._live:
                reader.stop()
            self._fates.decide(self._pipeline.finish(time.time_ns()))
            if self._files is not None:
                self._files.stop()
            if self._kept is not None:
                self._kept.stop()
            if self._shape is not None:
                self._shape.finish()
        except Exception as error:
            self._on_bug(asyncio.get_running_loop(), {"message": "at the end of the run", "exception": error})

    async def _drain(self, *, wait: bool) -> None:
        """Let replays under way finish: in the grace period, after all the time they need if we may `wait`."""
        drained = asyncio.create_task(self._all_drained())
        stop, hurry = asyncio.create_task(self._stop.wait()), asyncio.create_task(self._hurry.wait())
        if wait:
            await asyncio.wait((drained, stop), return_when=asyncio.FIRST_COMPLETED)
        grace_s = self.settings.grace_s
        await asyncio.wait((drained, hurry), timeout=grace_s, return_when=asyncio.FIRST_COMPLETED)
        for task in (drained, stop, hurry):
            task.cancel()
        await asyncio.wait((drained, stop, hurry))

    async def _all_drained(self) -> None:
        for target in self._targets:
            await target.drain()

    def interrupt(self) -> None:
        """What a signal does: the first ends the run, the second does not wait for replays under way."""
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    def break_off(self, error: Exception) -> None:
        """The run cannot go on: stop, and raise `error` at the end."""
        self._broken = self._broken or error
        self._stop.set()

    def _on_bug(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """An exception that nobody caught."""
        error = context.get("exception")
        if isinstance(error, OSError) and "transport" in context:
            return  # a connection's own affair
        if isinstance(error, BrokenPipeError):
            self.break_off(error)  # whoever watched us is gone
            return
        loop.default_exception_handler(context)
        if isinstance(error, Exception):
            told = f"a bug in shadowtap: {error!r}; please report it with the lines above"
            self.break_off(RunError(told))

    # -- time ------------------------------------------------------------------------------------------------

    async def _ticks(self) -> None:
        shown, due = 0.0, time.monotonic() + _TICK_S
        while True:
            await asyncio.sleep(_TICK_S)
            now = time.monotonic()
            if self._comparer is not None:
                self._comparer.tick(now, wanted_s(), now - due)
            if self._live:
                self._fates.decide(self._pipeline.advance(time.time_ns()))
            for target in self._targets:
                target.tick(now)
            if self._shape is not None:
                self._shape.advance(now)
            if self._view is not None and now - shown >= _VIEW_S:
                shown = now
                self._refresh()
                self._view.tick(self.ledger, time.time_ns())
            due = time.monotonic() + _TICK_S

    # -- frames ----------------------------------------------------------------------------------------------

    def take(self, frames: Frames, road: Decapsulator) -> None:
        """A batch of a live source."""
        self._fates.decide(self._pipeline.feed(frames, road))

    def dispatch(self, messages: list[Message]) -> None:
        """Messages of a file, or of what was kept."""
        self._fates.decide(messages)

    # -- messages --------------------------------------------------------------------------------------------

    def has_room(self, request: Request) -> bool:
        """Whether every target can take a request of a file; those that are down or refused always can. So can
        sinks that do not lag behind."""
        for sink in self._sinks:
            if not sink.has_room():
                return False
        if self._joiner is not None and self._joiner.counters.open_now > _FILE_OPEN:
            return False
        return all(target.has_room(request, _FILE_BACKLOG) for target in self._targets)

    def _on_observation(self, observation: Observation) -> None:
        """All that will be known of a request is known."""
        if self._comparer is not None:
            observation = self._comparer.observed(observation)
        if self._reporter is not None:
            self._reporter.add(observation)
        for sink in self._sinks:
            sink.offer(observation)
        if self._stages is not None and self._stages.hooks is not None:
            self._stages.hooks.answers(observation)

    def _issued(self, target: str) -> Container[tuple[str, str]]:
        """Production's values and the target's that mean the same in a session."""
        sessions = self._sessions.get(target)
        return frozenset() if sessions is None else sessions.bindings

    def _refresh(self) -> None:
        """Bring those parts of the ledger up to date that others count."""
        if self._stages is not None:
            self._stages.refresh()
        for sink in self._sinks:
            sink.refresh()
        for sessions in self._sessions.values():
            sessions.refresh()
        if self.ledger.schedule is not None and self._scheduled is not None:
            self._scheduled.report()

    def tell(self, text: str) -> None:
        """A notice for whoever watches."""
        if self._view is not None:
            self._view.event(text)


def _health(settings: Settings) -> Health:
    health = settings.health
    return Health(window_s=health.window_s, windows=health.windows, loss=health.loss)
