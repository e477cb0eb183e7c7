"""Traffic with every kind of secret in every place and writing, both ways, and the search for what of it got out."""

import itertools
import re
from pathlib import Path

from masking.messages import CODINGS, sent, writings
from masking.test_planted import (
    ANYWHERE,
    BODIES,
    BODIES_BY_NAME,
    BY_NAME,
    NAMED,
    SHAPED,
    WITHOUT_SIGNS,
    octets_of,
)
from runner.traffic import ANSWER, endpoint
from shadowtap.demo.packets import Connection
from shadowtap.events import Observation, Request, Response

PASSWORD = NAMED["password"]
SHAPES, NAMES = list(SHAPED.values()), list(NAMED.values())
SECRETS = [*SHAPES, *NAMES]
_EACH = 20
"""Exchanges of a connection."""
_SIGNS = re.compile(rb"[ +_.\-]|%20|\xa0")


def messages(every: int = 1) -> list[Request | Response]:
    """Each kind of secret in each place; bodies in turns with each content coding, chunked and not. One of `every`."""
    heads = [place(secret) for place in ANYWHERE.values() for secret in SHAPED.values()]
    heads += [place(secret) for place in BY_NAME.values() for secret in NAMED.values()]
    written = [(kind, write(secret)) for kind, write in BODIES.values() for secret in SHAPED.values()]
    written += [(kind, write(secret)) for kind, write in BODIES_BY_NAME.values() for secret in NAMED.values()]
    written += [(kind, write(PASSWORD)) for kind, write in WITHOUT_SIGNS.values()]
    ways = itertools.cycle(itertools.product(CODINGS, (False, True)))
    bodies = [sent(*one, coding, in_chunks=cut) for one, (coding, cut) in zip(written, ways, strict=False)]
    return [*heads, *bodies][::every]


def frames(planted: list[Request | Response]) -> list[bytes]:
    """The packets of connections with twenty exchanges each; what a request holds is in its answer, too."""
    made: list[bytes] = []
    for number in range(0, len(planted), _EACH):
        connection = Connection(endpoint(f"10.0.8.9:{20_000 + number}"), endpoint("10.0.1.20:80"))
        made += connection.open()
        for message in planted[number : number + _EACH]:
            asked, answered = _exchange(message)
            made += connection.send(0, asked) + connection.send(1, answered)
        made += connection.close()
    return made


def _exchange(message: Request | Response) -> tuple[bytes, bytes]:
    if isinstance(message, Response):
        head = (
            message.head if b" 302 " not in message.head else message.head[:-2] + b"Content-Length: 0\r\n\r\n"
        )
        return b"GET /answers HTTP/1.1\r\nHost: shop\r\n\r\n", _with_length(head)
    lines = [
        line for line in message.head.split(b"\r\n") if line.lower().startswith((b"content-", b"transfer-"))
    ]
    if not message.body:
        return message.head, ANSWER
    return message.head + message.body, b"\r\n".join([b"HTTP/1.1 200 OK", *lines, b"", message.body])


def _with_length(head: bytes) -> bytes:
    return head if b"Content-Length" in head else head[:-2] + b"Content-Length: 0\r\n\r\n"


def found_in(octets: bytes) -> list[str]:
    """The secrets that are to be read in octets, in whatever writing."""
    bare = _SIGNS.sub(b"", octets)
    return [
        secret for secret in SECRETS if any(w in octets for w in _written(secret)) or _letters(secret) in bare
    ]


def _written(secret: str) -> list[bytes]:
    return [written for written in writings(secret) if len(written) >= 6]


def _letters(secret: str) -> bytes:
    return "".join(filter(str.isalnum, secret)).encode()


def found_in_files(folder: Path, *, but: tuple[str, ...]) -> dict[str, list[str]]:
    """The secrets in the octets of each file, but those in files of these names."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in but]
    return {str(path): found for path in files if (found := found_in(path.read_bytes()))}


def found_in_observations(observations: list[Observation]) -> list[str]:
    """The secrets in all that observations hold, with chunks, content codings and base64 undone."""
    parts: list[bytes] = []
    for observation in observations:
        request, response = observation.exchange.request, observation.exchange.response
        parts += [octets_of(message) for message in (request, response) if message is not None]
        for outcome in observation.outcomes:
            parts += [outcome.head, outcome.body, octets_of(outcome.request)]
        parts.append(repr((observation.verdicts, observation.fate)).encode())
    return found_in(b"\0".join(parts))
