"""shadowtap convert: what was seen, in another format."""

import argparse
import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from shadowtap.cli.convert_sinks import WRITTEN, Sink, open_sink
from shadowtap.cli.convert_sources import READ, Source, open_source
from shadowtap.cli.options import Parser, add_ports, reader
from shadowtap.config.kinds import Count
from shadowtap.errors import RunError, UsageError
from shadowtap.events import Exchange, Observation
from shadowtap.expression import Expression, parse
from shadowtap.masking import KEY_BYTES, Masker, key_of
from shadowtap.report import words

if TYPE_CHECKING:
    from rich.progress import Progress

_PROGRESS_S = 0.25


def parser() -> Parser:
    """The options of `convert`."""
    options = Parser(
        prog="shadowtap convert",
        usage="shadowtap convert SOURCE DEST [options]",
        description=f"Writes what was seen in another format.\n\nSOURCE  {READ}\nDEST    {WRITTEN}",
        epilog="A FILE may be - for a pipe; one that ends with .gz is packed. Scripts for k6 and curl send\n"
        "requests where whoever runs them says, in BASE. What a format cannot hold is counted at the end;\n"
        "docs/formats.md tells what each one holds.",
    )
    options.add_argument("source", metavar="SOURCE", help="what to read")
    options.add_argument("dest", metavar="DEST", help="what to write; it must not be there already")
    options.add_argument(
        "--only", metavar="EXPR", help="only exchanges for which this is true: 'status >= 500'"
    )
    options.add_argument("--skip", metavar="EXPR", help="leave out those for which this is true")
    options.add_argument(
        "--limit", type=reader(Count, "--limit"), metavar="N", help="stop after N exchanges (default: all)"
    )
    add_ports(options)
    options.add_argument("--keep-secrets", action="store_true", help="do not mask secrets and personal data")
    options.add_argument(
        "--mask-key",
        metavar="FILE",
        help="a secret that makes the stand-ins of secrets the same each time (default: random)",
    )
    options.add_argument("--recording-key", metavar="FILE", help="the key of an encrypted recording to read")
    options.add_argument("--output-key", metavar="FILE", help="encrypt the recording that is written")
    options.add_argument("--quiet", action="store_true", help="nothing but errors")
    return options


def execute(argv: list[str]) -> int:
    """Carry it out."""
    args = parser().parse(argv)
    chosen = _Choice(args)
    masker = None if args.keep_secrets else Masker(_key(args.mask_key))
    with closing(open_source(args.source, ports=args.port, key=args.recording_key)) as source:
        mask = None if masker is None else masker.observation
        sink = open_sink(args.dest, mask=mask, key=args.output_key)
        try:
            with closing(_Progress(source, quiet=args.quiet)) as progress:
                _copy(chosen(source.observations()), sink, progress)
            _check(source, chosen)
            sink.close()
        except BaseException:
            sink.abandon()
            raise
        if not args.quiet:
            for line in _summary(source, sink, chosen, masker):
                print(line, file=sys.stderr)
    return 0


def _copy(observations: Iterable[Observation], sink: Sink, progress: "_Progress") -> None:
    for observation in observations:
        sink.put(observation)
        progress.tick()


def _check(source: Source, chosen: "_Choice") -> None:
    """A file of another kind is an error, not an empty result."""
    why = source.stopped or words.reasons(source.lost, most=20)
    if not chosen.read and why:
        raise RunError(f"{source.name}: nothing in it can be read: {why}")


def _key(path: str | None) -> bytes:
    if path is None:
        return os.urandom(KEY_BYTES)
    try:
        return key_of(Path(path).read_bytes(), path)
    except OSError as error:
        raise UsageError(f"--mask-key {path}: cannot be read: {error.strerror}") from None


class _Choice:
    """Which observations are wanted. `read` and `chosen` count."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.read = 0
        self.chosen = 0
        self._only = _expression(args.only, "--only")
        self._skip = _expression(args.skip, "--skip")
        self._limit: int | None = args.limit

    def __call__(self, observations: Iterator[Observation]) -> Iterator[Observation]:
        return islice(self._wanted(observations), self._limit)

    def _wanted(self, observations: Iterator[Observation]) -> Iterator[Observation]:
        only, skip = self._only, self._skip
        for observation in observations:
            self.read += 1
            exchange = observation.exchange
            if (only is None or only.matches(exchange)) and (skip is None or not skip.matches(exchange)):
                self.chosen += 1
                yield observation


def _expression(text: str | None, option: str) -> Expression[Exchange] | None:
    try:
        return None if text is None else parse(text)
    except UsageError as error:
        raise UsageError(f"{option}: {error}") from None


def _summary(source: Source, sink: Sink, chosen: _Choice, masker: Masker | None) -> Iterator[str]:
    left = chosen.read - chosen.chosen
    yield (
        f"{words.count(chosen.read)} exchanges read, {words.count(sink.written)} written to {sink.name}"
        + (f", {words.count(left)} not chosen" if left else "")
    )
    if +sink.left_out:
        yield f"not written: {words.reasons(sink.left_out, most=20)}"
    if +source.lost:
        yield f"not read: {words.reasons(source.lost, most=20)}"
    if source.stopped:
        yield f"stopped: {source.stopped}"
    if masker is not None and masker.counts:
        yield f"masked: {words.reasons(masker.counts, most=20)}"


class _Progress:
    """A bar on a terminal, with the share that is done and the rate."""

    def __init__(self, source: Source, *, quiet: bool) -> None:
        self._source = source
        self._bar = None if quiet or not sys.stderr.isatty() else _bar()
        self._task = None if self._bar is None else self._bar.add_task("", total=1.0, rate="")
        self._count = 0
        self._begin = time.monotonic()
        self._due = self._begin + _PROGRESS_S

    def tick(self) -> None:
        """One more; show it, if it is time to."""
        self._count += 1
        if self._bar is None or self._task is None:
            return
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + _PROGRESS_S
        share = self._source.progress()
        rate = (
            f"{words.count(self._count)} exchanges, {words.rate(self._count / (now - self._begin))} a second"
        )
        self._bar.update(self._task, completed=share or 0.0, total=None if share is None else 1.0, rate=rate)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()


def _bar() -> "Progress":
    from rich.console import Console  # noqa: PLC0415  slow to import, and not always needed
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn  # noqa: PLC0415

    columns = BarColumn(bar_width=20), TaskProgressColumn(), TextColumn("{task.fields[rate]}")
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    bar.start()
    return bar
