"""The speed table: shadowtap, and peers if asked, under the same loads in the lab.

    python benchmarks/live.py [--quick] [--rounds N] [--seconds S] [--json FILE]
    python benchmarks/live.py --peer "gor --input-raw-engine vxlan … --output-http {target_url}"

Needs root, nginx and the lab's programs. benchmarks/README.md says what the numbers mean.
"""

import argparse
import itertools
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from contenders import PLACEHOLDERS, VNI, VXLAN_PORT, Contender, parse_peer
from experiment import Measurement, measure
from laboratory import Lab, Missing, require
from loads import LOADS, QUICK, Load
from table import as_text, broken_promises, medians, write_json


def rounds(
    lab: Lab, loads: Sequence[Load], contenders: Sequence[Contender], count: int, seconds: float
) -> Iterator[Measurement]:
    """Every load by every contender, in turn, `count` times: drift of the machine hits all alike."""
    with lab.mirror(vni=VNI, port=VXLAN_PORT):
        for _, load, contender in itertools.product(range(count), loads, contenders):
            yield measure(lab, load, contender, seconds)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure live replication under load.")
    parser.add_argument("--quick", action="store_true", help="fewer loads, one round, shorter")
    parser.add_argument("--rounds", type=int, help="how often everything is measured (default: 3)")
    parser.add_argument("--seconds", type=float, help="of load in each measurement (default: 8)")
    parser.add_argument("--load", action="append", metavar="TEXT", help="only loads whose name contains this")
    parser.add_argument(
        "--peer",
        action="append",
        type=parse_peer,
        default=[],
        metavar="[NAME=]COMMAND",
        help=f"measure this in turn; {PLACEHOLDERS} are filled in",
    )
    parser.add_argument("--option", action="append", default=[], help="a word more for shadowtap run")
    parser.add_argument(
        "--compare",
        action="store_true",
        help="shadowtap also compares all answers, as a contender of its own",
    )
    parser.add_argument("--no-shadowtap", action="store_true", help="only the peers")
    parser.add_argument("--json", type=Path, metavar="FILE", help="every measurement, and the medians")
    parser.add_argument("--check", action="store_true", help="exit 1 where shadowtap breaks its promises")
    chosen = parser.parse_args()
    chosen.rounds = chosen.rounds or (1 if chosen.quick else 3)
    chosen.seconds = chosen.seconds or (4.0 if chosen.quick else 8.0)
    return chosen


def main() -> int:
    """The program."""
    chosen = _arguments()
    try:
        require("nginx")
    except Missing as missing:
        print(missing, file=sys.stderr)
        return 2
    own = [] if chosen.no_shadowtap else [Contender("shadowtap", options=tuple(chosen.option))]
    if chosen.compare:
        own.append(Contender("shadowtap comparing", options=(*chosen.option, "--compare")))
    contenders = [*own, *chosen.peer]
    loads = [load for load in (QUICK if chosen.quick else LOADS) if _wanted(load, chosen.load)]
    measurements = []
    with Lab() as lab:
        for measurement in rounds(lab, loads, contenders, chosen.rounds, chosen.seconds):
            print(_progress(measurement), file=sys.stderr, flush=True)
            measurements.append(measurement)
    rows = medians(measurements)
    print(as_text(rows))
    if chosen.json:
        write_json(chosen.json, measurements, rows)
    broken = broken_promises(rows, loads) if chosen.check else []
    for line in broken:
        print(f"broken promise: {line}", file=sys.stderr)
    return 1 if broken else 0


def _wanted(load: Load, words: list[str] | None) -> bool:
    return not words or any(word in load.name for word in words)


def _progress(m: Measurement) -> str:
    notes = f", the lab itself dropped {m.lab_drops}" if m.lab_drops else ""
    if m.late_p99_ms > 50:
        notes += f", requests left up to {m.late_p99_ms:.0f} ms late (p99)"
    if m.complete < 1 and m.account:
        notes += f", its ledger: {_losses(m.account)}"
    if m.busy_before > 0.1:
        notes += f", the machine was {m.busy_before:.0%} busy with something else"
    delay = f", p50 {m.latency_p50_ms} p99 {m.latency_p99_ms} ms" if m.latency_p50_ms else ""
    return (
        f"{m.contender} at {m.load}: {m.target} of {m.production} ({m.complete:.3%}), "
        f"{m.kernel_drops} drops, {m.cpu_s_per_1000} CPU s/1,000, {m.peak_rss_mb} MiB{delay}{notes}"
    )


def _losses(account: dict[str, Any]) -> str:
    """Where requests were lost, in the ledger's words."""
    target, (source,) = account["targets"][0], account["capture"].values()
    places = {
        "kernel_drops": source["kernel_drops"],
        "seen": account["requests"]["seen"],
        "incomplete": account["requests"]["incomplete"],
        "overflowed": target["overflowed"],
        "failed": target["failed"],
        "in_flight": target["in_flight"],
    }
    return ", ".join(f"{name} {value}" for name, value in places.items() if value)


if __name__ == "__main__":
    sys.exit(main())
