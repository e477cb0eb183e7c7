"""Requests as a script for k6 (k6.io), which sends them at the times and in the order of production and checks
the statuses.

Requests of one production connection are sent by one virtual user, in order. As with `curl`, where they go is
said by whoever runs it, and bodies and heads are as they were but for Host, lengths and framing, which are k6's.
Header fields are text there: several of one name become one, and octets that are no UTF-8 are Latin-1.
"""

from base64 import b64encode
from collections import Counter
from urllib.parse import quote

import msgspec

from shadowtap.events import Observation, Request
from shadowtap.formats.har.texts import text_of
from shadowtap.http1 import headers, payload

NO_REQUEST, INCOMPLETE, TUNNEL, NO_PATH = "no_request", "incomplete", "connect_method", "no_path"
VIRTUAL_USERS = 100
"""Virtual users by default, at most: each costs k6 a few megabytes."""

_BEGIN = b"""\
// Requests seen by shadowtap, for k6. Say where they go:
//
//     k6 run -e BASE=http://staging.example:8080 FILE
//
// SPEED=2 is twice as fast as production, SPEED=0 as fast as it goes; KEEP_HOST=1 sends production's Host;
// VUS=20 shares the production connections among 20 virtual users.
import http from 'k6/http';
import { check, sleep } from 'k6';
import { b64decode } from 'k6/encoding';
import { SharedArray } from 'k6/data';
import exec from 'k6/execution';

const BASE = __ENV.BASE;
if (!BASE) throw new Error('say where requests go: k6 run -e BASE=http://staging.example:8080 FILE');
const SPEED = Number(__ENV.SPEED || 1);

// at: seconds; connection: of production; host, body or base64 where there is one; status: production's, or 0
const requests = () => [
"""
_END = """\
];

const VUS = Number(__ENV.VUS || %d);
const lanes = new SharedArray('lanes', () => {
  const found = Array.from({ length: VUS }, () => []);
  for (const request of requests()) found[request.connection %% VUS].push(request);
  return found;
});

export const options = {
  discardResponseBodies: true,
  scenarios: { replay: { executor: 'per-vu-iterations', vus: VUS, iterations: 1, maxDuration: '24h' } },
};

export default function () {
  const begin = exec.scenario.startTime;
  for (const request of lanes[exec.vu.idInTest - 1]) {
    if (SPEED > 0) {
      const wait = (begin - Date.now()) / 1000 + request.at / SPEED;
      if (wait > 0) sleep(wait);
    }
    const headers = Object.assign({}, request.headers);
    if (__ENV.KEEP_HOST && request.host) headers.Host = request.host;
    const body = request.base64 ? b64decode(request.base64) : request.body || null;
    const answer = http.request(request.method, BASE + request.target, body, {
      headers,
      redirects: 0,
      jar: new http.CookieJar(),
      tags: { name: request.method + ' ' + request.target.split('?')[0] },
    });
    if (request.status) check(answer, { 'status as in production': (now) => now.status === request.status });
  }
}
"""
_KEPT = "/?:@!$&'()*+,;=%~"
_LEFT_TO_K6 = (b"host", b"content-length", b"transfer-encoding", b"connection")


class K6Writer:
    """Makes the script: `begin`, `entry` for each observation, `end`. `left_out` counts what is not in it, by
    reason."""

    def __init__(self) -> None:
        self.left_out: Counter[str] = Counter()
        self.entries = 0
        self._begin_ns = 0
        self._lanes = 0

    def begin(self) -> bytes:
        """What comes first."""
        return _BEGIN

    def entry(self, observation: Observation) -> bytes:
        """The line of a request; empty where there is none."""
        request = observation.exchange.request
        why = _why_not(request)
        if request is None or why:
            self.left_out[why] += 1
            return b""
        self._begin_ns = self._begin_ns or request.time_ns
        self._lanes = max(self._lanes, min(request.connection.number + 1, VIRTUAL_USERS))
        self.entries += 1
        response = observation.exchange.response
        at = round((request.time_ns - self._begin_ns) / 1e9, 6)
        made = _made(request, at, 0 if response is None else response.status)
        return b"  " + msgspec.json.encode(made) + b",\n"

    def end(self) -> bytes:
        """What comes last."""
        return (_END % max(self._lanes, 1)).encode()


def _made(request: Request, at: float, status: int) -> dict[str, object]:
    fields: dict[str, str] = {}
    names: dict[str, str] = {}
    host = ""
    for name, value in headers(request.head):
        lower = name.lower()
        if lower == b"host":
            host = host or text_of(value)
        elif lower not in _LEFT_TO_K6:
            key = names.setdefault(text_of(lower), text_of(name))
            together = "; " if lower == b"cookie" else ", "
            fields[key] = fields[key] + together + text_of(value) if key in fields else text_of(value)
    made: dict[str, object] = {
        "at": at,
        "connection": request.connection.number,
        "method": text_of(request.method),
        "target": quote(request.target, safe=_KEPT),
        "headers": fields,
        "status": status,
    }
    return made | ({"host": host} if host else {}) | _body(payload(request.body, request.chunked))


def _body(octets: bytes) -> dict[str, str]:
    if not octets:
        return {}
    try:
        return {"body": octets.decode()}
    except UnicodeDecodeError:
        return {"base64": b64encode(octets).decode()}


def _why_not(request: Request | None) -> str:
    if request is None:
        return NO_REQUEST
    if request.fault is not None:
        return INCOMPLETE
    if request.method == b"CONNECT":
        return TUNNEL
    return "" if request.target.startswith(b"/") else NO_PATH
