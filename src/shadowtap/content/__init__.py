"""content: what a message says, apart from how it was sent; and messages made again with something else to say.

Comes in: a `Request`, a `Response`, or a head and a body. Goes out: `Content` (media type, charset, octets), with
chunked framing and content codings undone, or `Unreadable` with its reason; and the other way, new octets in the
old dress: same codings, right length. `head` edits start lines and fields in place and leaves every other octet
as it was. Refuses to know: why someone wants to read or to change a message.
"""

from shadowtap.content.codings import Reason, Unreadable
from shadowtap.content.content import (
    Content,
    content_of,
    is_chunked,
    make_body,
    read_content,
    with_content,
    with_head,
    with_target,
)
from shadowtap.content.head import (
    add_field,
    map_fields,
    remove_field,
    replace_line,
    replace_target,
    set_field,
    values,
)

__all__ = [
    "Content",
    "Reason",
    "Unreadable",
    "add_field",
    "content_of",
    "is_chunked",
    "make_body",
    "map_fields",
    "read_content",
    "remove_field",
    "replace_line",
    "replace_target",
    "set_field",
    "values",
    "with_content",
    "with_head",
    "with_target",
]
