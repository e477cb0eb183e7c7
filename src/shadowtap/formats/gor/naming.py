"""Names of files that are written: `requests-%Y%m%d-%H.gor` becomes one file an hour, in UTC.

A file that has reached its size is followed by another with a number: `requests.gor`, `requests_1.gor`, … as
GoReplay numbers them, so that `requests*.gor` names them all.
"""

import re
import time
from pathlib import Path

_FIELDS = re.compile("%[YmdHMS%]")


def dated(pattern: str, now_ns: int) -> str:
    """The pattern with %Y %m %d %H %M %S put in for this time, in UTC; %% is a percent sign."""
    if "%" not in pattern:
        return pattern
    moment = time.gmtime(now_ns // 10**9)
    return _FIELDS.sub(lambda found: time.strftime(found[0], moment), pattern)


def numbered(path: Path, number: int) -> Path:
    """The name of a file that follows others: the first has no number."""
    if not number:
        return path
    stem, ends = split(path)
    return path.with_name(f"{stem}_{number}{ends}")


def last_number(path: Path) -> int:
    """The highest number that exists, -1 where not even the first file does."""
    stem, ends = split(path)
    shape = re.compile(re.escape(stem) + r"(?:_([0-9]{1,9}))?" + re.escape(ends))
    found = [shape.fullmatch(other.name) for other in path.parent.iterdir()] if path.parent.is_dir() else []
    return max((int(match[1] or 0) for match in found if match), default=-1)


def split(path: Path) -> tuple[str, str]:
    """`requests.gor.gz` is `requests` and `.gor.gz`."""
    name = path.name
    packed = ".gz" if name.endswith(".gz") else ""
    name = name.removesuffix(packed)
    stem, dot, ending = name.rpartition(".")
    return (stem, dot + ending + packed) if stem else (name, packed)
