"""What does recording cost beside a running event loop, and does it lose anything?

    python benchmarks/record.py [--rate 5000] [--seconds 20] [--body 1024] [--mask] [--key] [--quick] [--check]

An asyncio loop offers exchanges every 2 ms, as the runner does after a batch of packets, on a fixed schedule. The
same loop runs without a recorder first; the difference in CPU time (all threads) is the recording's. The loop also
measures how late its own ticks are, since the writer's thread shares the interpreter. Answers are words of a random
vocabulary, which zstd compresses by about two thirds; both production's and one target's are kept.
"""

import argparse
import asyncio
import os
import random
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from statistics import quantiles

from shadowtap.events import Connection, Endpoint, Exchange, Observation, Outcome, Request, Response
from shadowtap.masking import Masker

TICK_S = 0.002
CONNECTIONS = 50
VARIETY = 16_000
"""Different exchanges, offered over and over: more than masking remembers, so that each is new to it."""
MAX_CPU_US = 40.0
"""What the project promises is at most 0.6 of replay's own 65 to 80 µs."""


def exchanges(body_bytes: int) -> list[Observation]:
    """GETs of a shop with cookies, as browsers send them, and their answers."""
    source = random.Random(1)
    words = [
        "".join(source.choices("abcdefghijklmnopqrstuvwxyz", k=source.randint(3, 10))) for _ in range(3_000)
    ]
    server = Endpoint(ip_address("10.1.0.1"), 80)
    clients = [
        Connection(n, Endpoint(ip_address(0x0A000000 + n), 40_000 + n), server, 7) for n in range(CONNECTIONS)
    ]
    return [
        _exchange(clients[n % CONNECTIONS], n, _text(source, words, body_bytes), source)
        for n in range(VARIETY)
    ]


def _text(source: random.Random, words: list[str], size: int) -> bytes:
    return " ".join(source.choices(words, k=size // 5 + 1)).encode()[:size]


def _exchange(connection: Connection, n: int, body: bytes, source: random.Random) -> Observation:
    target = b"/products/%d?page=%d" % (n, n % 7)
    head = (
        b"GET %b HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: */*\r\n"
        b"Cookie: session=%032x\r\n\r\n" % (target, source.getrandbits(128))
    )
    now = time.time_ns()
    request = Request(connection, n, now, now, b"GET", target, b"1.1", head, b"", False, (), None)
    answer = (
        b"HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Mon, 23 Nov 2026 12:00:00 GMT\r\n"
        b"Content-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(body)
    )
    response = Response(connection, now, now, 200, b"OK", b"1.1", answer, body, len(body), False, (), None)
    outcome = Outcome("http://staging", request, now, 900_000, 1_000_000, 200, answer, body, None)
    return Observation(Exchange(request, response), "replayed", (outcome,))


async def drive(
    offer: Callable[[Observation], object], found: list[Observation], rate: float, seconds: float
) -> list[float]:
    """Offer `rate` a second; how late each tick was, in ms."""
    start = time.perf_counter()
    done, late = 0, []
    for tick in range(1, int(seconds / TICK_S) + 1):
        due = start + tick * TICK_S
        await asyncio.sleep(max(due - time.perf_counter(), 0))
        late.append((time.perf_counter() - due) * 1e3)
        wanted = int(rate * tick * TICK_S)
        for n in range(done, wanted):
            offer(found[n % VARIETY])
        done = wanted
    return late


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measured(
    offer: Callable[[Observation], object],
    close: Callable[[], None],
    args: argparse.Namespace,
    found: list[Observation],
) -> tuple[float, list[float]]:
    """CPU seconds up to the end of `close`, and the lateness of ticks."""
    before = _cpu_s()
    late = asyncio.run(drive(offer, found, args.rate, args.seconds))
    close()
    return _cpu_s() - before, late


def main() -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rate", type=float, default=5_000)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--body", type=int, default=1024, metavar="BYTES")
    parser.add_argument("--mask", action="store_true", help="mask secrets, as recordings do by default")
    parser.add_argument("--key", action="store_true", help="encrypt")
    parser.add_argument("--quick", action="store_true", help="5 seconds")
    parser.add_argument(
        "--check", action="store_true", help="exit code 1 where something was lost, or it cost too much"
    )
    parser.add_argument("--folder", type=Path, help="record there (default: a temporary folder)")
    args = parser.parse_args()
    args.seconds = 5 if args.quick else args.seconds
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")  # as a run does, before Arrow is loaded
    from shadowtap.record import Recorder, RecordingKey, StoreOptions  # noqa: PLC0415

    found = exchanges(args.body)
    idle_s, idle_late = measured(lambda _: None, lambda: None, args, found)
    root = args.folder or Path(tempfile.mkdtemp(prefix="shadowtap-record-"))
    recorder = Recorder(
        root / "recording",
        mask=Masker(b"a key for the benchmark").observation if args.mask else None,
        key=RecordingKey(bytes(range(32))) if args.key else None,
        options=StoreOptions(free_bytes=0),
        notify=lambda line: print(line, file=sys.stderr),
    )
    busy_s, late = measured(recorder.offer, recorder.close, args, found)
    counters = recorder.counters
    each_us = (busy_s - idle_s) / max(counters.offered, 1) * 1e6
    print(f"offered {counters.offered:,} at {args.rate:,.0f}/s; lost {dict(counters.lost) or 'none'}")
    print(f"CPU {each_us:.1f} µs an exchange ({busy_s:.2f} s, the loop alone {idle_s:.2f} s)")
    print(
        f"{counters.file_bytes / max(counters.written, 1):,.0f} bytes an exchange in {counters.files} files"
    )
    print(f"ticks late: {_lateness(late)}; without recording {_lateness(idle_late)}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    if args.folder is None:
        shutil.rmtree(root)
    broken = counters.lost.total() or counters.waiting or (not args.mask and each_us > MAX_CPU_US)
    return 1 if args.check and broken else 0


def _lateness(late: list[float]) -> str:
    cuts = quantiles(late, n=1000)
    return f"median {cuts[499]:.2f} ms, 99 % {cuts[989]:.2f} ms, most {max(late):.1f} ms"


if __name__ == "__main__":
    sys.exit(main())
