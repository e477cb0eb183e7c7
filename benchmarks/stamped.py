"""A target that says how long ago each request left its client: the generator's --stamp is in the URL.

Run as a program. It prints `ready`, answers every GET with 1 KiB (/count with how many there were), and on
SIGTERM ends with one JSON line: {"requests": N, "p50_ms": …, "p90_ms": …, "p99_ms": …, "max_ms": …}. Client,
production and target share one kernel, so CLOCK_MONOTONIC is one clock.
"""

import asyncio
import json
import signal
import time
from array import array
from typing import cast

import uvloop

_END = b"\r\n\r\n"
_STAMP = b"?t="
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n" + b"x" * 1024


class Stamped(asyncio.Protocol):
    """One connection; requests have no bodies."""

    def __init__(self, delays: "array[int]") -> None:
        self._delays = delays
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to answer."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Take the time of every request that is complete."""
        now = time.monotonic_ns()
        *heads, self._rest = (self._rest + data).split(_END)
        for head in heads:
            if head.startswith(b"GET /count"):
                count = b"%d" % len(self._delays)
                self._transport.write(
                    b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(count), count)
                )
                continue
            at = head.find(_STAMP) + len(_STAMP)
            self._delays.append(now - int(head[at : head.index(b" ", at)]))
            self._transport.write(_ANSWER)


def summary(delays: "array[int]") -> dict[str, float]:
    """Quantiles of nanoseconds, in milliseconds."""
    ordered = sorted(delays)
    if not ordered:
        return {"requests": 0}
    at = {"p50_ms": 0.5, "p90_ms": 0.9, "p99_ms": 0.99, "max_ms": 1.0}
    last = len(ordered) - 1
    quantiles = {
        name: round(ordered[min(last, int(len(ordered) * share))] / 1e6, 3) for name, share in at.items()
    }
    return {"requests": len(ordered), **quantiles}


async def _serve() -> None:
    delays = array("q")
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    await loop.create_server(lambda: Stamped(delays), "0.0.0.0", 8080, backlog=4096)
    print("ready", flush=True)
    await ended.wait()
    print(json.dumps(summary(delays)), flush=True)


if __name__ == "__main__":
    uvloop.run(_serve())
