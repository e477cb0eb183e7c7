"""What the commands of `aws` say: progress and questions on stderr, JSON on stdout."""

import sys
from typing import Any

import msgspec

from shadowtap.aws.apply import Done
from shadowtap.aws.steps import describe
from shadowtap.errors import UsageError


def say(text: str, end: str = "\n") -> None:
    print(text, end=end, file=sys.stderr, flush=True)


def as_json(value: Any) -> None:
    print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def confirm(yes: bool, what: str) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(
            f"shadowtap aws {what} asks before it changes anything: say --yes where nobody can answer"
        )
    say("apply this? [y/N] ", end="")
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise UsageError("nothing was changed")


def tell(done: Done) -> None:
    mark = "failed" if done.error else "done  "
    say(
        f"{mark}  {describe(done.step)}"
        + (f" → {done.id}" if done.id else "")
        + (f": {done.error}" if done.error else "")
    )


def tell_dry(done: Done) -> None:
    say(
        f"{'refused' if done.error else 'allowed'}  {describe(done.step)}"
        + (f": {done.error}" if done.error else "")
    )
