"""Numbers of connections that no other source, and no other lap, has.

They are given one after the other, in the order in which connections are met, so however long a replay goes round
and round, they stay small. A source that is alone keeps its own numbers in the first lap.
"""

from bisect import bisect_right
from collections import OrderedDict

from shadowtap.events import Connection, Ended, Message, Request, replace

MAX_CONNECTIONS = 131_072
"""Connections of a source whose numbers are known; one that was silent while so many others were not is met anew."""


class Numbers:
    """The numbers of a run, from `first` on, lap by lap."""

    def __init__(self, first: int = 0) -> None:
        self._next = first
        self._laps = [first]

    def source(self, *, alone: bool) -> "Renumbered":
        """For one source in this lap; `alone` if it has no others beside it."""
        return Renumbered(self, keep=alone and self._next == 0)

    def take(self) -> int:
        """A number for a connection that has none."""
        self._next += 1
        return self._next - 1

    def pass_over(self, number: int) -> None:
        """This one, and those below it, are taken."""
        self._next = max(self._next, number + 1)

    def next_lap(self) -> None:
        """What is met from now on is of another lap."""
        self._laps.append(self._next)

    def lap_of(self, number: int) -> int:
        """The lap in which a connection has this number, from 0."""
        return max(bisect_right(self._laps, number) - 1, 0)


class Renumbered:
    """Gives the connections of a source their numbers. Made by `Numbers`."""

    def __init__(self, numbers: Numbers, *, keep: bool) -> None:
        self._numbers = numbers
        self._keep = keep
        self._given: OrderedDict[int, int] = OrderedDict()
        self._last: Connection | None = None
        self._made: Connection | None = None

    def __call__(self, message: Message) -> Message:
        """The message with its connection's number. A request and its exchange keep their places."""
        if self._keep:
            return self._kept(message)
        if isinstance(message, Ended):
            return Ended(self._number(message.connection))
        if isinstance(message, Request):
            return self._request(message)
        request, response = message.request, message.response
        return replace(
            message,
            request=None if request is None else self._request(request),
            response=None
            if response is None
            else replace(response, connection=self._moved(response.connection)),
        )

    def _kept(self, message: Message) -> Message:
        if isinstance(message, Ended):
            return message
        side = message if isinstance(message, Request) else message.request or message.response
        if side is not None:
            self._numbers.pass_over(side.connection.number)
        return message

    def _request(self, request: Request) -> Request:
        return replace(request, connection=self._moved(request.connection))

    def _moved(self, connection: Connection) -> Connection:
        if connection is not self._last or self._made is None:
            self._last = connection
            self._made = replace(connection, number=self._number(connection.number))
        return self._made

    def _number(self, number: int) -> int:
        given = self._given
        known = given.get(number)
        if known is None:
            known = given[number] = self._numbers.take()
            if len(given) > MAX_CONNECTIONS:
                given.popitem(last=False)
        else:
            given.move_to_end(number)
        return known
