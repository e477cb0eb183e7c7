"""Capture files: read in a thread, together, in the order of their packets' times, as fast as targets take them."""

import asyncio
import heapq
from collections.abc import Iterator
from itertools import repeat
from typing import TYPE_CHECKING

from shadowtap.capture import FileSource
from shadowtap.decap import Decapsulator
from shadowtap.events import Frames, Message, Request
from shadowtap.pipeline import Pipeline

if TYPE_CHECKING:
    from shadowtap.runner.runner import Runner


class FileReader:
    """Reads all files together, each request when there is room for it. `task` ends with them."""

    def __init__(
        self, runner: "Runner", files: list[tuple[FileSource, Decapsulator]], pipeline: Pipeline
    ) -> None:
        self._runner = runner
        self._files = files
        self._pipeline = pipeline
        self._now_ns = 0
        self.task = runner.beside(self._read())

    @property
    def now_ns(self) -> int:
        """The capture time of what is being read."""
        return self._now_ns

    def stop(self) -> None:
        """Read no more, and end what is open."""
        self.task.cancel()
        self._runner.dispatch(self._pipeline.finish(self._now_ns))

    async def _read(self) -> None:
        loop, pipeline, batches = asyncio.get_running_loop(), self._pipeline, _in_time(self._files)
        while (batch := await loop.run_in_executor(None, next, batches, None)) is not None:
            frames, road = batch
            self._now_ns = max(self._now_ns, int(frames.time_ns[-1]))
            await self._dispatch(pipeline.feed(frames, road))
            await self._dispatch(pipeline.advance(self._now_ns))
        await self._dispatch(pipeline.finish(self._now_ns))
        for source, _ in self._files:
            if source.stopped:
                self._runner.tell(f"{source.name}: stopped: {source.stopped}")

    async def _dispatch(self, messages: list[Message]) -> None:
        await asyncio.sleep(0)
        for message in messages:
            while isinstance(message, Request) and not self._runner.has_room(message):
                await asyncio.sleep(0.002)
            self._runner.dispatch([message])


def _in_time(files: list[tuple[FileSource, Decapsulator]]) -> Iterator[tuple[Frames, Decapsulator]]:
    """The batches of all files in the order of their first packets, so that time goes one way."""
    batches = (zip(source, repeat(road)) for source, road in files)
    return iter(heapq.merge(*batches, key=lambda batch: int(batch[0].time_ns[0])))
