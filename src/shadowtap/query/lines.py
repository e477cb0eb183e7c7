"""Rows for machines: CSV with a header (RFC 4180), or one JSON object a line."""

import csv
import io
from collections.abc import Iterator

import msgspec

from shadowtap.query.cells import plain, text
from shadowtap.query.database import Answer


def csv_lines(answer: Answer) -> Iterator[str]:
    """The names of the columns, then every row."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(answer.columns)
    for row in answer:
        writer.writerow([text(value) for value in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def json_lines(answer: Answer) -> Iterator[str]:
    """Every row, its columns in their order."""
    for row in answer:
        found = {name: plain(value) for name, value in zip(answer.columns, row, strict=True)}
        yield msgspec.json.encode(found).decode() + "\n"
