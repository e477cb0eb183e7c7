"""Compares two trees of elements, of HTML or XML.

    …_missing, …_extra      an element, a text or an attribute
    …_attribute             another value of an attribute
    …_text                  another text
    …_order                 the same elements in another order: one difference

`…` is html or xml. Places are written like `body/html/body/ul/li[]/@class` and `…/p/text`. A script or an attribute
that holds JSON is compared as JSON; classes of an HTML element are a set.
"""

from collections import Counter
from typing import Any

import msgspec

from shadowtap.compare.align import in_order
from shadowtap.compare.differences import Differences
from shadowtap.compare.json_body import NotJson, compare_json, parse_json
from shadowtap.compare.markup import Element

_encode = msgspec.json.encode
_SHOWN_NAMES = 40
MOVED_BYTES = 8 << 20
"""Octets of elements, written out, among which reordered ones are looked for; then they are compared in pairs."""


def compare_trees(production: Element, target: Element, found: Differences, kind: str) -> None:
    """Add the differences of two trees; `kind` is `html` or `xml`."""
    _Walk(found, kind).children(production, target, "body")


class _Walk:
    def __init__(self, found: Differences, kind: str) -> None:
        self._found = found
        self._kind = kind
        self._budget = MOVED_BYTES

    def element(self, production: Element, target: Element, where: str) -> None:
        if self._found.full:
            return
        self._attributes(production, target, where)
        self.children(production, target, where)

    def _attributes(self, production: Element, target: Element, where: str) -> None:
        if production.attributes == target.attributes:
            return
        for name, value in production.attributes.items():
            other = target.attributes.get(name)
            place = f"{where}/@{name[:_SHOWN_NAMES]}"
            if other is None:
                self._found.add(f"{self._kind}_missing", place, value, "", (name,))
            elif value != other and not (name == "class" and set(value.split()) == set(other.split())):
                self._found.add(f"{self._kind}_attribute", place, value, other, _path_of(production, name))
        for name, value in target.attributes.items():
            if name not in production.attributes:
                self._found.add(f"{self._kind}_extra", f"{where}/@{name[:_SHOWN_NAMES]}", "", value, (name,))

    def children(self, production: Element, target: Element, where: str) -> None:
        mine, theirs = production.children, target.children
        if mine == theirs:
            return
        if len(mine) == len(theirs) and list(map(_signature, mine)) == list(map(_signature, theirs)):
            if not self._moved(mine, theirs, where):
                repeated = _repeated(mine)
                for child, other in zip(mine, theirs, strict=True):
                    self._pair(child, other, where, repeated)
            return
        self._aligned(mine, theirs, where)

    def _moved(self, mine: list[Any], theirs: list[Any], where: str) -> bool:
        """Children that are the same in another order: one difference."""
        if len(mine) != len(theirs) or len(mine) < 2 or self._budget <= 0:
            return False
        written = list(map(_whole, mine))
        self._budget -= sum(map(len, written))
        if Counter(written) != Counter(map(_whole, theirs)):
            return False
        self._found.add(f"{self._kind}_order", where, _outline(mine), _outline(theirs))
        return True

    def _aligned(self, mine: list[Any], theirs: list[Any], where: str) -> None:
        if self._moved(mine, theirs, where):
            return
        names, others = list(map(_signature, mine)), list(map(_signature, theirs))
        found = in_order(names, others, names, others)
        changed = set(found.missing) | {i for i, _ in found.pairs}
        new = set(found.extra) | {j for _, j in found.pairs}
        same = zip(
            [i for i in range(len(mine)) if i not in changed],
            [j for j in range(len(theirs)) if j not in new],
            strict=False,
        )
        repeated = _repeated([*mine, *theirs])
        for i, j in same:
            self._pair(mine[i], theirs[j], where, repeated)
        for i in sorted(changed):
            self._found.add(f"{self._kind}_missing", _place(where, mine[i], repeated), _text_of(mine[i]), "")
        for j in sorted(new):
            self._found.add(
                f"{self._kind}_extra", _place(where, theirs[j], repeated), "", _text_of(theirs[j])
            )

    def _pair(self, child: "Element | str", other: "Element | str", where: str, repeated: set[str]) -> None:
        if child == other or self._found.full:
            return
        place = _place(where, child, repeated)
        if isinstance(child, Element) and isinstance(other, Element):
            self.element(child, other, place)
        elif isinstance(child, str) and isinstance(other, str):
            self._texts(child, other, place)

    def _texts(self, text: str, other: str, place: str) -> None:
        if text[:1] in ("{", "[") and other[:1] == text[:1]:
            try:
                values = parse_json(text.encode()), parse_json(other.encode())
            except (NotJson, UnicodeError):
                pass
            else:
                compare_json(*values, self._found, root=place)
                return
        self._found.add(f"{self._kind}_text", place, text, other, (place.rsplit("/", 2)[-2],))


def _signature(child: "Element | str") -> str:
    """What makes two children the same thing, whatever is in them."""
    if isinstance(child, str):
        return "text"
    named = child.attributes.get("id") or child.attributes.get("name") or ""
    return f"{child.name}#{named}" if named and not any(map(str.isdigit, named)) else child.name


def _whole(child: "Element | str") -> bytes:
    try:
        return _encode(child)
    except (RecursionError, ValueError, msgspec.MsgspecError):
        return b"%d" % id(child)


def _repeated(children: list[Any]) -> set[str]:
    """Names that more than one of the children has."""
    names = Counter(child.name for child in children if isinstance(child, Element))
    return {name for name, n in names.items() if n > 1}


def _place(where: str, child: "Element | str", repeated: set[str]) -> str:
    if len(where) > 400:
        return where
    if isinstance(child, str):
        return where + "/text"
    return f"{where}/{child.name[:_SHOWN_NAMES]}" + ("[]" if child.name in repeated else "")


def _path_of(element: Element, name: str) -> tuple[str, ...]:
    """The name that a value goes by: of a form's field its own name, as in `<input name=csrf value=…>`."""
    return (element.attributes.get("name") or name, name)


def _text_of(child: "Element | str") -> str:
    return child if isinstance(child, str) else f"<{child.name}>{_inner(child, 80)}"


def _inner(element: Element, room: int) -> str:
    parts: list[str] = []
    for child in element.children[:8]:
        parts.append(child if isinstance(child, str) else _inner(child, room) if room > 20 else "")
        room -= len(parts[-1])
        if room <= 0:
            break
    return " ".join(parts)[:80]


def _outline(children: list[Any]) -> str:
    return " ".join(_text_of(child) for child in children[:6])
