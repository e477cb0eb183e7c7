"""Which segments are routes and which are values, learned from how many there are at one place.

A tree of the segments seen. Where a node has more children than `MANY`, they are values: they become one child,
`{name}` (files become one for each extension, `{name}.png`). Two things keep a scanner that tries thousands of paths
from washing out the real routes: children that were met a hundred times as often as half of the others stay as they
are, and directly below the root (or `/api`, `/v1`) it takes more children, and one that turns out to be frequent
afterwards is a route after all.
"""

import re
from statistics import median

from shadowtap.endpoints.segments import extension, is_parameter

MANY = 50
"""Different segments at one place that make it a parameter; a resource seldom has so many routes below it."""
MANY_AT_ROOT = 200
"""The same directly below the root, where an application has its routes side by side."""
FREQUENT = 100
"""How much more often than the median a child must have been met to stay as it is."""
CANDIDATES = 64
"""Segments at a parameter below the root that are counted, in case one of them is a route."""

NAME = "{name}"
_ROOT_LIKE = re.compile(r"(?:api|rest|public|internal|app|v\d{1,3}(?:\.\d)?)\Z", re.I)


class Node:
    """A place in a path. `hits` counts the paths that end here."""

    __slots__ = ("candidates", "children", "hits", "merged", "rooty")

    def __init__(self, *, rooty: bool) -> None:
        self.hits = 0
        self.rooty = rooty
        self.children: dict[str, Node] = {}
        self.merged: set[str] = set()
        self.candidates: dict[str, int] = {}

    def total(self) -> int:
        """Paths that end here or below."""
        return self.hits + sum(child.total() for child in self.children.values())

    def size(self) -> int:
        """Nodes from here down."""
        return 1 + sum(child.size() for child in self.children.values())

    def known(self, named: str) -> str | None:
        """The child's key for a segment, or None where it would be a new one."""
        if named in self.children:
            return named
        suffix = extension(named)
        return NAME + suffix if suffix in self.merged and not is_parameter(named) else None

    def add(self, named: str) -> "Node":
        """A new child."""
        child = self.children[named] = Node(rooty=self.rooty and _ROOT_LIKE.match(named) is not None)
        return child

    def is_full(self, named: str) -> bool:
        """Whether there are so many children of this one's sort that they are values."""
        if len(self.children) <= MANY or is_parameter(named):
            return False
        return len(self._literals(extension(named))) > (MANY_AT_ROOT if self.rooty else MANY)

    def merge(self, suffix: str) -> None:
        """Make one parameter of the children with this extension, except for the frequent ones."""
        literals = self._literals(suffix)
        hits = {name: self.children[name].total() for name in literals}
        usual = median(hits.values())
        into = self.children.get(NAME + suffix) or self.add(NAME + suffix)
        self.merged.add(suffix)
        for name in literals:
            if hits[name] < FREQUENT * max(usual, 1):
                into.absorb(self.children.pop(name))

    def absorb(self, other: "Node") -> None:
        """Take over what was learned at another place."""
        self.hits += other.hits
        self.merged |= other.merged
        for name, child in other.children.items():
            mine = self.known(name)
            if mine is None:
                self.children[name] = child
            else:
                (self.children.get(mine) or self.add(mine)).absorb(child)
        for suffix in {extension(name) for name in self.children if not is_parameter(name)}:
            if len(self._literals(suffix)) > MANY:
                self.merge(suffix)

    def _literals(self, suffix: str) -> list[str]:
        return [name for name in self.children if extension(name) == suffix and not is_parameter(name)]

    def turns_out_a_route(self, named: str) -> bool:
        """Count a segment that was taken for a value below the root; True once it is so frequent that it must be a
        route (Misra and Gries, 1982: at most one in `CANDIDATES` can be)."""
        counts = self.candidates
        if named not in counts and len(counts) >= CANDIDATES:
            self.candidates = {name: n - 1 for name, n in counts.items() if n > 1}
            return False
        counts[named] = counts.get(named, 0) + 1
        return counts[named] >= FREQUENT and counts.pop(named) > 0
