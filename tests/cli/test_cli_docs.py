"""The reference is what --help says, and the pages name everything there is."""

import runpy
from pathlib import Path

import pytest

from shadowtap.capture.udp import REFUSED_SENDER
from shadowtap.cli.entry import COMMANDS, command
from shadowtap.config import Settings
from shadowtap.decap.rows import Drop
from shadowtap.events import Failure, Fault, Flag, How
from shadowtap.report.metrics import metrics
from shadowtap.runner import AMBIGUOUS, OWN_MARK, PRODUCTION_GUARD, TUNNEL

DOCS = Path(__file__).parents[2] / "docs"


def test_the_reference_of_the_command_line_is_fresh():
    made = runpy.run_path(str(DOCS / "make_cli.py"))["page"]()
    assert (DOCS / "cli.md").read_text() == made, "run: python docs/make_cli.py"


@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_a_terminal(name):
    assert max(map(len, command(name).parser().format_help().splitlines())) <= 100


def test_the_ledger_page_explains_every_reason():
    page = (DOCS / "ledger.md").read_text()
    words = [str(word) for kind in (Fault, Failure, Flag, How, Drop) for word in kind]
    words += [OWN_MARK, AMBIGUOUS, TUNNEL, PRODUCTION_GUARD, REFUSED_SENDER]
    missing = [word for word in words if f"`{word}`" not in page]
    assert not missing


def test_the_ledger_page_explains_every_counter():
    from shadowtap.ledger import (
        CaptureCounters,
        FlowCounters,
        MessageCounters,
        PacketCounters,
        RequestAccount,
    )

    page = (DOCS / "ledger.md").read_text()
    structures = (CaptureCounters, FlowCounters, MessageCounters, PacketCounters, RequestAccount)
    missing = [f for s in structures for f in s.__struct_fields__ if f"`{f}`" not in page]
    assert not missing


def test_the_metrics_page_names_every_metric():
    from prometheus_client.parser import text_string_to_metric_families

    from shadowtap.ledger import Ledger
    from shadowtap.report.health import Health

    page = (DOCS / "metrics.md").read_text()
    families = text_string_to_metric_families(metrics(Ledger(1), Health()).decode())
    names = [f.name + ("_total" if f.type == "counter" else "") for f in families]
    assert not [name for name in names if f"`{name}`" not in page]


def test_the_configuration_page_describes_every_key():
    page = (DOCS / "configuration.md").read_text()
    settings = Settings()
    structures = (type(settings.flows), type(settings.http), type(settings.health))
    keys = [key for structure in structures for key in structure.__struct_encode_fields__]
    from shadowtap.config.file import REPLAY_KEYS, TARGET_KEYS

    keys += [
        *TARGET_KEYS,
        *REPLAY_KEYS,
        "from",
        "to",
        "ports",
        "status",
        "summary",
        "report",
        "ui",
        "grace",
        "duration",
    ]
    assert not [key for key in keys if f"`{key}`" not in page]
