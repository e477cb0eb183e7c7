"""Octets as JSON text, and back to the same octets."""

from base64 import b64decode, b64encode
from typing import Any
from urllib.parse import unquote_plus

from shadowtap.content import Content


def text_of(octets: bytes) -> str:
    """As UTF-8, else as Latin-1."""
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def body_of(content: Content) -> dict[str, str]:
    """A body: `text`, and `encoding` where it is base64 because text would not become the same octets again."""
    charset = content.charset or "utf-8"
    try:
        text = content.data.decode(charset)
        if text.encode(charset) == content.data:
            return {"text": text}
    except (LookupError, UnicodeError, ValueError):
        pass
    return base64_of(content.data)


def base64_of(octets: bytes) -> dict[str, str]:
    """Octets that are no text."""
    return {"text": b64encode(octets).decode(), "encoding": "base64"}


def octets_of(body: dict[str, Any], charset: str | None) -> bytes:
    """The octets of a body. Raises ValueError where it is none."""
    text = body.get("text") or ""
    if not isinstance(text, str):
        raise ValueError("text")
    if body.get("encoding") == "base64" or body.get("_encoding") == "base64":
        return b64decode(text)
    try:
        return text.encode(charset or "utf-8")
    except (LookupError, UnicodeError):
        return text.encode("utf-8", "surrogatepass")


def parameters(query: bytes) -> list[dict[str, str]]:
    """The parameters of a query, decoded."""
    if not query:
        return []
    pairs = (pair.partition("=") for pair in query.decode("latin-1").split("&"))
    return [{"name": _unquoted(name), "value": _unquoted(value)} for name, _, value in pairs]


def _unquoted(text: str) -> str:
    return unquote_plus(text, errors="replace")
