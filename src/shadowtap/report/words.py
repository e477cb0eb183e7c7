"""Numbers as people read them."""

from collections.abc import Mapping


def count(n: float) -> str:
    """`1,234,567`."""
    return f"{n:,.0f}"


def short(n: float) -> str:
    """At most five characters: `812`, `9,999`, `12.3k`, `123k`, `4.57M`."""
    if n < 9999.5:
        return count(n)
    for letter, size in (("k", 1e3), ("M", 1e6), ("G", 1e9)):
        value = n / size
        if value < 999.5:
            return f"{value:.3g}{letter}" if value < 99.95 else f"{value:.0f}{letter}"
    return f"{n / 1e12:.3g}T"


def rate(per_s: float) -> str:
    """`0`, `0.4`, `12`, `1,234`."""
    return f"{per_s:.1f}" if 0 < per_s < 9.95 else count(per_s)


def share(part: float, whole: float) -> str:
    """`12 %`, `0.34 %`, `< 0.01 %`; nothing of nothing is 0 %."""
    percent = 100 * part / whole if whole else 0.0
    if 0 < percent < 0.01:
        return "< 0.01 %"
    if percent >= 99.995 or percent >= 10 or percent == 0:
        # Never round up to all of it: one lost request in a million is not 100 %.
        return "100 %" if percent == 100 else f"{min(percent, 99.9):.3g} %"
    return f"{percent:.2g} %"


def nanoseconds(ns: float | None) -> str:
    """`870 µs`, `12.3 ms`, `1.20 s`; an unknown duration is a dash."""
    if ns is None:
        return "–"
    for unit, size in (("s", 1e9), ("ms", 1e6)):
        if ns >= 0.9995 * size:
            value = ns / size
            return f"{value:,.0f} {unit}" if value >= 99.95 else f"{value:.3g} {unit}"
    return f"{ns / 1e3:.0f} µs"


def elapsed(seconds: float) -> str:
    """`12.3 s`, `3 min 5 s`, `2 h 4 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, whole = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {whole} s"


def size(n: float) -> str:
    """`812 B`, `1.5 KiB`, `64 MiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if n < 1000:
            return f"{n:.3g} {unit}"
        n /= 1024
    return f"{n:,.3g} TiB"


def reasons(counts: Mapping[str, int], most: int = 4) -> str:
    """`lost_packets 30, closed_early 2`, the largest first; what is beyond `most` is added up."""
    ranked = sorted(((n, name) for name, n in counts.items() if n), key=lambda pair: (-pair[0], pair[1]))
    shown = [f"{name} {count(n)}" for n, name in ranked[:most]]
    rest = sum(n for n, _ in ranked[most:])
    return ", ".join([*shown, f"others {count(rest)}"] if rest else shown)


def statuses(counts: Mapping[int, int], most: int = 5) -> str:
    """`200: 812, 404: 3`, the most frequent first."""
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    shown = [f"{status}: {count(n)}" for status, n in ranked[:most]]
    rest = sum(n for _, n in ranked[most:])
    return ", ".join([*shown, f"others: {count(rest)}"] if rest else shown)
