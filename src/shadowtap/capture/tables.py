"""What `arrivals` does, with ctypes and NumPy: for where nothing is compiled."""

import ctypes
from collections.abc import Callable
from typing import Final

import numpy as np

from shadowtap.errors import RunError
from shadowtap.events import Bytes, Ints

_ROW: Final = 64
_GIGA: Final = np.int64(1_000_000_000)
_Receive = Callable[[int, int, int, int, None], int]


class Arrivals:
    """See `arrivals`."""

    def __init__(
        self, headers: Bytes, control: Bytes, lengths: Ints, times: Ints, stamp: int, room: int
    ) -> None:
        self._receive = _system_call()
        self._table = headers.ctypes.data
        rows = headers.reshape(-1, _ROW)
        stamps = control.reshape(-1, _ROW)
        self._sizes = rows[:, 56:60].view(np.uint32)[:, 0]
        self._rooms = rows[:, 40:48].view(np.uint64)[:, 0]
        self._kinds = stamps[:, 12:16].view(np.int32)[:, 0]
        self._seconds = stamps[:, 16:24].view(np.int64)[:, 0]
        self._nanoseconds = stamps[:, 24:32].view(np.int64)[:, 0]
        self._lengths, self._times = lengths, times
        self._stamp, self._room = stamp, room

    def receive(self, fd: int, flags: int) -> int:
        """Take what is waiting: how many messages, or the error number below zero."""
        count = self._receive(fd, self._table, len(self._lengths), flags, None)
        return count if count >= 0 else -ctypes.get_errno()

    def read(self, count: int) -> int:
        """Fill the first rows of the columns: how many octets the messages have, or -1 where one carries no time."""
        self._lengths[:count] = self._sizes[:count]
        self._times[:count] = self._seconds[:count] * _GIGA + self._nanoseconds[:count]
        stamped = (self._kinds[:count] == self._stamp) & (self._rooms[:count] == self._room)
        return int(self._lengths[:count].sum()) if stamped.all() else -1


def _system_call() -> _Receive:
    if ctypes.sizeof(ctypes.c_void_p) != 8:
        raise RunError("receiving live packets needs a 64-bit Linux")
    try:
        function = ctypes.CDLL(None, use_errno=True).recvmmsg
    except AttributeError:
        raise RunError("receiving live packets needs Linux (recvmmsg)") from None
    function.argtypes = (
        ctypes.c_int,
        ctypes.c_void_p,
        ctypes.c_uint,
        ctypes.c_int,
        ctypes.c_void_p,
    )
    function.restype = ctypes.c_int
    call: _Receive = function
    return call
