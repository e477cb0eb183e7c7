"""The mirror: takes the packets of production and sends copies as VXLAN, with the flaws that a network has.

A few copies overtake the one before and a few come twice; of the large ones, which are the shop's pictures, a few are
lost, so that there is something to see and no session breaks off by it.
"""

import asyncio
import socket
from contextlib import suppress
from random import Random

from shadowtap.demo.packets import vxlan

VNI = 7
LOST, SWAPPED, TWICE = 0.003, 0.01, 0.005
"""Shares of the packets; of those that are lost, only the large ones."""
LARGE = 1400
"""Octets of a packet that may be lost."""


class Mirror:
    """Sends to a collector on this machine. A full socket buffer drops packets, as a real mirror does."""

    def __init__(self, port: int, dice: Random) -> None:
        self._dice = dice
        self._late: bytes | None = None
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.connect(("127.0.0.1", port))

    def send(self, frames: list[bytes]) -> None:
        """Mirror some packets."""
        for frame in frames:
            fate = self._dice.random()
            if fate < LOST and len(frame) > LARGE:
                continue
            if fate < LOST + SWAPPED and self._late is None:
                self._late = frame
                asyncio.get_running_loop().call_later(0.005, self._catch_up)
                continue
            self._put(frame)
            if fate > 1 - TWICE:
                self._put(frame)
            self._catch_up()

    def _catch_up(self) -> None:
        late, self._late = self._late, None
        if late is not None:
            self._put(late)

    def _put(self, frame: bytes) -> None:
        with suppress(BlockingIOError, ConnectionRefusedError):
            self._socket.send(vxlan(VNI, frame))
