"""Being woken up in time on a busy machine.

A process that wakes up waits until whoever has the processor has used up its slice of time: some 3 ms, which is most
of what a schedule may be late. Linux from 6.12 on lets one ask for shorter slices, and then wakes it up before those
who have longer ones. It takes no more time in all, and nobody's leave. Elsewhere nothing happens.
"""

import ctypes
import os
import platform
import struct

SLICE_NS = 200_000
"""A fraction of a millisecond, in which requests are sent at once."""

_NUMBERS = {"x86_64": (314, 315), "aarch64": (274, 275)}
"""The system calls sched_setattr(2) and sched_getattr(2), which the C library has no functions for before 2.41."""
_ATTRIBUTES = struct.Struct("=IIQiIQQQ")
"""struct sched_attr, version 0: size, policy, flags, niceness, priority, runtime, deadline, period. With ordinary
policies the runtime is the length of a slice."""


def ask_for_short_slices() -> bool:
    """Ask for the calling thread; whether the system has agreed."""
    numbers = _NUMBERS.get(platform.machine()) if platform.system() == "Linux" else None
    if numbers is None:
        return False
    system = ctypes.CDLL(None).syscall
    there = ctypes.create_string_buffer(_ATTRIBUTES.size)
    if system(numbers[1], 0, there, _ATTRIBUTES.size, 0):
        return False
    size, policy, flags, nice, priority, _, deadline, period = _ATTRIBUTES.unpack(there.raw)
    if policy != os.SCHED_OTHER:
        return False
    wanted = _ATTRIBUTES.pack(size, policy, flags, nice, priority, SLICE_NS, deadline, period)
    return not system(numbers[0], 0, wanted, 0)
