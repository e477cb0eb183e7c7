"""Medians over rounds, as a table for people and as JSON."""

import json
import platform
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from experiment import Measurement
from loads import Load

_COLUMNS = (
    ("contender", "contender"),
    ("load", "load"),
    ("offered_per_s", "offered/s"),
    ("complete", "complete"),
    ("kernel_drops", "drops"),
    ("cpu_s_per_1000", "CPU s/1,000"),
    ("system_share", "system"),
    ("peak_rss_mb", "peak MiB"),
    ("latency_p50_ms", "p50 ms"),
    ("latency_p99_ms", "p99 ms"),
)
_NUMBERS = (
    "offered_per_s",
    "complete",
    "kernel_drops",
    "lab_drops",
    "cpu_s_per_1000",
    "system_share",
    "peak_rss_mb",
    "late_p99_ms",
    "latency_p50_ms",
    "latency_p99_ms",
)
Row = dict[str, object]


def medians(measurements: Sequence[Measurement]) -> list[Row]:
    """One row for each load and contender, in the order measured."""
    groups: dict[tuple[str, str], list[Measurement]] = defaultdict(list)
    for measurement in measurements:
        groups[measurement.load, measurement.contender].append(measurement)
    return [
        {
            "contender": who,
            "load": load,
            "rounds": len(group),
            **{name: _median(group, name) for name in _NUMBERS},
        }
        for (load, who), group in groups.items()
    ]


def _median(group: list[Measurement], name: str) -> float | None:
    values = [value for m in group if (value := getattr(m, name)) is not None]
    return round(median(values), 5) if values else None


def as_text(rows: Sequence[Row]) -> str:
    """Columns, aligned."""
    cells = [[title for _, title in _COLUMNS]]
    cells += [[_shown(name, row[name]) for name, _ in _COLUMNS] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(_COLUMNS))]
    return "\n".join("  ".join(_aligned(line, widths)) for line in cells)


def _aligned(line: list[str], widths: list[int]) -> list[str]:
    """Names to the left, numbers to the right."""
    return [
        cell.ljust(width) if i < 2 else cell.rjust(width)
        for i, (cell, width) in enumerate(zip(line, widths, strict=True))
    ]


def _shown(name: str, value: object) -> str:
    if value is None:
        return ""
    if name == "system_share":
        return f"{value:.0%}"
    if name == "complete":
        return f"{value:.3%}"
    return f"{value:,.0f}" if name == "offered_per_s" else str(value)


def broken_promises(rows: Sequence[Row], loads: Sequence[Load], who: str = "shadowtap") -> list[str]:
    """Where `who` does not keep what the loads promise."""
    found = {row["load"]: row for row in rows if row["contender"] == who}
    broken = []
    for load in loads:
        row = found.get(load.name, {})
        limits = (
            ("cpu_s_per_1000", load.cpu_limit, "CPU s per 1,000 requests"),
            ("peak_rss_mb", load.rss_limit, "MiB"),
            ("latency_p50_ms", load.p50_limit, "ms"),
            ("kernel_drops", 0 if load.complete else None, "packets dropped by the kernel"),
        )
        for name, limit, unit in limits:
            value = row.get(name)
            if limit is not None and isinstance(value, (int, float)) and value > limit:
                broken.append(f"{load.name}: {value} {unit}, promised at most {limit}")
        share = row.get("complete")
        if load.complete and isinstance(share, (int, float)) and share != 1:
            broken.append(f"{load.name}: {share:.3%} complete")
    return broken


def write_json(path: Path, measurements: Sequence[Measurement], rows: Sequence[Row]) -> None:
    """Every measurement, the medians, and on what they were taken."""
    machine = {"system": platform.platform(), "python": platform.python_version(), "processor": _processor()}
    everything = {"machine": machine, "medians": rows, "measurements": [m.as_dict() for m in measurements]}
    path.write_text(json.dumps(everything, indent=2) + "\n")


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.processor()
