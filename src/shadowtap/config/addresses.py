"""Where things are: the URL of a target, and HOST:PORT to listen on.

A target is scheme://host:port and nothing else, since the requests bring their own path and query. The query of
a target's URL holds the options of that target, and is taken off before anything connects to it.
"""

import re
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}
KINDS = "http://HOST:PORT, https://HOST:PORT, recording:DIR, gor:FILE and jsonl:FILE"

LOOPBACK = "127.0.0.1"
"""Where to listen when only a port is given: nobody else can reach it there."""

_SHAPE = "a target is scheme://host:port, such as {}://staging.example:8080"
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")


class Target(NamedTuple):
    """The address behind a target's URL."""

    scheme: str
    host: str
    port: int

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.scheme == "https"

    @property
    def authority(self) -> str:
        """The host as it is written in URLs and Host headers: without a port that is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


def parse_target(url: str) -> Target:
    """The address in a target's URL. Raises ValueError, whose text says what to write instead."""
    _check_scheme(url)
    if re.search(r"[\x00-\x20\x7f-\uffff]", url):
        raise ValueError("a target's URL is ASCII without spaces; write an international name as xn--…")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError(_SHAPE.format(url.partition(":")[0].lower())) from None
    if parts.username is not None or parts.password is not None:
        raise ValueError("a target's URL holds no user or password; the requests bring their own")
    if parts.fragment:
        raise ValueError(f'a target is scheme://host:port; leave out "#{parts.fragment}"')
    if parts.path not in ("", "/"):
        raise ValueError(
            f'a target is scheme://host:port; leave out "{parts.path}", each request keeps its own path'
        )
    host = (parts.hostname or "").strip("[]")
    if not host or not (":" in host or _HOST.fullmatch(host)):
        raise ValueError(_SHAPE.format(parts.scheme))
    return Target(parts.scheme, host, _port(url) or DEFAULT_PORTS[parts.scheme])


def split_target(url: str) -> tuple[Target, dict[str, str]]:
    """The address and the options in a target's URL. Raises ValueError."""
    base, _, query = url.partition("?")
    query, hash_mark, fragment = query.partition("#")
    target = parse_target(base)
    if hash_mark:
        raise ValueError(f'a target is scheme://host:port; leave out "#{fragment}"')
    pairs = parse_qsl(query, keep_blank_values=True)
    options = dict(pairs)
    if len(options) < len(pairs):
        twice = next(name for name, _ in pairs if [n for n, _ in pairs].count(name) > 1)
        raise ValueError(f'option "{twice}" is given twice')
    return target, options


def parse_listen(text: str, *, host: str = "") -> tuple[str, int]:
    """HOST:PORT to listen on, or PORT alone where there is a `host` to take then. Raises ValueError, whose text says
    what is expected."""
    expected = "PORT or HOST:PORT, such as 8080 or 0.0.0.0:8080" if host else ""
    expected = expected or "HOST:PORT, such as 127.0.0.1:9095 or 0.0.0.0:9095"
    alone = re.fullmatch(r":?[0-9]{1,5}", text) if host else None
    host, colon, port = (host, ":", text.removeprefix(":")) if alone else text.rpartition(":")
    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    good_host = host and (":" in host or _HOST.fullmatch(host))
    if not colon or not good_host or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:
        raise ValueError(f'expected {expected}, not "{text}"')
    return host, int(port)


def _check_scheme(url: str) -> None:
    if url.lower().startswith(("http://", "https://")):
        return
    found = _SCHEME.match(url)
    if not found or re.match(r"[^/]+:[0-9]+(?:[/?#]|$)", url):
        raise ValueError(f'"{url}" lacks its scheme: write http://{url} or https://{url}')
    raise ValueError(f'unknown kind of target "{found[1]}:"; there are {KINDS}')


def _port(url: str) -> int | None:
    try:
        port = urlsplit(url).port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError("the port of a target is a number from 1 to 65535")
    return port
