"""How well a schedule is kept: a recording sent again to nginx, at production's speed and faster.

    python benchmarks/replay.py                          2,000 requests a second for 20 s, at speed 1
    python benchmarks/replay.py --rate 200 --speed 60x   an hour's timing in a minute

Production's requests come at random moments (a Poisson process). Timing is told twice: as `shadowtap replay`
measured it, and as nginx's log saw it (whole milliseconds), against the same plan; there the start is not known, so
the errors are those around the earliest percentile. Exit code 1 with --check if fewer than 99 % were within 5 ms of
their moment.
"""

import argparse
import json
import random
import socket
import subprocess
import sys
import tempfile
import time
from ipaddress import ip_address
from pathlib import Path

from shadowtap.events import Connection, Endpoint, Exchange, Observation, Request, Response
from shadowtap.record import Recorder

NOON_NS = 1_795_608_000 * 10**9
SERVER = Endpoint(ip_address("10.0.1.20"), 80)
WITHIN_S = 0.005
_CONFIG = """
daemon off;
master_process off;
error_log stderr error;
pid {folder}/pid;
events {{ worker_connections 16384; }}
http {{
    log_format timing '$msec $request_uri';
    access_log {folder}/access.log timing buffer=64k flush=1s;
    default_type text/plain;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{ listen 127.0.0.1:{port} backlog=16384; location / {{ return 200 "{answer}"; }} }}
}}
"""


def plan(rate: float, seconds: float, seed: int = 1) -> list[float]:
    """When production's requests came, in seconds from the first."""
    draw, now, moments = random.Random(seed), 0.0, [0.0]
    while (now := now + draw.expovariate(rate)) < seconds:
        moments.append(now)
    return moments


def record(folder: Path, moments: list[float], connections: int) -> None:
    """A recording of these requests, spread over connections that stay open."""
    recorder = Recorder(folder, queue=len(moments) + 1)
    ends = [
        Connection(n, Endpoint(ip_address("10.0.8.9"), 10_000 + n), SERVER, None) for n in range(connections)
    ]
    for n, moment in enumerate(moments):
        connection, at_ns = ends[n % connections], NOON_NS + round(moment * 1e9)
        target = b"/%d" % n
        head = b"GET %b HTTP/1.1\r\nHost: shop.example\r\nAccept: */*\r\n\r\n" % target
        request = Request(
            connection,
            n // connections,
            at_ns,
            at_ns,
            b"GET",
            target,
            b"HTTP/1.1",
            head,
            b"",
            False,
            (),
            None,
        )
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
        response = Response(
            connection,
            at_ns + 10**6,
            at_ns + 10**6,
            200,
            b"OK",
            b"HTTP/1.1",
            answer,
            b"ok",
            2,
            False,
            (),
            None,
        )
        recorder.offer(Observation(Exchange(request, response), "recorded", ()))
    recorder.close()


def serve(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """nginx on a free port of loopback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = folder / "nginx.conf"
    config.write_text(_CONFIG.format(folder=folder, port=port, answer="x" * 1024))
    process = subprocess.Popen(["nginx", "-p", str(folder), "-c", str(config)])
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return process, port
    raise SystemExit("nginx does not start")


def seen(log: Path, moments: list[float], speed: float) -> list[float]:
    """How late each request was in nginx's log, in seconds, against the plan that fits the earliest percentile."""
    offsets = []
    for line in log.read_text().splitlines():
        stamp, _, uri = line.partition(" ")
        offsets.append(float(stamp) - moments[int(uri[1:])] / speed)
    offsets.sort()
    start = offsets[len(offsets) // 100]
    return [offset - start for offset in offsets]


def main() -> int:
    """Measure once."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--rate", type=float, default=2000.0, help="production's requests a second")
    options.add_argument("--seconds", type=float, default=20.0, help="how long production was recorded")
    options.add_argument("--speed", default="1x")
    options.add_argument("--connections", type=int, default=50)
    options.add_argument("--check", action="store_true", help="exit code 1 where the promise is broken")
    args = options.parse_args()
    moments = plan(args.rate, args.seconds)
    with tempfile.TemporaryDirectory(prefix="shadowtap-replay-") as name:
        folder = Path(name)
        record(folder / "kept", moments, args.connections)
        nginx, port = serve(folder)
        try:
            command = [sys.executable, "-m", "shadowtap", "replay", f"recording:{folder}/kept"]
            command += [
                "--to",
                f"http://127.0.0.1:{port}",
                "--speed",
                args.speed,
                "--quiet",
                "--summary",
                "-",
            ]
            done = subprocess.run(command, check=True, capture_output=True)
        finally:
            nginx.terminate()
            nginx.wait()
        account = json.loads(done.stdout)
        late = seen(folder / "access.log", moments, float(args.speed.rstrip("x")))
    return tell(account, late, len(moments), check=args.check)


def tell(account: dict[str, object], late: list[float], requests: int, *, check: bool) -> int:
    """The figures; the exit code."""
    schedule, (target,) = account["schedule"], account["targets"]  # type: ignore[misc]
    lateness = schedule["lateness"]
    within = sum(error <= WITHIN_S for error in late) / len(late)
    print(
        f"{requests} requests in {account['elapsed_s']} s; answered {target['answered']}, failed {target['failed']}"
    )
    names = ("p50_ns", "p90_ns", "p99_ns", "p999_ns", "max_ns")
    row = "  ".join(f"{name[:-3]} {lateness[name] / 1e6:.2f} ms" for name in names)
    print(f"sent after the intended moment: {row}")
    ranks = [late[min(int(share * len(late)), len(late) - 1)] * 1000 for share in (0.5, 0.9, 0.99, 0.999, 1)]
    row = "  ".join(f"{n[:-3]} {ms:.1f} ms" for n, ms in zip(names, ranks, strict=True))
    print(f"in nginx's log:                 {row}")
    print(f"within {WITHIN_S * 1000:.0f} ms in nginx's log: {within:.3%}")
    good = within >= 0.99 and lateness["p99_ns"] <= WITHIN_S * 1e9 and target["answered"] == requests
    return 1 if check and not good else 0


if __name__ == "__main__":
    sys.exit(main())
