"""The key of the stand-ins: what a file of the user's holds, made into key octets."""

from hashlib import blake2b

from shadowtap.errors import UsageError

KEY_BYTES = 32
"""Octets of a key as the masker uses it; a random one has as many."""
MIN_BYTES = 16
"""Fewer octets than these (128 bits) can be guessed, and with the key every card number behind a stand-in."""


def key_of(content: bytes, name: str) -> bytes:
    """The key in a key file's content, of any length and kind from 16 octets on; white space around it is no part of
    it. `name` is what the user calls the file. Raises UsageError where the content is too short."""
    secret = content.strip()
    if len(secret) < MIN_BYTES:
        raise UsageError(
            f"{name}: a masking key has at least {MIN_BYTES} bytes, this one has {len(secret)}; "
            f"make one with: head -c {KEY_BYTES} /dev/urandom | base64 > {name}"
        )
    return blake2b(secret, digest_size=KEY_BYTES, person=b"shadowtap-key").digest()
