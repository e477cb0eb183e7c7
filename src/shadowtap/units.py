"""The units in which people write durations and sizes."""

NANOSECONDS: dict[str, float] = {
    "ns": 1,
    "us": 1e3,
    "µs": 1e3,
    "ms": 1e6,
    "s": 1e9,
    "m": 60e9,
    "min": 60e9,
    "h": 3600e9,
    "d": 86400e9,
}
"""Units of durations."""
DURATION_UNITS = "|".join(sorted(NANOSECONDS, key=len, reverse=True))
"""A regular expression of them, the longest first."""
BYTES: dict[str, int] = {
    "": 1,
    "b": 1,
    **{f"{letter}b": 1000**power for power, letter in enumerate("kmgt", 1)},
    **{f"{letter}ib": 1024**power for power, letter in enumerate("kmgt", 1)},
}
"""Units of sizes in lower case. There is no bare M: it means 10⁶ to some readers and 2²⁰ to others."""
