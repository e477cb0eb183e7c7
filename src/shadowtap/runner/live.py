"""Batches from one live source."""

import asyncio
from typing import TYPE_CHECKING

from shadowtap.capture import LiveSource
from shadowtap.decap import Decapsulator
from shadowtap.errors import RunError
from shadowtap.runner.pace import Pace

if TYPE_CHECKING:
    from shadowtap.runner.runner import Runner

_PACKETS_A_TURN = 512
"""Packets of one source after which the loop turns to the targets. Their answers let the next requests go: with more
packets a turn, targets idle while the queues in front of them grow."""

_PACKETS_AT_THE_END = 100_000
"""Packets taken when the run stops: more than the kernel keeps for one source."""


class LiveReader:
    """Takes batches from one live source: waits for the first packet, then looks again as `Pace` says."""

    def __init__(self, runner: "Runner", source: LiveSource, road: Decapsulator) -> None:
        self._runner = runner
        self._source = source
        self._road = road
        self._pace = Pace()
        self._next: asyncio.Handle | None = None
        self._packets = 0
        self._loop = asyncio.get_running_loop()

    def start(self) -> None:
        """Wait for packets."""
        self._next = None
        self._loop.add_reader(self._source.fileno(), self._readable)

    def stop(self) -> None:
        """Take what is there, and no more."""
        if self._next is not None:
            self._next.cancel()
        else:
            self._loop.remove_reader(self._source.fileno())
        self._take(_PACKETS_AT_THE_END)

    def _readable(self) -> None:
        self._loop.remove_reader(self._source.fileno())
        self._again()

    def _again(self) -> None:
        packets, drained = self._take(_PACKETS_A_TURN)
        self._packets += packets
        if not drained:
            self._next = self._loop.call_soon(self._again)
        elif self._packets:
            wait_ms = self._pace.wait_ms(self._packets, self._loop.time())
            self._packets = 0
            self._next = self._loop.call_later(wait_ms / 1000, self._again)
        else:
            self.start()

    def _take(self, limit: int) -> tuple[int, bool]:
        """Handle batches until none is left or there were `limit` packets; how many, and whether none is left."""
        packets = 0
        try:
            while packets < limit:
                frames = self._source.receive()
                if frames is None:
                    return packets, True
                packets += len(frames)
                self._runner.take(frames, self._road)
        except RunError as error:
            self._runner.break_off(error)
            return packets, True
        return packets, False
