"""Compares the header fields of two answers.

    header_missing, header_extra, header_value      where: `header content-type`
    cookie_missing, cookie_extra, cookie_attribute  where: `cookie sid`; the value of a cookie is its owner's affair

Fields that say who answered, when and by which road are left out, of some only the presence counts (`header_names`).
Lists whose order means nothing are sets. Lines that are equal in both heads are not looked at twice: they are most.
Where two heads have the same fields in the same order, as those of two versions of one program have, it is often
seen at once that no difference counts.
"""

import re
from functools import lru_cache

from shadowtap.compare.differences import Differences
from shadowtap.compare.header_names import BALANCER_COOKIES
from shadowtap.http1 import headers

_KNOWN_BYTES = 64
"""Octets of a name that is remembered in lower case."""
_SETS = frozenset(
    ("vary", "allow", "cache-control", "access-control-allow-methods", "access-control-allow-headers")
)
_SET_PREFIX = ("access-control-expose", "accept-")
_NONCE = re.compile(r"'nonce-[^']*'")
_PARAMETER = re.compile(r"\s*;\s*")
_COOKIE_TIMES = ("expires", "max-age")


def compare_heads(production: bytes, target: bytes, found: Differences) -> None:
    """Add the differences of two heads, their start lines left out."""
    ignored = found.given.rules.ignored_headers
    if _is_folded(production) or _is_folded(target):
        before, after = _fields(production), _fields(target)
    else:
        mine, theirs = production.split(b"\n")[1:], target.split(b"\n")[1:]
        if len(mine) == len(theirs) and _are_alike(mine, theirs, ignored):
            return
        before, after = _only_in(mine, set(theirs), ignored), _only_in(theirs, set(mine), ignored)
    if "set-cookie" in before or "set-cookie" in after:
        _cookies(before.pop("set-cookie", []), after.pop("set-cookie", []), found)
    for name in {**before, **after}:
        if name not in ignored:
            _field(name, before.get(name), after.get(name), found)


def _is_folded(head: bytes) -> bool:
    return b"\n " in head or b"\n\t" in head


def _are_alike(production: list[bytes], target: list[bytes], ignored: frozenset[str]) -> bool:
    """Whether two heads have the same fields in the same order, and those that differ are ignored, or are one cookie
    of which only the value differs. For as many lines of both."""
    cookie: tuple[bytes, bytes] | None = None
    for mine, theirs in zip(production, target, strict=True):
        if mine == theirs:
            continue
        first, _, value = mine.partition(b":")
        other, _, theirs_value = theirs.partition(b":")
        if len(first) > _KNOWN_BYTES or first != other:
            return False
        name = _known_name(first)
        if name in ignored:
            continue
        if name != "set-cookie" or cookie is not None or _outside_of(value) != _outside_of(theirs_value):
            return False
        cookie = mine, theirs
    return cookie is None or (cookie[0] not in target and cookie[1] not in production)


def _outside_of(value: bytes) -> tuple[str, str]:
    return _outside(value.decode("latin-1").strip())


def _only_in(lines: list[bytes], others: set[bytes], ignored: frozenset[str]) -> dict[str, list[str]]:
    """The fields whose lines the other head does not have, without those that are ignored."""
    found: dict[str, list[str]] = {}
    for line in lines:
        if line in others or line == b"\r" or not line:
            continue
        first, _, value = line.partition(b":")
        name = _known_name(first) if len(first) <= _KNOWN_BYTES else _name(first)
        if name not in ignored:
            found.setdefault(name, []).append(value.decode("latin-1").strip())
    return found


def _name(first: bytes) -> str:
    return first.decode("latin-1").strip().lower()


_known_name = lru_cache(maxsize=1024)(_name)


def _fields(head: bytes) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in headers(head):
        found.setdefault(name.lower().decode("latin-1"), []).append(value.decode("latin-1"))
    return found


def _field(name: str, before: list[str] | None, after: list[str] | None, found: Differences) -> None:
    where = f"header {name[:80]}"
    if before is None or after is None:
        kind = "header_extra" if before is None else "header_missing"
        found.add(kind, where, ", ".join(before or ()), ", ".join(after or ()))
    elif before != after and name not in found.given.rules.presence_headers:
        mine, theirs = _normal(name, before), _normal(name, after)
        if mine != theirs:
            found.add("header_value", where, ", ".join(before), ", ".join(after), (name,))


def _normal(name: str, values: list[str]) -> object:
    text = ", ".join(values)
    if name in _SETS or name.startswith(_SET_PREFIX):
        return {part.strip().lower() for part in text.split(",")}
    if name == "content-type":
        first, *parameters = _PARAMETER.split(text.strip().replace('"', "").lower())
        return first, {p.replace(" ", "") for p in parameters if p}
    if name.startswith("content-security-policy"):
        return _NONCE.sub("'nonce'", text)
    return text.strip()


def _cookies(before: list[str], after: list[str], found: Differences) -> None:
    if list(map(_outside, before)) == list(map(_outside, after)):
        return
    mine, theirs = dict(map(_cookie, before)), dict(map(_cookie, after))
    for name in {**mine, **theirs}:
        if name.startswith(BALANCER_COOKIES):
            continue
        where = f"cookie {name[:80]}"
        if name not in theirs:
            found.add("cookie_missing", where, "; ".join(sorted(mine[name])) or name, "")
        elif name not in mine:
            found.add("cookie_extra", where, "", "; ".join(sorted(theirs[name])) or name)
        elif mine[name] != theirs[name]:
            found.add(
                "cookie_attribute", where, "; ".join(sorted(mine[name])), "; ".join(sorted(theirs[name]))
            )


def _outside(value: str) -> tuple[str, str]:
    """A cookie without its value."""
    name, _, rest = value.partition("=")
    held, _, attributes = rest.partition(";")
    return name, attributes if held else "-"


def _attribute(text: str) -> str:
    """An attribute in one spelling: of a path the case counts, of a time only that there is one."""
    name, equals, value = text.partition("=")
    name = name.lower()
    if name.startswith(_COOKIE_TIMES):
        return name
    return f"{name}{equals}{value if name == 'path' else value.lower()}"


def _cookie(value: str) -> tuple[str, frozenset[str]]:
    """A cookie's name and attributes (RFC 6265, section 4.1); of those that are times only that they are there."""
    pair, *attributes = _PARAMETER.split(value)
    name, _, held = pair.partition("=")
    kept = {_attribute(attribute) for attribute in attributes}
    return name.strip(), frozenset(kept - {""} | ({"empty"} if not held else set()))
