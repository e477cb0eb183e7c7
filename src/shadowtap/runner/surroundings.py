"""What a run takes from the process it runs in: signals, uncaught exceptions, files, certificates."""

import asyncio
import resource
import signal
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from shadowtap.config import TargetSettings
from shadowtap.errors import UsageError

_ENDS = (signal.SIGINT, signal.SIGTERM)
_SPARE_FILES = 256
"""File descriptors kept free of replay connections, or half of them where there are few."""


@contextmanager
def escaped(report: Callable[[asyncio.AbstractEventLoop, dict[str, Any]], None]) -> Iterator[None]:
    """Exceptions that escape from callbacks and tasks are reported while this lasts."""
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    loop.set_exception_handler(report)
    try:
        yield
    finally:
        loop.set_exception_handler(before)


@contextmanager
def signals(interrupt: Callable[[], object]) -> Iterator[None]:
    """SIGINT and SIGTERM call `interrupt`, between two lines of Python, while this lasts, and then what they called
    before; outside the main thread there are no signals.

    A loop's own way to take signals leaves the default behind for a moment when it ends, and the default kills.
    """
    before = {}
    with suppress(ValueError):
        for number in _ENDS:
            before[number] = signal.signal(number, lambda *_: interrupt())
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def tls(settings: TargetSettings) -> ssl.SSLContext:
    """How a target's certificate is checked. Raises UsageError for an unreadable ca_file."""
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ssl.SSLError) as error:
        why = "it holds none" if isinstance(error, ssl.SSLError) else (error.strerror or str(error)).lower()
        raise UsageError(
            f"{settings.ca_file}: no CA certificates to be read: {why}; name a PEM file"
        ) from None
    if not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context


def raise_file_limit() -> None:
    """Every connection is a file; the soft limit is 1,024 on most systems, the hard one far higher."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, 65_536) if hard != resource.RLIM_INFINITY else 65_536
    if soft < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def connections(targets: int) -> int:
    """How many connections each target may have open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max((soft - min(_SPARE_FILES, soft // 2)) // max(targets, 1), 1)
