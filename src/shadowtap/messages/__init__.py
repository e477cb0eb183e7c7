"""messages: `Chunk` and `Gap` in; `Request` and `Exchange` out.

HTTP is recognised by content, on any port and from any point of a connection. A request is handed out as soon as
its last byte is there and never waits for its answer; an answer is paired with its request and handed out as an
`Exchange`. It refuses to know where requests go.
"""

from shadowtap.messages.table import Messages

__all__ = ["Messages"]
