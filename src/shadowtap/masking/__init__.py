"""masking: secrets and personal data, replaced by stand-ins before anyone sees or keeps them.

Comes in: messages, or parts of them (a header, a target, a body), and a key. Goes out: the same with stand-ins: the
same secret always becomes the same stand-in under the same key, wherever and however it is written, and keeps its
format where that matters. Found by name (credentials and personal fields of headers, cookies, queries, forms, JSON,
XML) and by shape (cards, IBANs, JWTs, e-mail addresses, keys of services, private keys, telephone numbers). A body
that cannot be read is not let through. Refuses to know: who asks and where the key comes from. `docs/masking.md` is
the reference.
"""

from shadowtap.masking.key import KEY_BYTES, key_of
from shadowtap.masking.masker import LIMIT_BYTES, Masker
from shadowtap.masking.shapes import SHAPES

__all__ = ["KEY_BYTES", "LIMIT_BYTES", "SHAPES", "Masker", "key_of"]
