"""Tables that fit."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from shadowtap.query import Table
from shadowtap.query.table import NARROW, fit


class Rows:
    """What a table wants of an answer."""

    def __init__(self, columns, *rows):
        self.columns = list(columns)
        self.kinds = list(columns.values())
        self._rows = rows

    def __iter__(self):
        return iter(self._rows)


def test_numbers_to_the_right_and_text_to_the_left():
    table = Table.of(Rows({"path": "string", "n": "int64"}, ("/a", 1), ("/longer", 200)), width=80)
    assert table.lines == ["path       n", "───────  ───", "/a         1", "/longer  200"]
    assert table.notes == []


def test_wide_text_is_cut_before_columns_go():
    table = Table.of(Rows({"a": "string", "n": "int64"}, ("x" * 100, 123456)), width=40)
    assert table.lines[2] == "x" * 31 + "…  123456"


def test_columns_that_do_not_fit_are_named():
    table = Table.of(Rows(dict.fromkeys(("first", "second", "third"), "string"), ("x" * 20,) * 3), width=30)
    assert table.lines[0].split() == ["first", "second"]
    assert table.notes == ["1 columns do not fit: third; name those you want, or use --json"]


def test_rows_beyond_the_first_are_announced():
    table = Table.of(Rows({"n": "int64"}, *((n,) for n in range(5))), width=80, rows=3)
    assert len(table.lines) == 2 + 3
    assert table.notes == ["the first 3 rows; there are more: use LIMIT, --rows N, --csv or --json"]


def test_no_rows_is_a_header():
    assert Table.of(Rows({"path": "string"}), width=80).lines == ["path", "────"]


def test_characters_of_two_cells_keep_the_columns_straight():
    table = Table.of(Rows({"a": "string", "b": "string"}, ("日本", "x"), ("ab", "y")), width=80)
    assert table.lines[2:] == ["日本  x", "ab    y"]


@given(
    st.lists(st.tuples(st.integers(1, 300), st.booleans()), min_size=1, max_size=12),
    st.integers(1, 200),
)
def test_what_is_shown_is_never_wider_than_the_terminal(columns, width):
    wanted, flexible = [size for size, _ in columns], [may for _, may in columns]
    widths = fit(wanted, flexible, width)
    assert 1 <= len(widths) <= len(wanted)
    assert sum(widths) + 2 * (len(widths) - 1) <= width
    if len(widths) > 1:
        assert all(got >= min(want, NARROW) for got, want in zip(widths, wanted, strict=False))


@given(st.text(max_size=40), st.text(max_size=40))
def test_lines_fit_whatever_is_in_them(a, b):
    for line in Table.of(Rows({"a": "string", "b": "string"}, (a, b)), width=30).lines:
        assert cell_len(line) <= 30
        assert line.isprintable()
