"""When what was kept is sent again: speed, laps and a window of time."""

import re
from datetime import UTC, datetime

import msgspec

from shadowtap.config.kinds import Whole
from shadowtap.config.units import parse_duration
from shadowtap.errors import UsageError

_SPEED = re.compile(r"([0-9]+(?:\.[0-9]+)?)x?")
_CLOCK = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}.*")


class Moment(msgspec.Struct, frozen=True):
    """A moment of the traffic: `ns` since the Unix epoch, or since its first message."""

    ns: int
    from_start: bool

    def absolute(self, first_ns: int) -> int:
        """In nanoseconds since the epoch, if the traffic begins at `first_ns`."""
        return self.ns + first_ns if self.from_start else self.ns


class ScheduleSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`speed` is a factor, None: as fast as targets take it. `laps` is how often, 0: until interrupted."""

    speed: float | None = 1.0
    laps: Whole = 1
    since: Moment | None = None
    until: Moment | None = None


def parse_speed(text: str) -> float | None:
    """`2x`, `0.5x`, or `max` (None). Raises UsageError."""
    if text.strip().lower() == "max":
        return None
    found = _SPEED.fullmatch(text.strip().lower())
    speed = float(found[1]) if found else 0.0
    if not 0.001 <= speed <= 10_000:
        raise UsageError(f'--speed: expected a factor such as 2x or 0.5x, or max, not "{text}"')
    return speed


def parse_moment(text: str, option: str) -> Moment:
    """A time such as `2026-11-23T14:05:00Z` (UTC where it names no zone), or how long after the first message, such
    as `10m`. Raises UsageError."""
    try:
        if not _CLOCK.fullmatch(text.strip()):
            return Moment(round(parse_duration(text) * 1e9), from_start=True)
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(
            f'{option}: expected a time such as 2026-11-23T14:05:00Z, or 10m after the start, not "{text}"'
        ) from None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return Moment(
        (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1_000, from_start=False
    )
