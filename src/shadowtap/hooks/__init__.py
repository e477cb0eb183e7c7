"""hooks: what users do to requests in code of their own.

    Request ─► Hooks (a Python file)                                   ─► Request, or a reason why not
            ─► Middleware (a program, GoReplay's protocol on its stdin) ─► the same, later; and requests it adds

In: requests, and the answers to them. Out: the same request object where nothing was changed, so that it stays
byte for byte production's. Whatever their code does costs its own requests only, and is counted. It refuses to
know where requests come from and where they go.
"""

from shadowtap.hooks.hooks import Drop, HookCounters, Hooks, OnError
from shadowtap.hooks.values import HookAnswer, HookRequest

__all__ = ["Drop", "HookAnswer", "HookCounters", "HookRequest", "Hooks", "OnError"]
