"""The pages name every reason there is."""

from pathlib import Path

from shadowtap.formats import curl, k6
from shadowtap.formats.gor import compose, gather, join, messages, records, sink
from shadowtap.formats.har import reader, writer
from shadowtap.hooks import Drop, HookAnswer, HookRequest, hexlines, hooks
from shadowtap.hooks.in_flight import Reason

DOCS = Path(__file__).parents[2] / "docs"


def reasons(*modules):
    """Constants that are lower-case words: names of counters."""
    return {
        value
        for module in modules
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, str) and value.isidentifier() and value.islower()
    }


def test_the_page_of_formats_names_every_reason():
    page = (DOCS / "formats.md").read_text()
    wanted = reasons(curl, k6, compose, gather, join, messages, records, reader, writer) | {
        "queue_full",
        "write_failed",
    }
    assert len(wanted) > 15
    assert reasons(sink) - {"nothing_to_write", "bug"} <= wanted
    assert not [reason for reason in sorted(wanted) if f"`{reason}`" not in page]


def test_the_page_of_hooks_names_every_reason_and_everything_a_hook_gets():
    page = (DOCS / "hooks.md").read_text()
    wanted = {*map(str, Drop), *map(str, Reason), hooks.WRONG_TYPE, *reasons(hexlines)}
    wanted |= {"not_http", "wrong_length", "several_requests", "unsafe", "late", "added"}
    wanted |= {name for kind in (HookRequest, HookAnswer) for name in dir(kind) if not name.startswith("_")}
    assert not [reason for reason in sorted(wanted) if f"`{reason}`" not in page]
