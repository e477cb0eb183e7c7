"""What does a recording cost beside live replay? One run without and one with `--to recording:DIR`, in turn.

    python benchmarks/beside.py [--rounds 5] [--seconds 8] [--rate 5000] [--check]

In the lab, as live.py: traffic that the kernel mirrors, over connections that stay open. Masking is on, as it is by
default. CPU is that of all threads and children from the first request until the program has ended, so that
finishing the Parquet file counts too. Exit code 1 with --check where an exchange was lost, packets were, or the
recording run took more than 1.6 times the CPU of the other.
"""

import argparse
import contextlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from contenders import PORT, VNI, VXLAN_PORT
from experiment import generate, settle
from laboratory import Collector, Lab, Missing, require
from loads import Kind, Load
from usage import busy_share, cpu_s, peak_rss_mb
from web import Web

MAX_RATIO = 1.6
PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Run:
    """One measurement: CPU in microseconds a request, and what went wrong."""

    cpu_us: float
    requests: int
    peak_mb: float
    problems: tuple[str, ...]
    file_bytes: float = 0.0


def measure(lab: Lab, args: argparse.Namespace, folder: Path | None) -> Run:
    """Replay, and with a folder record too."""
    load = Load(Kind.KEEP_ALIVE, args.rate, connections=args.connections)
    with contextlib.ExitStack() as stack:
        production = stack.enter_context(Web(lab.production))
        target = stack.enter_context(Web(lab.target))
        sinks = [f"http://{lab.v4.target}:{PORT}"] + ([f"recording:{folder}"] if folder else [])
        source = f"vxlan://{lab.v4.any}:{VXLAN_PORT}"
        collector = stack.enter_context(Collector(lab.collector, [source], sinks, args.option))
        before = sum(cpu_s(collector.pid))
        generate(lab, load, args.seconds)
        sent, arrived = settle(production, target)
        peak_mb = peak_rss_mb(collector.pid)
        used_s = _until_it_ended(collector) - before
        account = collector.ledger()
    return Run(
        used_s / max(arrived, 1) * 1e6,
        arrived,
        peak_mb,
        tuple(_problems(account, sent, arrived)),
        sum(s["details"]["file_bytes"] for s in account.get("sinks", ())) / max(arrived, 1),
    )


def _until_it_ended(collector: Collector) -> float:
    """End it; the CPU seconds it has used in all, read before its entry in the process table goes."""
    os.kill(collector.pid, signal.SIGTERM)
    os.waitid(os.P_PID, collector.pid, os.WEXITED | os.WNOWAIT)
    used_s = sum(cpu_s(collector.pid))
    collector.wait(PATIENCE_S)
    return used_s


def _problems(account: dict[str, Any], sent: int, arrived: int) -> list[str]:
    (source,) = account["capture"].values()
    found = {"packets lost by the kernel": source["kernel_drops"], "not replayed": sent - arrived}
    for sink in account.get("sinks", ()):
        found["lost by the recording"] = sum(sink["lost"].values())
        found["not recorded"] = sent - sink["written"]
    return [f"{count} {what}" for what, count in found.items() if count]


def compare(lab: Lab, args: argparse.Namespace) -> list[tuple[Run, Run]]:
    """Pairs of runs, one after the other, so that drift of the machine hits both alike."""
    pairs = []
    with lab.mirror(vni=VNI, port=VXLAN_PORT):
        for number in range(args.rounds):
            busy = busy_share()
            with tempfile.TemporaryDirectory(prefix="shadowtap-beside-") as name:
                order = (None, Path(name, "kept")) if number % 2 == 0 else (Path(name, "kept"), None)
                runs = {folder is not None: measure(lab, args, folder) for folder in order}
            alone, recorded = runs[False], runs[True]
            pairs.append((alone, recorded))
            print(
                f"replay {alone.cpu_us:.1f} µs, with a recording {recorded.cpu_us:.1f} µs: "
                f"{recorded.cpu_us / alone.cpu_us:.2f} times; machine {busy:.0%} busy before"
                + "".join(f"; {problem}" for run in (alone, recorded) for problem in run.problems),
                file=sys.stderr,
                flush=True,
            )
    return pairs


def tell(pairs: Sequence[tuple[Run, Run]], *, check: bool) -> int:
    """The figures; the exit code."""
    alone, recorded = (median(pair[i].cpu_us for pair in pairs) for i in (0, 1))
    ratio = median(pair[1].cpu_us / pair[0].cpu_us for pair in pairs)
    print(f"replay alone        {alone:6.1f} µs of CPU a request")
    print(f"with a recording    {recorded:6.1f} µs, {recorded - alone:.1f} µs more: {ratio:.2f} times")
    print(f"recorded            {median(pair[1].requests for pair in pairs):,.0f} exchanges a run", end="")
    print(f", {median(pair[1].file_bytes for pair in pairs):,.0f} bytes each on the disk")
    print(f"peak memory         {median(p[0].peak_mb for p in pairs):.0f} MiB alone", end="")
    print(f", {median(p[1].peak_mb for p in pairs):.0f} MiB with a recording")
    lost = [problem for pair in pairs for run in pair for problem in run.problems]
    for problem in lost:
        print(problem)
    return 1 if check and (lost or ratio > MAX_RATIO) else 0


def _arguments() -> argparse.Namespace:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--rounds", type=int, default=5, help="pairs of runs (default: 5)")
    options.add_argument("--seconds", type=float, default=8.0, help="of load in each run (default: 8)")
    options.add_argument("--rate", type=int, default=5_000, help="requests a second (default: 5000)")
    options.add_argument("--connections", type=int, default=50)
    options.add_argument("--option", action="append", default=[], help="a word more for shadowtap run")
    options.add_argument("--check", action="store_true", help="exit code 1 where a promise is broken")
    options.add_argument("--json", type=Path, metavar="FILE", help="every pair")
    return options.parse_args()


def main() -> int:
    """The program."""
    args = _arguments()
    try:
        require("nginx")
    except Missing as missing:
        print(missing, file=sys.stderr)
        return 2
    with Lab() as lab:
        pairs = compare(lab, args)
    if args.json:
        rows = [{"alone": pair[0].cpu_us, "recorded": pair[1].cpu_us} for pair in pairs]
        args.json.write_text(json.dumps(rows, indent=2) + "\n")
    return tell(pairs, check=args.check)


if __name__ == "__main__":
    sys.exit(main())
