"""Numbers of connections that no other source, and no other lap, has."""

from shadowtap.events import Connection, Ended, Message, Request, replace


class Renumbered:
    """Gives connections other numbers, so that several sources, or laps, do not share any."""

    def __init__(self, base: int) -> None:
        self._base = base
        self._last: Connection | None = None
        self._made: Connection | None = None

    def __call__(self, message: Message) -> Message:
        """The message with its connection's new number. A request and its exchange keep their places."""
        if not self._base:
            return message
        if isinstance(message, Ended):
            return Ended(message.connection + self._base)
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

    def _request(self, request: Request) -> Request:
        return replace(request, connection=self._moved(request.connection))

    def _moved(self, connection: Connection) -> Connection:
        if connection is not self._last or self._made is None:
            self._last = connection
            self._made = replace(connection, number=connection.number + self._base)
        return self._made
