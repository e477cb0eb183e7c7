"""shadowtap replays mirrored production traffic live against another environment and accounts for every request.

In a notebook or a script: `stream` and `exchanges` iterate over what is in any source; `headers` and `payload`
read their octets; a `Ledger` counts. These names load what they need on first use, so that the command line starts
quickly.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shadowtap.api import exchanges, stream
    from shadowtap.http1 import headers, payload
    from shadowtap.ledger import Ledger

__version__ = "0.1.0"

__all__ = ["Ledger", "__version__", "exchanges", "headers", "payload", "stream"]

_HOMES = {
    "exchanges": "shadowtap.api",
    "stream": "shadowtap.api",
    "headers": "shadowtap.http1",
    "payload": "shadowtap.http1",
    "Ledger": "shadowtap.ledger",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'shadowtap' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)
