"""The tests' lab, for the benchmarks: `tests/lab` is not installed, so it is found from here."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
HERE = Path(__file__).parent
sys.path.insert(0, str(ROOT / "tests"))

from lab import (  # noqa: E402 - found through the line above
    Collector,
    Lab,
    Missing,
    Namespace,
    Process,
    Recorder,
    Relay,
    require,
    shadowtap,
    wait_for_tcp,
    wait_until,
)

__all__ = [
    "HERE",
    "ROOT",
    "Collector",
    "Lab",
    "Missing",
    "Namespace",
    "Process",
    "Recorder",
    "Relay",
    "require",
    "shadowtap",
    "wait_for_tcp",
    "wait_until",
]


def program(name: str) -> list[str]:
    """The words that start one of the benchmarks' own programs."""
    return [sys.executable, str(HERE / name)]
