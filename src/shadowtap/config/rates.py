"""Rates as people write them: "500/s", "30/m"."""

import re
from typing import Annotated

from msgspec import Meta

Rate = Annotated[float, Meta(gt=0, le=1e7, description='a rate such as "500/s" or "30/m"')]
"""Requests a second."""

_RATE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?/ ?(s|m|min|h)")
_PER = {"s": 1, "m": 60, "min": 60, "h": 3600}


def parse_rate(text: str) -> float:
    """Requests a second: "500/s", "30/m". Raises ValueError."""
    found = _RATE.fullmatch(text.strip().lower())
    if not found:
        raise ValueError(text)
    return float(found[1]) / _PER[found[2]]
