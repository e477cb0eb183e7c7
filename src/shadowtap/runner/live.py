"""Batches from one live source."""

import asyncio
from typing import TYPE_CHECKING

from shadowtap.capture import LiveSource
from shadowtap.decap import Decapsulator
from shadowtap.errors import RunError
from shadowtap.runner.pace import Pace

if TYPE_CHECKING:
    from shadowtap.runner.runner import Runner

_BATCHES_A_TURN = 16
"""Batches of one source handled before the loop turns to the targets."""


class LiveReader:
    """Takes batches from one live source: waits for the first packet, then looks again as `Pace` says."""

    def __init__(self, runner: "Runner", source: LiveSource, road: Decapsulator) -> None:
        self._runner = runner
        self._source = source
        self._road = road
        self._pace = Pace()
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    def start(self) -> None:
        """Wait for packets."""
        self._timer = None
        self._loop.add_reader(self._source.fileno(), self._readable)

    def stop(self) -> None:
        """Take what is there, and no more."""
        if self._timer is not None:
            self._timer.cancel()
        else:
            self._loop.remove_reader(self._source.fileno())
        self._take()

    def _readable(self) -> None:
        self._loop.remove_reader(self._source.fileno())
        self._again()

    def _again(self) -> None:
        packets = self._take()
        if not packets:
            self.start()
            return
        wait_ms = self._pace.wait_ms(packets, self._loop.time())
        self._timer = self._loop.call_later(wait_ms / 1000, self._again)

    def _take(self) -> int:
        packets = 0
        try:
            for _ in range(_BATCHES_A_TURN):
                frames = self._source.receive()
                if frames is None:
                    break
                packets += len(frames)
                self._runner.take(frames, self._road)
        except RunError as error:
            self._runner.break_off(error)
        return packets
