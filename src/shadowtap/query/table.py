"""Rows for people: a table as wide as the terminal, with a note on what it leaves out."""

from itertools import islice
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

from shadowtap.query.cells import human
from shadowtap.query.database import Answer

ROWS = 100
"""Rows that are shown; whoever wants more wants a file."""
NARROW = 12
"""Columns are not made narrower than this to make room for others."""
WIDE = 60
"""Nor wider than this, unless it is the only one."""
NAMED = 8
"""Columns left out that are named."""
_GAP = "  "
_FLEXIBLE = ("string", "large_string", "string_view", "binary", "large_binary", "binary_view")
"""Kinds that may be cut: half a number or time would mislead."""


class Table(NamedTuple):
    """`lines` are the table, header first; `notes` what is not in it."""

    lines: list[str]
    notes: list[str]

    @classmethod
    def of(cls, answer: Answer, *, width: int, rows: int = ROWS) -> "Table":
        """The first rows of an answer, `width` characters wide."""
        found = list(islice(answer, rows + 1))
        shown = [human(name, kind) for name, kind in zip(answer.columns, answer.kinds, strict=True)]
        numeric = [kind.startswith(("int", "double", "float", "decimal")) for kind in answer.kinds]
        cells = [[show(value) for show, value in zip(shown, row, strict=True)] for row in found[:rows]]
        wanted = [
            max(cell_len(name), *(cell_len(row[i]) for row in cells)) if cells else cell_len(name)
            for i, name in enumerate(answer.columns)
        ]
        flexible = [kind in _FLEXIBLE or "<" in kind for kind in answer.kinds]
        widths = fit(wanted, flexible, width)
        notes = []
        if len(widths) < len(wanted):
            hidden = answer.columns[len(widths) :]
            named = ", ".join(hidden[:NAMED]) + (", …" if len(hidden) > NAMED else "")
            notes.append(f"{len(hidden)} columns do not fit: {named}; name those you want, or use --json")
        if len(found) > rows:
            notes.append(f"the first {rows} rows; there are more: use LIMIT, --rows N, --csv or --json")
        head = [answer.columns, ["─" * size for size in widths]]
        return cls([_line(row, widths, numeric) for row in [*head, *cells]], notes)


def fit(wanted: list[int], flexible: list[bool], width: int) -> list[int]:
    """The widths of the columns that fit into `width`: all as wide as they want if they can be, else the widest of
    the flexible ones made narrower, else the last left out."""
    widths = [min(size, WIDE) if may else size for size, may in zip(wanted, flexible, strict=True)]
    if len(widths) == 1:
        return [min(wanted[0], max(width, 1))]
    while len(widths) > 1:
        excess = sum(widths) + len(_GAP) * (len(widths) - 1) - width
        if excess <= 0:
            return widths
        widest = max((size for size, may in zip(widths, flexible, strict=False) if may), default=0)
        if widest > NARROW:
            widths = _narrowed(widths, flexible, widest, excess)
        else:
            widths.pop()
            widths = [
                min(w, WIDE) if may else w for w, may in zip(wanted[: len(widths)], flexible, strict=False)
            ]
    return [min(widths[0], max(width, 1))]


def _narrowed(widths: list[int], flexible: list[bool], widest: int, excess: int) -> list[int]:
    """The widest flexible columns made as narrow as the next, or as it takes."""
    rest = [size for size, may in zip(widths, flexible, strict=False) if may and size < widest]
    several = sum(may and size == widest for size, may in zip(widths, flexible, strict=False))
    target = max(NARROW, widest - -(-excess // several), *rest)
    return [min(size, target) if may else size for size, may in zip(widths, flexible, strict=False)]


def _line(row: list[str], widths: list[int], numeric: list[bool]) -> str:
    cells = [_cell(text, size, right) for text, size, right in zip(row, widths, numeric, strict=False)]
    return _GAP.join(cells).rstrip()


def _cell(text: str, size: int, right: bool) -> str:
    length = cell_len(text)
    if length > size:
        return set_cell_size(text, size - 1) + "…"
    return " " * (size - length) + text if right else text + " " * (size - length)
