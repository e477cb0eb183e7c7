"""What the file and the command line may say about sessions."""

import pytest

from shadowtap.cli.run import parser
from shadowtap.cli.settings import settings_of
from shadowtap.config import Settings
from shadowtap.config.merge import load
from shadowtap.config.sessions import SessionSettings, read_sessions
from shadowtap.errors import UsageError


def told(*words: str, file: str = "", tmp_path=None) -> Settings:
    """The settings that a command line and a file add up to."""
    if tmp_path is not None:
        (tmp_path / "tap.toml").write_text(file)
    args = parser().parse(["--from", "pcap:-", "--to", "http://a", *words])
    return settings_of(args, None if tmp_path is None else str(tmp_path / "tap.toml"))


@pytest.mark.parametrize(
    ("words", "rebinds"),
    [
        ((), False),
        (("--rebind",), True),
        (("--compare",), True),
        (("--fail-on", "mismatch > 1%"), True),
        (("--compare", "--no-rebind"), False),
        (("--no-rebind", "--rebind"), True),
    ],
)
def test_sessions_are_rebound_where_answers_are_compared_or_where_it_is_said(words, rebinds):
    assert told(*words).rebinds == rebinds


def test_the_file_says_the_same_and_the_command_line_wins(tmp_path):
    file = '[sessions]\nrebind = true\nwait = "2s"\nalways = "body.ticket"\nnever = ["cookie lang", "header x-a"]\n'
    assert told(file=file, tmp_path=tmp_path).sessions == SessionSettings(
        rebind=True, wait_s=2.0, always=("body.ticket",), never=("cookie lang", "header x-a")
    )
    assert not told("--no-rebind", file=file, tmp_path=tmp_path).rebinds
    words = (
        "--rebind-wait",
        "500ms",
        "--rebind-always",
        "**.key",
        "--rebind-never",
        "body.a[].b",
    )
    assert told(*words, file=file, tmp_path=tmp_path).sessions == SessionSettings(
        rebind=True, wait_s=0.5, always=("**.key",), never=("body.a[].b",)
    )


@pytest.mark.parametrize(
    ("table", "error"),
    [
        (3, "tap.toml: sessions: expected a table, such as [sessions]"),
        ({"rebnd": True}, 'tap.toml: sessions.rebnd: unknown key; did you mean "rebind"?'),
        ({"rebind": "yes"}, 'tap.toml: sessions.rebind: expected true or false, not "yes"'),
        ({"wait": 0}, 'tap.toml: sessions.wait: expected a duration such as "30s", "500ms" or "5m", not 0'),
        ({"always": 3}, "tap.toml: sessions.always: expected a place in quotes, or a list of such"),
        (
            {"never": ["sid"]},
            'tap.toml: sessions.never: expected a place such as "cookie sid", "header x-auth" or "body.ticket",'
            ' not "sid"',
        ),
        (
            {"always": ["GET /a body.x"]},
            'tap.toml: sessions.always: expected a place such as "cookie sid", "header x-auth" or "body.ticket",'
            ' not "GET /a body.x"',
        ),
    ],
)
def test_a_mistake_is_one_line_that_says_what_is_expected(table, error):
    with pytest.raises(UsageError) as raised:
        read_sessions(table, "tap.toml")
    assert str(raised.value) == error


def test_a_mistake_on_the_command_line_names_the_option():
    with pytest.raises(UsageError, match='--rebind-never: expected a place such as "cookie sid"'):
        told("--rebind-never", "everything")


def test_nothing_said_is_nothing_done():
    assert not load(sources=["pcap:-"], targets=["http://a"]).rebinds
