"""What users do to requests in code of their own: the table [hooks]. docs/hooks.md says how."""

from typing import Annotated

import msgspec
from msgspec import Meta

from shadowtap.config.kinds import Seconds, Text

OnError = Annotated[str, Meta(pattern="^(pass|drop)$", description="pass or drop")]


class HookSettings(msgspec.Struct, frozen=True, kw_only=True, rename={"timeout_s": "timeout"}):
    """`file` is a Python file; `on_error` says what becomes of a request whose hook failed. `middleware` is a command
    that speaks GoReplay's protocol on its standard input and output, `timeout_s` how long a line may stay away."""

    file: Text | None = None
    on_error: OnError = "pass"
    middleware: Text | None = None
    timeout_s: Seconds = 2.0
