"""What is replayed: rules, a sample, and which writes; from the table [transform] and the command line.

The nearer word wins, key by key: `only` and `allow` of the command line replace those of the file. Only `skip` adds
up, since what the file leaves out shall not be replayed because one more thing is left out.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from shadowtap.config.kinds import Count, Seconds, Share, Size, Switch, Text
from shadowtap.config.tables import keys_of, read_table
from shadowtap.errors import UsageError
from shadowtap.expression import ExpressionError, parse
from shadowtap.transform import Chain, Step, compose
from shadowtap.transform.safety import allow_rule
from shadowtap.transform.sample import parse_keys
from shadowtap.transform.waiting import OCTETS, REQUESTS, WAIT_NS

Rules = tuple[str, ...]

_KEYS = {"answer_wait_s": "answer_wait", "answer_queue_bytes": "answer_queue_size"}


class TransformSettings(msgspec.Struct, frozen=True, kw_only=True, rename=_KEYS):
    """Which requests are replayed. docs/expressions.md describes rules."""

    only: Rules = ()
    skip: Rules = ()
    send_unanswered: Switch = False
    """Replay also what a rule about production's answer cannot judge, because the answer is missing or late."""
    answer_wait_s: Seconds = WAIT_NS / 1e9
    answer_queue: Count = REQUESTS
    answer_queue_bytes: Size = OCTETS
    sample: Share = 1.0
    sample_by: Text = "client"
    sample_salt: Text | None = None
    safe_methods_only: Switch = False
    allow: Rules = ()
    idempotency_key: Switch = False
    idempotency_run: Text | None = None
    """Names the run in these keys; None: a new one each time."""


_LISTS: Mapping[str, Callable[[str], object]] = {"only": parse, "skip": parse, "allow": allow_rule}
_PLAIN = keys_of(TransformSettings, without=tuple(_LISTS))


def read_transform(table: object, file: str, path: str = "transform") -> TransformSettings:
    """The table of a TOML file, checked. UsageError names the file, the key and what is expected."""
    if not isinstance(table, dict):
        raise UsageError(f"{file}: {path}: expected a table, such as [{path}]")
    known = {**_PLAIN, **{name: (name, Text) for name in _LISTS}}
    lists = {name: table[name] for name in _LISTS if name in table}
    texts: dict[str, Any] = {name: _texts(value, f"{file}: {path}.{name}") for name, value in lists.items()}
    plain = read_table({name: table[name] for name in table if name not in _LISTS}, known, file, path)
    for name, several in texts.items():
        for index, text in enumerate(several):
            check_rule(name, text, f"{file}: {path}.{name}[{index}]")
    if "sample_by" in plain:
        check_keys(plain["sample_by"], f"{file}: {path}.sample_by")
    return TransformSettings(**plain, **texts)


def check_rule(name: str, text: str, where: str) -> None:
    """UsageError, with the place in the rule, unless it can be understood. `name`: `only`, `skip` or `allow`."""
    try:
        _LISTS[name](text)
    except (ExpressionError, ValueError) as error:
        raise UsageError(f"{where}: {error}") from None


def check_keys(text: str, where: str) -> None:
    """UsageError unless a sample can be drawn by it."""
    try:
        parse_keys(text)
    except ValueError as error:
        raise UsageError(f"{where}: {error}") from None


def merged(file: TransformSettings, given: Mapping[str, Any]) -> TransformSettings:
    """What file and command line add up to; `given` are fields, only where the command line has them."""
    skip = (*file.skip, *given.get("skip", ()))
    return msgspec.structs.replace(file, **{**given, "skip": tuple(dict.fromkeys(skip))})


def chain_of(settings: TransformSettings, run: str, steps: Sequence[Step] = ()) -> Chain | None:
    """The chain for the runner, or None where there is nothing to do. `run` names this run; `steps` come behind."""
    return compose(
        only=settings.only,
        skip=settings.skip,
        send_unanswered=settings.send_unanswered,
        wait_ns=round(settings.answer_wait_s * 1e9),
        wait_requests=settings.answer_queue,
        wait_octets=settings.answer_queue_bytes,
        sample=settings.sample if settings.sample < 1 else None,
        sample_by=settings.sample_by,
        sample_salt=settings.sample_salt or "",
        safe_methods_only=settings.safe_methods_only,
        allow=settings.allow,
        idempotency_run=(settings.idempotency_run or run) if settings.idempotency_key else None,
        steps=steps,
    )


def _texts(value: object, where: str) -> Rules:
    several = [value] if isinstance(value, str) else value
    if not isinstance(several, list) or not all(isinstance(text, str) for text in several):
        raise UsageError(f"{where}: expected a rule in quotes, or a list of such")
    return tuple(several)
