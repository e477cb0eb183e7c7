"""How long this thread has wanted to compute: the time it did, and the time it stood in line for a processor.

On a machine that others use too, a thread that never rests may still compute for half of the time only. The kernel
tells how long it waited (Documentation/scheduler/sched-stats.rst, `/proc/<pid>/schedstat`: three numbers, the second
is the time on a run queue in nanoseconds); where it does not, only the time that was computed counts.
"""

import os
import threading
import time
from pathlib import Path


def wanted_s() -> float:
    """Seconds since the thread began; ask in the thread itself. About 10 µs."""
    return time.thread_time() + waited_s(Path(f"/proc/self/task/{threading.get_native_id()}/schedstat"))


def waited_s(stat: Path) -> float:
    """Seconds in line for a processor, 0 where the kernel does not say."""
    try:
        fd = os.open(stat, os.O_RDONLY)
    except OSError:
        return 0.0
    try:
        fields = os.read(fd, 100).split()
        return int(fields[1]) / 1e9 if len(fields) > 1 else 0.0
    except (OSError, ValueError):
        return 0.0
    finally:
        os.close(fd)
