from collections import Counter
from typing import Any

from shadowtap.events import Frames

LINKS: frozenset[int]

class Common:
    def __init__(self, vnis: frozenset[int], ports: frozenset[int]) -> None: ...
    def rows(
        self, frames: Frames, dropped: Counter[str] | None, *, acks: bool
    ) -> tuple[list[Any], int, int, list[int]]:
        """The rows are `SegmentRow`, or the number of a frame."""
