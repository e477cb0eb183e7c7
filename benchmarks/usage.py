"""What a process and its children have used, and what the kernel dropped: read from /proc."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def _family(pid: int) -> Iterator[int]:
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found = children.read_text().split()
        except FileNotFoundError:
            continue
        for child in found:
            yield from _family(int(child))


def cpu_s(pid: int) -> tuple[float, float]:
    """User and system seconds of a process, all its threads, its children, and those it has waited for."""
    user = system = 0
    for member in _family(pid):
        fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        own_user, own_system, waited_user, waited_system = map(int, fields[11:15])
        user += own_user + waited_user
        system += own_system + waited_system
    return user * _TICK_S, system * _TICK_S


def _status_mb(pid: int, name: str) -> float:
    total_kb = 0
    for member in _family(pid):
        for line in Path(f"/proc/{member}/status").read_text().splitlines():
            if line.startswith(name):
                total_kb += int(line.split()[1])
    return total_kb / 1024


def rss_mb(pid: int) -> float:
    """Resident memory now, in MiB, children included."""
    return _status_mb(pid, "VmRSS:")


def peak_rss_mb(pid: int) -> float:
    """The most it ever was, in MiB, children included."""
    return _status_mb(pid, "VmHWM:")


def udp_drops(pid: int) -> int:
    """Datagrams that the UDP sockets of the process's namespace could not hold."""
    lines = [
        line for t in ("udp", "udp6") for line in Path(f"/proc/{pid}/net/{t}").read_text().splitlines()[1:]
    ]
    return sum(int(line.split()[-1]) for line in lines)


def backlog_drops() -> int:
    """Packets the kernel threw away between interfaces, anywhere on this machine: the lab's own loss."""
    return sum(int(line.split()[1], 16) for line in Path("/proc/net/softnet_stat").read_text().splitlines())


def busy_share(over_s: float = 0.3) -> float:
    """How busy the machine is with other things, 0 to 1: ask before a measurement, not during one."""
    before = _jiffies()
    time.sleep(over_s)
    idle, total = (now - then for now, then in zip(_jiffies(), before, strict=True))
    return 1 - idle / max(1, total)


def _jiffies() -> tuple[int, int]:
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return fields[3] + fields[4], sum(fields)
