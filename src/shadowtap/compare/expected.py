"""Differences that follow from replaying, and values that may differ by their kind.

    class uuid, class hash, class token     made up anew each time
    replay: clock        a time, as much later as the target's answer came after production's
    replay: host         the target names itself where production names itself
    replay: issued       the number or name of what a request has just created
    replay: bound        a value that the target issued in place of production's earlier in the session
    replay: not modified 200 in place of 304 or the other way round: validators differ
    replay: written twice  (only with `shared_state`) a conflict, a thing already gone, a counter one further

A text is judged word by word, so that `order 1007 for ada` is compared as what it is. Words that differ must all
be explained.
"""

import re
from collections.abc import Container
from functools import lru_cache
from urllib.parse import urlsplit

from shadowtap.compare.places import Path
from shadowtap.compare.rules import Rules
from shadowtap.compare.values import SECOND_NS, same_class, time_of
from shadowtap.events import Exchange, Outcome
from shadowtap.http1 import field

SAFE = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE"))
"""Methods that ask for no change (RFC 9110, section 9.2.1)."""
_WORD = re.compile(r"[A-Za-z0-9][\w.:%+~=@-]*")
_ID_NAME = re.compile(r"(?:id|Id|ID|number|ref|href|location|url|path)\Z")
_LEAST_BOUND = 4
"""Characters from which a value that is bound means the same wherever it stands; a shorter one where ids stand."""
_MAX_WORDS_TEXT = 4096
"""Characters of a text that is judged word by word."""
_ISSUED = frozenset(("id", "_id", "uuid", "guid", "number", "reference", "href", "self", "location"))
_TWICE = frozenset(
    ((201, 409), (200, 409), (204, 409), (200, 404), (204, 404), (204, 410), (200, 410), (201, 422))
)


class Circumstances:
    """What is known of an exchange and its replay beside the two answers; most of it is worked out when it is asked
    for, since most answers are equal. `issued` are pairs of values that mean the same in this session."""

    __slots__ = ("_created", "_exchange", "_hosts", "_outcome", "delay_ns", "endpoint", "issued", "rules")

    def __init__(
        self,
        exchange: Exchange,
        outcome: Outcome,
        rules: Rules,
        endpoint: str = "",
        issued: Container[tuple[str, str]] = frozenset(),
    ) -> None:
        self.rules = rules
        self.endpoint = endpoint
        self.issued = issued
        answered = exchange.response.time_ns if exchange.response is not None else 0
        self.delay_ns = outcome.sent_ns + outcome.first_byte_ns - answered if outcome.sent_ns else 0
        self._exchange = exchange
        self._outcome = outcome
        self._hosts: tuple[str, str] | None = None
        self._created: str | None = None

    @property
    def hosts(self) -> tuple[str, str]:
        """By what names production and the target are called; the same where the target needs no other."""
        if self._hosts is None:
            request = self._exchange.request
            own = (field(request.head, b"host") or b"").decode("latin-1").lower() if request else ""
            self._hosts = own, _authority(self._outcome.target) or own
        return self._hosts

    @property
    def created(self) -> str:
        """The resource that the request may have made (`order` for `POST /orders`); empty for safe requests."""
        if self._created is None:
            request = self._exchange.request
            unsafe = request is not None and request.method not in SAFE
            self._created = _resource(request.target) if request is not None and unsafe else ""
        return self._created


@lru_cache(maxsize=64)
def _authority(target: str) -> str:
    try:
        return urlsplit(target).netloc.lower()
    except ValueError:
        return ""


def status_rule(production: int, target: int, given: Circumstances) -> str | None:
    """The rule by which another status means nothing, if there is one."""
    if {production, target} == {200, 304}:
        return "replay: not modified"
    if given.rules.shared_state and given.created and (production, target) in _TWICE:
        return "replay: written twice"
    return None


def value_rule(path: Path, production: object, target: object, given: Circumstances) -> str | None:
    """The rule by which another value at this path means nothing, if there is one."""
    if isinstance(production, str) and isinstance(target, str):
        return _text_rule(path, production, target, given)
    if isinstance(production, bool) or isinstance(target, bool):
        return None
    numbers = isinstance(production, int | float) and isinstance(target, int | float)
    if not numbers:
        return None
    return _scalar_rule(path, production, target, given) or _counter_rule(production, target, given)


def _text_rule(path: Path, production: str, target: str, given: Circumstances) -> str | None:
    whole = _scalar_rule(path, production, target, given)
    if whole is not None:
        return whole
    own, host = given.hosts
    if own == host or not own or host not in target.lower():
        return _words_rule(path, production, target, given)
    production, target = _renamed(production, own, own), _renamed(target, host, own)
    if production == target:
        return "replay: host"
    inner = _words_rule(path, production, target, given)
    return inner and f"replay: host, {inner}"


def _renamed(text: str, host: str, own: str) -> str:
    return re.sub(rf"(?:https?:)?//{re.escape(host)}(?![\w.-])", "//" + own, text, flags=re.I)


def _words_rule(path: Path, production: str, target: str, given: Circumstances) -> str | None:
    if max(len(production), len(target)) > _MAX_WORDS_TEXT or _WORD.sub("", production) != _WORD.sub(
        "", target
    ):
        return None
    words, others = _WORD.findall(production), _WORD.findall(target)
    if len(words) < 2 or len(words) != len(others):
        return None
    found: dict[str, None] = {}
    for word, other in zip(words, others, strict=True):
        if word != other:
            rule = _scalar_rule(path, word, other, given)
            if rule is None:
                return None
            found[rule] = None
    return ", ".join(found)


def _scalar_rule(path: Path, production: object, target: object, given: Circumstances) -> str | None:
    if _is_bound(path, production, target, given):
        return "replay: bound"
    if _is_clock(production, target, given):
        return "replay: clock"
    if isinstance(production, str) and isinstance(target, str):
        kind = same_class(production, target)
        if kind is not None and kind in given.rules.classes:
            return f"class {kind}"
    if given.created and type(production) is type(target) and _is_issued(path, given.created):
        return "replay: issued"
    return None


def _is_bound(path: Path, production: object, target: object, given: Circumstances) -> bool:
    pair = _text_of(production), _text_of(target)
    if pair not in given.issued:
        return False
    names = [step for step in path if isinstance(step, str)]
    return len(pair[0]) >= _LEAST_BOUND or (bool(names) and _ID_NAME.search(names[-1]) is not None)


def _text_of(value: object) -> str:
    """A value as text; of a number that has more digits than Python writes, nothing."""
    return value if isinstance(value, str) else str(value) if _is_short(value) else ""


def _is_short(value: object) -> bool:
    return not isinstance(value, int) or abs(value) < 1 << 128


def _is_clock(production: object, target: object, given: Circumstances) -> bool:
    before, after = time_of(production), time_of(target)
    if before is None or after is None or type(production) is not type(target):
        return False
    allowed = int(given.rules.clock_tolerance_s * SECOND_NS) + max(before.resolution_ns, after.resolution_ns)
    return abs(after.ns - before.ns - given.delay_ns) <= allowed


def _is_issued(path: Path, created: str) -> bool:
    names = [step for step in path if isinstance(step, str)]
    if not names or len(path) > 3:
        return False
    name = names[-1].lower().replace("_", "").replace("-", "")
    return names[-1].lower() in _ISSUED or name in (f"{created}id", f"{created}number", f"{created}uuid")


def _counter_rule(production: object, target: object, given: Circumstances) -> str | None:
    twice = given.rules.shared_state and given.created
    if twice and isinstance(production, int) and isinstance(target, int) and abs(target - production) == 1:
        return "replay: written twice"
    return None


def _resource(target: bytes) -> str:
    """`order` of `/shop/orders/`: what a request to this path may make."""
    path = target.partition(b"?")[0].rstrip(b"/")
    last = path.rpartition(b"/")[2][:64].decode("latin-1").lower()
    last = last.replace("_", "").replace("-", "")
    return last.removesuffix("s")
