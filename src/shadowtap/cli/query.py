"""shadowtap query: SQL over a recording."""

import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from shadowtap.cli.options import Parser, reader
from shadowtap.config.kinds import Count
from shadowtap.errors import RunError, UsageError
from shadowtap.report import words

if TYPE_CHECKING:
    from shadowtap.query import Database


def parser() -> Parser:
    """The options of `query`."""
    options = Parser(
        prog="shadowtap query",
        usage="shadowtap query RECORDING ['SELECT …'] [options]",
        description="Asks a recording in SQL (DuckDB's). Without SQL it lists views, columns and examples.",
        epilog="A recording can be asked while it is being written. SQL reaches nothing but the recording:\n"
        "no other files, no network. Values appear as they were recorded, masked unless that was turned off.",
    )
    options.add_argument("recording", metavar="RECORDING", help="recording:DIR, or DIR")
    options.add_argument("sql", metavar="SQL", nargs="?", help="what to ask; - reads it from stdin")
    form = options.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="write CSV with a header line")
    form.add_argument("--json", action="store_true", help="write one JSON object a line")
    options.add_argument("-o", "--output", metavar="FILE", help="write there (default: stdout)")
    options.add_argument(
        "--rows",
        type=reader(Count, "--rows"),
        default=100,
        metavar="N",
        help="rows that a table shows (default: 100)",
    )
    options.add_argument("--recording-key", metavar="FILE", help="the key of an encrypted recording")
    return options


def execute(argv: list[str]) -> int:
    """Carry it out."""
    args = parser().parse(argv)
    from shadowtap.query import Database, Table, csv_lines, json_lines  # noqa: PLC0415  they need the extra
    from shadowtap.record import Recording, read_key  # noqa: PLC0415

    key = None if args.recording_key is None else read_key(args.recording_key)
    recording = Recording(args.recording.removeprefix("recording:"), key=key, notify=_note)
    with Database(recording, key=key) as database:
        if args.sql is None:
            _write(args.output, _guide(database))
            return 0
        sql = sys.stdin.read() if args.sql == "-" else args.sql
        if not sql.strip():
            raise UsageError("there is nothing to ask; write a query such as 'SELECT * FROM endpoints'")
        answer = database.ask(sql)
        if answer is None:
            return 0
        if args.csv or args.json:
            _write(args.output, csv_lines(answer) if args.csv else json_lines(answer))
            return 0
        width = shutil.get_terminal_size((100, 24)).columns if args.output is None else 200
        table = Table.of(answer, width=width, rows=args.rows)
        _write(args.output, (f"{line}\n" for line in table.lines))
        for note in table.notes:
            _note(note)
    return 0


def _guide(database: "Database") -> Iterator[str]:
    from shadowtap.query import EXAMPLES, VIEWS  # noqa: PLC0415
    from shadowtap.query.views import FUNCTIONS  # noqa: PLC0415

    recording = database.recording
    yield f"{recording.root}: {words.count(recording.rows)} exchanges\n"
    for view in VIEWS:
        yield f"\n{view.name}: {view.meaning}\n"
        yield from _wrapped([name for name, _ in database.columns(view.name)])
    yield "\nfunctions:\n"
    for name, meaning in FUNCTIONS:
        yield f"  {name}  {meaning}\n"
    yield "\nfor example:\n"
    for example in EXAMPLES:
        yield f"  {example}\n"


def _wrapped(names: list[str]) -> Iterator[str]:
    line = " "
    for name in names:
        if len(line) + len(name) > 96:
            yield line + "\n"
            line = " "
        line += f" {name}"
    yield line + "\n"


def _write(path: str | None, lines: Iterable[str]) -> None:
    with _output(path) as output:
        for line in lines:
            output.write(line)


@contextmanager
def _output(path: str | None) -> Iterator[TextIO]:
    if path is None or path == "-":
        yield sys.stdout
        sys.stdout.flush()
        return
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise RunError(f"{path}: cannot be written: {error.strerror}") from None
    with open(handle, "w", encoding="utf-8", newline="") as file:
        yield file


def _note(text: str) -> None:
    print(f"shadowtap: {text}", file=sys.stderr)
