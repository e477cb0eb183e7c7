"""A recording as a capture would give it: requests, exchanges, and the ends of connections.

    Recorded (in time) ─► Request, Exchange … Ended

Each request comes at its time and its exchange right behind it: what production answered is known beforehand here.
That a connection has ended is not recorded; it is said when its client has been silent for a while of recorded time,
or at the end. Connections are numbered anew where several runs recorded into one folder.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator

from shadowtap.events import Connection, Ended, Exchange, Message, replace
from shadowtap.record.merge import Recorded

MAX_CONNECTIONS = 65_536
"""Connections that may be open at once; beyond it the one that was silent longest ends."""
_RUN_NUMBERS = 1 << 44
"""Connection numbers of a run lie below this: even those of files beside live sources, which begin at 1 << 40."""


def messages(recorded: Iterable[Recorded], *, idle_ns: int) -> Iterator[Message]:
    """The messages of rows that come in the order of time."""
    numbers = _Numbers()
    last_seen: OrderedDict[int, int] = OrderedDict()
    for time_ns, run, observation in recorded:
        exchange = numbers.renumbered(run, observation.exchange)
        while last_seen and (
            time_ns - next(iter(last_seen.values())) > idle_ns or len(last_seen) > MAX_CONNECTIONS
        ):
            yield Ended(last_seen.popitem(last=False)[0])
        request = exchange.request
        if request is not None and not _is_interim(exchange):
            last_seen[request.connection.number] = time_ns
            last_seen.move_to_end(request.connection.number)
            yield request
        yield exchange
    for number in last_seen:
        yield Ended(number)


def _is_interim(exchange: Exchange) -> bool:
    """Whether this is a 1xx answer, so that the request comes again with its final one."""
    response = exchange.response
    return response is not None and 100 <= response.status < 200 and response.status != 101


class _Numbers:
    """Gives the connections of the second run and later ones numbers of their own."""

    def __init__(self) -> None:
        self._runs: dict[str, int] = {}
        self._last: Connection | None = None
        self._made: Connection | None = None

    def renumbered(self, run: str, exchange: Exchange) -> Exchange:
        base = self._runs.setdefault(run, len(self._runs)) * _RUN_NUMBERS
        if not base:
            return exchange
        request, response = exchange.request, exchange.response
        if request is not None:
            request = replace(request, connection=self._moved(request.connection, base))
        if response is not None:
            response = replace(response, connection=self._moved(response.connection, base))
        return Exchange(request, response, exchange.lost_request)

    def _moved(self, connection: Connection, base: int) -> Connection:
        if self._made is None or connection is not self._last:
            self._last = connection
            self._made = replace(connection, number=connection.number + base)
        return self._made
