"""Requests as a shell script of curl commands, to be read, cut and sent one by one.

The script does not say where requests go: whoever runs it does, in BASE, so that nobody sends production's
requests to production by running a file. Host is the target's, unless KEEP_HOST is set. Any octets are quoted so
that sh and curl hand them on as they are: in single quotes, where nothing is special but the quote itself; bodies
that are no short text in base64. curl's own headers are switched off where the request has none.

Left out, and counted: what no argument can hold (NUL), HEAD with a body and protocol upgrades, for which curl has
no way that ends, and header lines that are no header fields.
"""

import re
from base64 import encodebytes
from collections import Counter

from shadowtap.events import Observation, Request
from shadowtap.http1 import headers, payload

NO_REQUEST, INCOMPLETE, TUNNEL, NUL = "no_request", "incomplete", "connect_method", "nul_in_head"
HEAD_WITH_BODY, UPGRADE, NO_FIELD = "head_with_body", "upgrade", "malformed_header_lines"
INLINE_BYTES = 2_000
"""Octets of text that stand in the command itself; a line that people read."""

_BEGIN = b"""\
#!/bin/sh
# Requests seen by shadowtap. Say where they go:
#
#     BASE=http://staging.example:8080 sh FILE
#
# Each line of output: the status now, the status in production, the request. KEEP_HOST=1 sends production's Host.
: "${BASE:?say where requests go, such as BASE=http://staging.example:8080}"

send() {
  was=$1 what=$2
  shift 2
  now=$(curl --disable --noproxy '*' --silent --show-error --http1.1 --globoff --path-as-is --max-time 60 \\
    --output /dev/null --write-out '%{http_code}' "$@")
  printf '%s %s %s\\n' "$now" "$was" "$what"
}
"""
_PLAIN_TARGET = re.compile(rb"/[A-Za-z0-9._~/?&=%+,;:@!$*()\-]*")
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_UNPRINTABLE = re.compile(rb"[^\x20-\x7e]")
_NO_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_OWN = (b"user-agent", b"accept")
_LEFT_TO_CURL = (b"host", b"content-length")


class CurlWriter:
    """Makes the script: `begin`, `entry` for each observation, `end`. `left_out` counts what is not in it, by
    reason."""

    def __init__(self) -> None:
        self.left_out: Counter[str] = Counter()
        self.entries = 0
        self._begin_ns = 0

    def begin(self) -> bytes:
        """What comes first."""
        return _BEGIN

    def entry(self, observation: Observation) -> bytes:
        """The command for a request; empty where there is none."""
        request = observation.exchange.request
        why = _why_not(request)
        if request is None or why:
            self.left_out[why] += 1
            return b""
        self._begin_ns = self._begin_ns or request.time_ns
        self.entries += 1
        response = observation.exchange.response
        was = b"---" if response is None else b"%d" % response.status
        comment = b"\n# %.3f s, connection %d\n" % (
            (request.time_ns - self._begin_ns) / 1e9,
            request.connection.number,
        )
        return comment + self._command(request, was)

    def end(self) -> bytes:
        """What comes last."""
        return b""

    def _command(self, request: Request, was: bytes) -> bytes:
        body = payload(request.body, request.chunked)
        fields = headers(request.head)
        words = [
            b"send " + was,
            quoted(_label(request)),
            *self._line(request),
            *self._headers(request, fields),
        ]
        inline = _inline(body)
        if body or any(name.lower() == b"content-length" for name, _ in fields):
            words.append(b"--data-raw " + quoted(body) if inline else b"--data-binary @-")
        command = b" \\\n  ".join(words)
        if inline:
            return command + b"\n"
        return b"base64 -d <<'END' | " + command + b"\n" + encodebytes(body) + b"END\n"

    def _line(self, request: Request) -> list[bytes]:
        method = b"--head" if request.method == b"HEAD" else b"--request " + quoted(request.method)
        if _PLAIN_TARGET.fullmatch(request.target):
            return [method, b'"$BASE"' + quoted(request.target)]
        return [method, b"--request-target " + quoted(request.target) + b' "$BASE/"']

    def _headers(self, request: Request, fields: list[tuple[bytes, bytes]]) -> list[bytes]:
        words: list[bytes] = []
        names = {name.lower() for name, _ in fields}
        for name, value in fields:
            if not _TOKEN.fullmatch(name):
                self.left_out[NO_FIELD] += 1
            elif name.lower() == b"host":
                words.append(b"${KEEP_HOST:+--header} ${KEEP_HOST:+" + quoted(b"Host: " + value) + b"}")
            elif name.lower() not in _LEFT_TO_CURL:
                words.append(b"--header " + quoted(name + (b": " + value if value else b";")))
        own = (*_OWN, b"content-type", b"expect") if request.body or b"content-length" in names else _OWN
        return words + [b"--header " + quoted(name.title() + b":") for name in own if name not in names]


def quoted(octets: bytes) -> bytes:
    """As one word of sh, whatever the octets but NUL."""
    return b"'" + octets.replace(b"'", b"'\\''") + b"'"


def _why_not(request: Request | None) -> str:
    if request is None:
        return NO_REQUEST
    if request.fault is not None:
        return INCOMPLETE
    if request.method == b"CONNECT":
        return TUNNEL
    if b"\0" in request.head:
        return NUL
    if request.method == b"HEAD" and request.body:
        return HEAD_WITH_BODY
    return UPGRADE if b"\nupgrade:" in request.head.lower() else ""


def _label(request: Request) -> bytes:
    return request.method + b" " + _UNPRINTABLE.sub(lambda octet: b"%%%02X" % octet[0][0], request.target)


def _inline(body: bytes) -> bool:
    if len(body) > INLINE_BYTES:
        return False
    try:
        return not _NO_TEXT.search(body.decode())
    except UnicodeDecodeError:
        return False
