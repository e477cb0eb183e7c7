"""http1: the grammar of HTTP/1 messages (RFC 9112), read by a bystander.

A passive reader is not an endpoint: it cannot ask again or refuse, so it is tolerant, keeps the raw bytes, and says
where a message ends rather than whether it is good. Production's traffic and the targets' answers go through the
same `Reader`. It refuses to know connections, packets and sockets.
"""

from shadowtap.http1.chunked import payload
from shadowtap.http1.head import field, headers
from shadowtap.http1.reader import Limits, Raw, Reader, Role

__all__ = ["Limits", "Raw", "Reader", "Role", "field", "headers", "payload"]
