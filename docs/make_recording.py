"""Writes the tables of docs/recording.md from the schema and the views: `python docs/make_recording.py`."""

from pathlib import Path

from shadowtap.query.views import FUNCTIONS, VIEWS
from shadowtap.record.schema import COLUMNS, OUTCOME, VERDICT

PAGE = Path(__file__).with_name("recording.md")


def page(text: str) -> str:
    """The page with its tables made anew."""
    for name, table in {"columns": columns(), "structs": structs(), "views": views()}.items():
        before, begin, rest = text.partition(f"<!-- {name}: made by docs/make_recording.py -->\n")
        text = before + begin + table + rest[rest.index(f"<!-- end of {name} -->") :]
    return text


def columns() -> str:
    """The columns."""
    rows = [f"| `{c.name}` | {_kind(c.type)} | {c.meaning} |\n" for c in COLUMNS]
    return "| column | type | what it is |\n| --- | --- | --- |\n" + "".join(rows)


def structs() -> str:
    """What is in the nested columns."""
    rows = [
        f"| `{name}` | {', '.join(f'`{field.name}` {_kind(field.type)}' for field in struct)} |\n"
        for name, struct in (("outcomes[]", OUTCOME), ("verdicts[]", VERDICT))
    ]
    return "| | fields |\n| --- | --- |\n" + "".join(rows)


def views() -> str:
    """What can be selected from, and the functions."""
    rows = [f"| `{view.name}` | {view.meaning} |\n" for view in VIEWS]
    rows += [f"| `{name}` | {meaning} |\n" for name, meaning in FUNCTIONS]
    return "| | |\n| --- | --- |\n" + "".join(rows)


def _kind(kind: object) -> str:
    text = str(kind).replace("timestamp[us, tz=UTC]", "timestamp (µs, UTC)").replace("item: ", "")
    return "list of structs" if text.startswith("list<struct") else text


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
