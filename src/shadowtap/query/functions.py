"""What SQL can ask beside DuckDB's own functions; each gets a whole column at a time."""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any

from shadowtap.content import Unreadable, is_chunked, read_content
from shadowtap.endpoints import Endpoints
from shadowtap.http1 import field
from shadowtap.query.engine import pa

LIMIT_BYTES = 16 << 20
"""Longest body that is shown as text, decoded."""
KNOWN = 100_000
"""Targets whose template is remembered."""
MET = 1_000
"""How often a path counts at most when templates are learned."""


class Templates:
    """The function `endpoint`. All paths are learned, by `paths`, when it is first asked, so that the first row is
    judged like the last."""

    def __init__(self, paths: Callable[[], Iterable[tuple[str, int]]]) -> None:
        self._paths = paths
        self._endpoints: Endpoints | None = None
        self._known: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._lock = Lock()

    def __call__(self, methods: Any, targets: Any) -> Any:
        """The template of each target."""
        with self._lock:
            if self._endpoints is None:
                self._endpoints = self._learned()
            found = [self._of(*pair) for pair in zip(methods.to_pylist(), targets.to_pylist(), strict=True)]
        return pa.array(found, pa.string())

    def _learned(self) -> Endpoints:
        endpoints = Endpoints()
        for path, met in self._paths():
            for _ in range(min(met, MET)):
                endpoints.template("GET", path)
        return endpoints

    def _of(self, method: str | None, target: str | None) -> str | None:
        if target is None:
            return None
        key = method or "", target
        found = self._known.get(key)
        if found is None and self._endpoints is not None:
            found = self._endpoints.current(self._endpoints.template(*key))
            self._known[key] = found
            if len(self._known) > KNOWN:
                self._known.popitem(last=False)
        return found


def header(heads: Any, names: Any) -> Any:
    """The first value of a header field of each head, as text."""
    found = [
        None if head is None or name is None else _text(field(head, name.lower().encode()))
        for head, name in zip(heads.to_pylist(), names.to_pylist(), strict=True)
    ]
    return pa.array(found, pa.string())


def content(heads: Any, bodies: Any) -> Any:
    """Each body as text, where it is one."""
    found = [
        None if head is None or body is None else _body(head, body)
        for head, body in zip(heads.to_pylist(), bodies.to_pylist(), strict=True)
    ]
    return pa.array(found, pa.string())


def _body(head: bytes, body: bytes) -> str | None:
    read = read_content(head, body, is_chunked(head), limit_bytes=LIMIT_BYTES)
    if isinstance(read, Unreadable) or b"\0" in read.data:
        return None
    return read.text


def _text(value: bytes | None) -> str | None:
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
