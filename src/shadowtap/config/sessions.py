"""Whether sessions are re-bound at the targets: the table [sessions]. docs/sessions.md says what that means."""

import re
from typing import Any

import msgspec

from shadowtap.config.kinds import Seconds, Switch, Text
from shadowtap.config.tables import keys_of, read_table
from shadowtap.errors import UsageError

Places = tuple[str, ...]
_LISTS = ("always", "never")
_PLACE = re.compile(r"(?:cookie|header) [^\s:;,=]+\Z|(?:body|\*\*)(?:[.\[]\S*)?\Z")


class SessionSettings(msgspec.Struct, frozen=True, kw_only=True, rename={"wait_s": "wait"}):
    """`rebind` puts what a target issued in place of what production issued; None: where answers are compared.
    `wait_s` is how long a request waits for the answer it depends on. `always` and `never` are places of answers:
    `cookie NAME`, `header NAME`, `body.PATH`."""

    rebind: Switch | None = None
    wait_s: Seconds = 10.0
    always: Places = ()
    never: Places = ()


def read_sessions(table: object, file: str) -> SessionSettings:
    """The table of a TOML file, checked. UsageError names the file, the key and what is expected."""
    if not isinstance(table, dict):
        raise UsageError(f"{file}: sessions: expected a table, such as [sessions]")
    known = {**keys_of(SessionSettings, without=_LISTS), **{name: (name, Text) for name in _LISTS}}
    lists: dict[str, Any] = {}
    for name in _LISTS:
        if name in table:
            lists[name] = check_places(table[name], f"{file}: sessions.{name}")
    plain = read_table({k: v for k, v in table.items() if k not in lists}, known, file, "sessions")
    return SessionSettings(**plain, **lists)


def check_places(value: object, where: str) -> Places:
    """The places, if they are; UsageError says what is expected."""
    several = [value] if isinstance(value, str) else value
    if not isinstance(several, list | tuple) or not all(isinstance(text, str) for text in several):
        raise UsageError(f"{where}: expected a place in quotes, or a list of such")
    for text in several:
        if not _PLACE.match(text):
            raise UsageError(
                f'{where}: expected a place such as "cookie sid", "header x-auth" or "body.ticket",'
                f' not "{text}"'
            )
    return tuple(several)
