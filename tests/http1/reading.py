"""Octets in, messages out: what the http1 tests share."""

from collections.abc import Iterable
from typing import NamedTuple

from shadowtap.events import Fault, Flag
from shadowtap.http1 import Limits, Raw, Reader, Role

REQUEST, RESPONSE = Role.REQUEST, Role.RESPONSE
CRLF2 = b"\r\n\r\n"


class Read(NamedTuple):
    """A message without the places and times at which it was captured."""

    first: tuple[bytes, bytes, bytes]
    head: bytes
    body: bytes
    body_bytes: int
    chunked: bool
    flags: tuple[Flag, ...]
    fault: Fault | None


def plain(raws: Iterable[Raw]) -> list[Read]:
    """Messages as values that can be compared."""
    return [Read(r.first, r.head, r.body, r.body_bytes, r.chunked, r.flags, r.fault) for r in raws]


def reader(
    role: Role,
    *,
    methods: Iterable[bytes] | None = None,
    limits: Limits | None = None,
    keep_body: bool = True,
    seek: bool = False,
) -> Reader:
    """A reader; `methods` are those that the answers are for, one after the other."""
    return Reader(
        role,
        limits=limits if limits is not None else Limits(),
        keep_body=keep_body,
        method_of_next=None if methods is None else Waiting(methods),
        seek=seek,
    )


class Waiting:
    """Tells the methods of the requests that wait for an answer, in order."""

    def __init__(self, methods: Iterable[bytes]) -> None:
        self._methods = list(methods)

    def __call__(self, begin: int, ack: int) -> bytes | None:
        """The method of the one that is answered next; None when no more wait."""
        return self._methods[0] if self._methods else None

    def answered(self, raws: Iterable[Raw]) -> None:
        """These came; interim answers answer nothing."""
        del self._methods[: sum(raw.first[1] >= b"200" for raw in raws)]


def hear(found: Reader, data: bytes) -> list[Raw]:
    """The messages that these octets complete, each handed out before the next is read."""
    messages: list[Raw] = []
    waiting = found._method_of_next
    left = len(data)
    while left:
        raws: list[Raw] = []
        left = found.read(data, left, 0, 0, 0, raws)
        assert len(raws) <= 1
        if isinstance(waiting, Waiting):
            waiting.answered(raws)
        messages += raws
    return messages


def read(
    role: Role,
    *pieces: bytes,
    methods: Iterable[bytes] | None = None,
    limits: Limits | None = None,
    keep_body: bool = True,
    seek: bool = False,
    closed: bool = True,
    fault: Fault | None = None,
) -> list[Read]:
    """All messages of a stream that comes in these pieces and then ends (with `fault`, or in order)."""
    found = reader(role, methods=methods, limits=limits, keep_body=keep_body, seek=seek)
    messages: list[Raw] = []
    for piece in pieces:
        messages += hear(found, piece)
    if closed:
        messages += found.close(fault)
    return plain(messages)


def cuts(octets: bytes, size: int) -> list[bytes]:
    """The octets in pieces of one size."""
    return [octets[at : at + size] for at in range(0, len(octets), size)]
