"""The key of an encrypted recording: 32 random bytes in a file.

    openssl rand -base64 32 > recording.key && chmod 600 recording.key

Parquet files are encrypted as the Parquet specification says (modular encryption, AES_GCM_V1), uniformly: the one key
for the footer and all columns. Journals get a key of their own each, derived from it with a salt. AES-GCM with random
nonces is safe for some 2^32 pages under one key, months at thousands of exchanges a second; take a new key for a new
recording.
"""

import base64
import binascii
import hashlib
import hmac
import os
import stat
from importlib import import_module
from pathlib import Path
from typing import Any

from shadowtap.errors import UsageError

BYTES = 32
_HOW = f"make one with: openssl rand -base64 {BYTES} > FILE"


class RecordingKey:
    """256 bits. `warning` says what about its file deserves a look, or is empty. Not shown by repr."""

    __slots__ = ("secret", "warning")

    def __init__(self, secret: bytes, warning: str = "") -> None:
        if len(secret) != BYTES:
            raise UsageError(f"a recording's key has {BYTES} bytes, not {len(secret)}; {_HOW}")
        self.secret = secret
        self.warning = warning

    def base64(self) -> str:
        """As DuckDB's `PRAGMA add_parquet_key` takes it."""
        return base64.b64encode(self.secret).decode()

    def encryption(self) -> Any:
        """What pyarrow needs to write with it."""
        return _properties("create_encryption_properties")(self.secret)

    def decryption(self) -> Any:
        """What pyarrow needs to read with it."""
        return _properties("create_decryption_properties")(self.secret)

    def cipher(self, salt: bytes) -> Any:
        """AES-GCM for one journal (`encrypt(nonce, octets, None)`)."""
        return _aes_gcm()(hmac.digest(self.secret, b"shadowtap journal\0" + salt, hashlib.sha256))


def decrypted(cipher: Any, nonce: bytes, octets: bytes) -> bytes | None:
    """What was encrypted with this cipher; None where it was another, or the octets were changed."""
    try:
        return bytes(cipher.decrypt(nonce, octets, None))
    except import_module("cryptography.exceptions").InvalidTag:
        return None


def read_key(path: str | Path) -> RecordingKey:
    """The key in a file: 32 bytes raw, in base64 or in hexadecimal. Raises UsageError."""
    try:
        with open(path, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            octets = file.read(1024)
    except OSError as error:
        raise UsageError(f"{path}: no key to be read: {error.strerror}") from None
    secret = _decoded(octets)
    if secret is None:
        raise UsageError(f"{path}: expected {BYTES} bytes raw, in base64 or hexadecimal; {_HOW}")
    others = mode & (stat.S_IRWXG | stat.S_IRWXO)
    return RecordingKey(secret, f"{path}: others may read this key; chmod 600 closes it" if others else "")


def _decoded(octets: bytes) -> bytes | None:
    if len(octets) == BYTES:
        return octets
    text = octets.strip()
    try:
        if len(text) == 2 * BYTES:
            return binascii.unhexlify(text)
        secret = base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
    return secret if len(secret) == BYTES else None


def _properties(name: str) -> Any:
    try:
        made = getattr(import_module("pyarrow.parquet.encryption"), name, None)
    except ImportError:
        made = None
    if made is None:
        raise UsageError("encrypted recordings need a newer pyarrow, such as 26: pip install -U pyarrow")
    return made


def _aes_gcm() -> Any:
    try:
        return import_module("cryptography.hazmat.primitives.ciphers.aead").AESGCM
    except ImportError:
        raise UsageError('encrypted recordings need cryptography: pip install "shadowtap[record]"') from None
