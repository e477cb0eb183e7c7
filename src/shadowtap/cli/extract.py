"""shadowtap extract: requests and responses as JSON Lines.

What a batch of packets completes is written at once, so a pipe or a live source shows its messages when they happen.
"""

import gc
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from types import FrameType
from typing import TYPE_CHECKING, BinaryIO

from shadowtap.api import Reading
from shadowtap.capture import FileSource, LiveSource
from shadowtap.cli.options import Parser, add_ports, reader
from shadowtap.cli.output import refuse_overwriting
from shadowtap.config.kinds import Count
from shadowtap.errors import RunError
from shadowtap.events import Message
from shadowtap.report import words
from shadowtap.report.jsonlines import JsonLines

if TYPE_CHECKING:
    from shadowtap.stored import Stored

_PROGRESS_S = 0.5
_GC_THRESHOLD = (50_000, 50, 50)
"""Messages hold no cycles, so looking for some after every 700 values costs 3 % of the time and finds nothing."""


def parser() -> Parser:
    """The options of `extract`."""
    options = Parser(
        prog="shadowtap extract",
        usage="shadowtap extract SOURCE [options]",
        description="Writes every HTTP request and response as one JSON object a line, in order of completion.",
        epilog="A capture that was cut gives everything before the cut; a line on stderr says where it stopped.\n"
        'A message of which bytes are missing has "complete": false, and "fault" says why.',
    )
    options.add_argument(
        "source",
        metavar="SOURCE",
        help="pcap:FILE, pcap:- (a pipe), recording:DIR, gor:FILE, vxlan://…, geneve://…, iface://…",
    )
    add_ports(options)
    options.add_argument(
        "--keep-secrets", action="store_true", help="do not mask credentials in headers and request targets"
    )
    options.add_argument("--recording-key", metavar="FILE", help="the key of an encrypted recording")
    options.add_argument("-o", "--output", metavar="FILE", help="write there (default: stdout)")
    options.add_argument(
        "--limit", type=reader(Count, "--limit"), metavar="N", help="stop after N lines (default: at the end)"
    )
    return options


def execute(argv: list[str]) -> int:
    """Carry it out."""
    args = parser().parse(argv)
    refuse_overwriting(args.output, [args.source], "output")
    writer = JsonLines(keep_secrets=args.keep_secrets)
    with (
        _rare_collections(),
        Reading(args.source, ports=args.port, recording_key=args.recording_key) as reading,
        _output(args.output) as output,
        _ending(reading),
        closing(_Progress(reading.source)) as progress,
    ):
        for found in reading.batches():
            _write(output, writer, found, args.limit)
            if args.limit is not None and writer.lines >= args.limit:
                return 0
            progress.tick(writer.lines)
    if not isinstance(reading.source, LiveSource) and reading.source.stopped:
        print(f"stopped: {reading.source.stopped}", file=sys.stderr)
    return 0


def _write(output: BinaryIO, writer: JsonLines, found: list[Message], limit: int | None) -> None:
    if limit is None:
        block = b"".join([writer.line(message) for message in found])
    else:
        block = b"".join([writer.line(message) for message in found if writer.lines < limit])
    if block:
        output.write(block)
        output.flush()


@contextmanager
def _rare_collections() -> Iterator[None]:
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLD)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


@contextmanager
def _output(path: str | None) -> Iterator[BinaryIO]:
    if path is None or path == "-":
        yield sys.stdout.buffer
        return
    try:
        file = open(path, "wb")  # noqa: SIM115  the error of opening it is not that of writing to it
    except OSError as error:
        raise RunError(f"{path}: cannot be written: {error.strerror}") from None
    with file:
        yield file


@contextmanager
def _ending(reading: Reading) -> Iterator[None]:
    """A live source ends by an interrupt, which is no error."""
    if not isinstance(reading.source, LiveSource):
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        reading.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Progress:
    """One line on a terminal that keeps up with a file, unless the messages go to a terminal themselves."""

    def __init__(self, source: "FileSource | LiveSource | Stored") -> None:
        wanted = sys.stderr.isatty() and not sys.stdout.isatty()
        self._source = source if wanted and not isinstance(source, LiveSource) else None
        self._due = time.monotonic() + _PROGRESS_S
        self._shown = False

    def tick(self, lines: int) -> None:
        """Show how far it is, if it is time to."""
        now = time.monotonic()
        if self._source is None or now < self._due:
            return
        self._due = now + _PROGRESS_S
        self._shown = True
        share = self._source.progress()
        part = "" if share is None else f"{100 * share:.0f} % read, "
        print(f"\r{part}{words.count(lines)} messages ", end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Take the line away."""
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
