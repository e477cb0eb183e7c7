"""Files that commands write at their end: whole, or not at all."""

import os
import re
import sys
from collections.abc import Iterable
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path

from shadowtap.errors import RunError, UsageError

PRIVATE = 0o600
"""For what may tell of people, masked or not: only its owner reads it."""


def write_whole(path: str, octets: bytes, what: str, *, mode: int | None = None) -> None:
    """Write a file so that a reader never finds half of it; `-` is stdout. A device or a pipe is written to as it is.
    `what` it is stands in the message. Raises RunError."""
    file = Path(path)
    try:
        if path == "-":
            sys.stdout.buffer.write(octets)
            sys.stdout.flush()
        elif file.exists() and not file.is_file():
            file.write_bytes(octets)
        else:
            _replace(file, octets, mode)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise RunError(f"{path}: {what} could not be written: {error.strerror}") from None


def _replace(file: Path, octets: bytes, mode: int | None) -> None:
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666 if mode is None else mode)
        with open(descriptor, "wb") as opened:
            opened.write(octets)
        partial.replace(file)
    except OSError:
        with suppress(OSError):
            partial.unlink()
        raise


def refuse_overwriting(path: str | None, sources: Iterable[str], what: str) -> None:
    """What is read must not be replaced by what is made of it. `sources` are URLs or paths. Raises UsageError."""
    if path is None or path == "-" or not os.path.isfile(path):
        return
    for source in sources:
        read = re.sub(r"^[a-z]+:(?!//)", "", source)
        if (os.path.isfile(read) and os.path.samefile(path, read)) or fnmatch(path, read):
            raise UsageError(f"{what} {path}: is what is read, too; name another file for what is written")


def check_writable(path: str | None, what: str) -> None:
    """Find out now rather than at the end that a file cannot be written. A device or a pipe is written to as it is; a
    file is replaced as a whole, so its folder must allow it. Raises UsageError."""
    if path is None or path == "-":
        return
    if os.path.isdir(path):
        raise UsageError(f"{what} {path}: is a directory; name a file in it")
    folder = os.path.dirname(path) or "."
    written = path if os.path.exists(path) and not os.path.isfile(path) else folder
    if not os.path.isdir(folder) or not os.access(written, os.W_OK):
        raise UsageError(
            f"{what} {path}: cannot be written; name a file in a folder that exists and is yours"
        )
