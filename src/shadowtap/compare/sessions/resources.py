"""What a number is the number of: `order` in `/orders/1007`, `order_id=1007`, `{"order": {"id": 1007}}`."""

import re
from functools import lru_cache

_ID = re.compile(r"(.*?)[_-]?(?:id|Id|ID|uuid|Uuid|number|Number|no|ref)\Z")
_BARE = frozenset(("id", "_id", "uuid", "guid", "number", "ref", "reference", "href", "self"))


@lru_cache(maxsize=2048)
def _singular(name: str) -> str:
    name = name.lower().replace("-", "").replace("_", "")
    if name.endswith("ies") and len(name) > 4:
        return name[:-3] + "y"
    if name.endswith(("sses", "xes", "ches", "shes")):
        return name[:-2]
    return name[:-1] if name.endswith("s") and not name.endswith("ss") else name


def resource(name: str) -> str:
    """A name of a collection or of one of its things, in one form: `Orders` → `order`."""
    return _singular(name[:64])


def named_resource(name: str, around: str) -> str:
    """The resource that a field is the number of: `orderId` → `order`; of a bare `id` it is what is around it. Empty
    for fields that are no numbers of anything."""
    if name.lower() in _BARE:
        return around
    found = _ID.match(name[:64])
    return resource(found[1]) if found is not None and found[1] else ""


def path_resource(path: str) -> str:
    """The resource that a request to this path makes or is about: the last segment that is a name."""
    for segment in reversed(path.partition("?")[0].split("/")):
        if segment and not any(map(str.isdigit, segment)) and len(segment) <= 64:
            return resource(segment)
    return ""
