"""The templates of a run: a tree of what was learned, and the last paths with their templates."""

from shadowtap.endpoints.paths import path_of, segments
from shadowtap.endpoints.segments import extension, piece
from shadowtap.endpoints.tree import Node

LIMIT = 4096
"""Nodes of the tree, at about half a kilobyte each; an application with so many endpoints is not known."""
REMEMBERED = 8192
"""Paths whose template is remembered; all are forgotten when there are more."""
REMEMBERED_BYTES = 512
"""Octets of a path that is remembered: at most 4 MiB of paths."""
REST = "**"
"""Stands for all that follows where the tree has no more room, or the path is too deep."""


class Endpoints:
    """Finds the template of a path.

    `limit` bounds the tree; paths for which it has no room get a template that ends in `**` and are counted in
    `overflowed`. A template is given once and for all paths alike, except that a place may turn from names to
    `{name}` when very many were seen there: `current` brings a template from before up to date.
    """

    __slots__ = ("_limit", "_nodes", "_remembered", "_root", "overflowed")

    def __init__(self, *, limit: int = LIMIT) -> None:
        self._limit = limit
        self._root = Node(rooty=True)
        self._nodes = 1
        self._remembered: dict[bytes, tuple[str, Node]] = {}
        self.overflowed = 0

    def template(self, method: bytes | str, target: bytes | str) -> str:
        """The template of a request target, such as `/users/{id}`; the method is not part of it.

        Takes the target as it stood in the request line: a path with or without query, an absolute URL, `*`, or
        the authority of a CONNECT (`{authority}`). Any octets will do.
        """
        if isinstance(target, str):
            target = target.encode("utf-8", "surrogateescape")
        path = target.partition(b"?")[0]
        known = self._remembered.get(path)
        if known is not None:
            known[1].hits += 1
            return known[0]
        if method in (b"CONNECT", "CONNECT"):
            return "{authority}"
        return self._learn(path)

    def current(self, template: str) -> str:
        """A template that was given before, as it would be given now."""
        if not template.startswith("/"):
            return template
        names = [name for name in template.split("/") if name]
        node: Node | None = self._root
        for at, name in enumerate(names):
            key = node.known(name) if node else None
            names[at] = key or name
            node = node.children[key] if node and key else None
        return _render(names, template.endswith("/") and bool(names))

    def __len__(self) -> int:
        """The nodes of the tree."""
        return self._nodes

    def _learn(self, path: bytes) -> str:
        if path == b"*":
            return "*"
        parts, slash = segments(path_of(path))
        names, node, settled = self._descend([piece(part) for part in parts])
        node.hits += 1
        template = _render(names, slash)
        if settled and len(path) <= REMEMBERED_BYTES and path.startswith(b"/"):
            if len(self._remembered) >= REMEMBERED:
                self._remembered.clear()
            self._remembered[path] = (template, node)
        return template

    def _descend(self, names: list[str]) -> tuple[list[str], Node, bool]:
        """Down the tree, which grows: the template's names, the node where it ends, and whether it may be
        remembered: not where a segment below the root is still counted as a candidate for a route."""
        node, found, settled = self._root, list[str](), True
        for name in names:
            key = node.known(name)
            if key is None:
                if self._nodes >= self._limit:
                    self.overflowed += 1
                    return [*found, REST], node, True
                key = self._grow(node, name)
            elif key != name and node.rooty:
                settled = False
                if node.turns_out_a_route(name):
                    key = name
                    self._add(node, name)
            node = node.children[key]
            found.append(key)
        return found, node, settled

    def _grow(self, node: Node, name: str) -> str:
        """A new child, and what follows when there are now too many; its key."""
        self._add(node, name)
        if not node.is_full(name):
            return name
        node.merge(extension(name))
        self._nodes = self._root.size()
        self._remembered.clear()
        return node.known(name) or name

    def _add(self, node: Node, name: str) -> None:
        self._nodes += 1
        node.add(name)


def _render(names: list[str], slash: bool) -> str:
    return "/" + "/".join(names) + ("/" if slash else "")
