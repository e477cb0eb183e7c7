"""Does memory stay flat? Connections come and go while the collector's resident memory is sampled.

    python benchmarks/churn.py [--minutes 10] [--rate 500] [--loss 0.01] [--json FILE]

Every request has a connection of its own. With --loss a relay loses that share of the mirror's packets, so that
connections also end unseen and leave only by time-out. The verdict compares the median of the last fifth of the
run with that of the second: connections that leave by time-out (five minutes) must have begun to.
"""

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from contenders import PORT, VNI, VXLAN_PORT, Contender, stop
from laboratory import Collector, Lab, Missing, Process, Relay, program, require
from usage import cpu_s, rss_mb
from web import Web

_RELAY_PORT = 4790
_GROWTH_MB, _GROWTH_SHARE = 4.0, 0.05


def sample(process: Process, load: Process, every_s: float) -> list[float]:
    """Resident memory in MiB, until the load ends."""
    samples = []
    while load.running():
        samples.append(round(rss_mb(process.pid), 2))
        time.sleep(every_s)
    return samples


def growth(samples: Sequence[float]) -> tuple[float, float]:
    """Median of the second fifth, and of the last."""
    fifth = max(1, len(samples) // 5)
    return median(samples[fifth : 2 * fifth] or samples), median(samples[-fifth:])


def run(lab: Lab, minutes: float, rate: float, loss: float) -> dict[str, object]:
    """The experiment; what it came to."""
    with contextlib.ExitStack() as stack:
        production, target = stack.enter_context(Web(lab.production)), stack.enter_context(Web(lab.target))
        process = stack.enter_context(Contender("shadowtap").start(lab))
        assert isinstance(process, Collector)
        port = VXLAN_PORT
        if loss:
            port = _RELAY_PORT
            stack.enter_context(Relay(lab.collector, port, (lab.v4.collector, VXLAN_PORT), drop=loss))
        stack.enter_context(lab.mirror(vni=VNI, port=port))
        options = ["--address", lab.v4.production, "--port", str(PORT)]
        options += ["--rate", str(rate), "--seconds", str(minutes * 60)]
        load = stack.enter_context(Process(lab.client, [*program("generator.py"), "one-each", *options]))
        load.wait_for_line("ready")
        samples = sample(process, load, every_s=max(0.1, minutes * 60 / 1000))
        used_s, sent, arrived = sum(cpu_s(process.pid)), production.requests(), target.requests()
        stop(process)
        account = process.ledger()
    before, after = growth(samples)
    return {
        "minutes": minutes,
        "rate": rate,
        "loss": loss,
        "production": sent,
        "target": arrived,
        "rss_first_mb": samples[0],
        "rss_second_fifth_mb": before,
        "rss_last_fifth_mb": after,
        "rss_peak_mb": max(samples),
        "cpu_s": round(used_s, 2),
        "flat": after - before <= max(_GROWTH_MB, before * _GROWTH_SHARE),
        "balanced": account["balanced"],
        "requests": account["requests"],
        "flows": account["flows"],
        "samples_mb": samples,
    }


def main() -> int:
    """The program."""
    parser = argparse.ArgumentParser(description="Sample memory under connection churn.")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--rate", type=float, default=500, help="connections a second")
    parser.add_argument("--loss", type=float, default=0, help="share of the mirror's packets")
    parser.add_argument("--json", type=Path, metavar="FILE")
    chosen = parser.parse_args()
    try:
        require("nginx")
    except Missing as missing:
        print(missing, file=sys.stderr)
        return 2
    with Lab() as lab:
        result = run(lab, chosen.minutes, chosen.rate, chosen.loss)
    if chosen.json:
        chosen.json.write_text(json.dumps(result, indent=2) + "\n")
    result.pop("samples_mb")
    for name, value in result.items():
        print(f"{name:22}{value}")
    return 0 if result["flat"] and result["balanced"] else 1


if __name__ == "__main__":
    sys.exit(main())
