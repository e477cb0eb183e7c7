"""One file and the command line become settings, and each mistake gets its one line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowtap.config import RewriteSettings, Settings, SinkSettings
from shadowtap.config.merge import load, require
from shadowtap.errors import UsageError

EXAMPLE = Path(__file__).parents[2] / "examples" / "shadowtap.toml"

FULL = """
from = ["vxlan://0.0.0.0:4789?vni=7", "pcap:a.pcap"]
ports = [80, 8080]
status = "127.0.0.1:9095"
summary = "ledger.json"
grace = "2s"
duration = "10m"
to = ["http://one:8080?pool=4"]

[flows]
reorder_window = "50ms"
idle = "2m"
connections = 1000
buffer_size = "16MiB"

[http]
head_size = "64KiB"
body_size = "8MiB"

[replay]
ambiguous = true
allow_production_target = true
timeout = "9s"
queue_size = "1MB"

[health]
window = "5s"
windows = 2
loss = "0.5%"
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    """Writes a configuration file and gives its name."""
    monkeypatch.chdir(tmp_path)

    def write(text):
        (tmp_path / "tap.toml").write_text(text)
        return "tap.toml"

    return write


def test_everything_there_is(file):
    settings = load(file(FULL))
    (target,) = settings.targets
    assert settings.sources == ("vxlan://0.0.0.0:4789?vni=7", "pcap:a.pcap")
    assert (target.url, target.pool, target.timeout_s, target.queue_bytes) == (
        "http://one:8080",
        4,
        9.0,
        1_000_000,
    )
    assert (target.address.host, target.address.port) == ("one", 8080)
    assert settings.ports == (80, 8080)
    assert settings.status_address == ("127.0.0.1", 9095)
    assert (settings.summary, settings.grace_s, settings.duration_s) == ("ledger.json", 2.0, 600.0)
    assert (settings.flows.reorder_window_s, settings.flows.idle_s) == (0.05, 120.0)
    assert (settings.flows.connections, settings.flows.buffer_bytes) == (1000, 16 << 20)
    assert (settings.http.head_bytes, settings.http.body_bytes) == (64 << 10, 8 << 20)
    assert settings.replay_ambiguous
    assert settings.allow_production_target
    assert (settings.health.window_s, settings.health.windows, settings.health.loss) == (5.0, 2, 0.005)


def test_nothing_is_the_default(file):
    assert load(file("")) == load() == Settings()


def test_the_example_holds_every_key_with_its_default(file):
    """Uncommented, the example says what the defaults say, but for where things come from and go."""
    plain = EXAMPLE.read_text()
    assert require(load(str(EXAMPLE)))
    lines = [line[2:] if line.startswith("#:") else line for line in plain.splitlines()]
    settings = load(file("\n".join(line.strip() for line in lines)))
    bare = Settings(sources=settings.sources, targets=settings.targets, status=settings.status)
    given = {
        "summary": "ledger.json",
        "report": "report.html",
        "ui": "8080",
        "duration_s": 600.0,
        "ports": (80, 8080),
    }
    for name in Settings.__struct_fields__:
        assert getattr(settings, name) == given.get(name, getattr(bare, name)), name
    documented = [
        line.strip().lstrip("#: ").partition(" =")[0] for line in plain.splitlines() if " = " in line
    ]
    for structure in (
        type(settings.targets[0]),
        type(settings.flows),
        type(settings.http),
        type(settings.health),
        type(settings.transform),
        type(settings.mask),
        type(settings.hooks),
        type(settings.compare),
        SinkSettings,
    ):
        for key in structure.__struct_encode_fields__:
            assert key in documented, key


def test_sinks_beside_targets(file):
    settings = load(
        file("""
to = ["http://one", "recording:/data?max_size=1GiB&mask=no", "jsonl:-"]
""")
    )
    recording, lines = settings.sinks
    assert [target.url for target in settings.targets] == ["http://one"]
    assert (recording.url, recording.max_bytes, recording.mask) == ("recording:/data", 1 << 30, False)
    assert (recording.kind, recording.path) == ("recording", "/data")
    assert (lines.url, lines.mask, lines.left_out) == ("jsonl:-", True, False)
    other = load(file('[[to]]\nurl = "gor:a.gor"\nfile_size = "1MiB"'), for_targets={"timeout_s": 3.0})
    assert (other.targets, other.sinks[0].file_bytes) == ((), 1 << 20)


def test_the_key_of_recordings_is_that_of_those_that_are_written(file):
    sinks = ("recording:a", "recording:b?key=own.key", "gor:c")
    settings = load(targets=sinks, recording_key="our.key")
    assert [sink.key for sink in settings.sinks] == ["our.key", "own.key", None]
    told = load(file('recording_key = "our.key"\nto = ["recording:a"]'))
    assert [sink.key for sink in told.sinks] == ["our.key"]


@pytest.mark.parametrize(
    ("source", "sink"),
    [("recording:a", "recording:./a/"), ("gor:a.gor", "gor:a.gor"), ("gor:*.gor", "gor:x/../new.gor")],
)
def test_what_is_read_is_not_written_to(source, sink, file):
    file("")
    with pytest.raises(UsageError, match="is what is read, too; name another for what is written"):
        load(sources=[source], targets=[sink])
    assert load(sources=[source, "gor:-"], targets=["recording:other", "gor:other"])


def test_tables_and_the_command_line_add_up(file):
    name = file("""
from = "pcap:a"
to = "http://one"
[transform]
only = "method == GET"
skip = ["path == /a"]
[[rewrite]]
path = "a -> b"
[mask]
fields = ["nick"]
[hooks]
file = "h.py"
""")
    settings = load(
        name,
        for_tables={
            "transform": {"only": ("method == PUT",), "skip": ("path == /b",)},
            "mask": {"live": True},
            "hooks": {"on_error": "drop"},
        },
        rewrite=(RewriteSettings(host=("c -> d",)),),
    )
    assert settings.transform.only == ("method == PUT",)
    assert settings.transform.skip == ("path == /a", "path == /b")
    assert [table.path + table.host for table in settings.rewrite] == [("a -> b",), ("c -> d",)]
    assert (settings.mask.live, settings.mask.fields) == (True, ("nick",))
    assert (settings.hooks.file, settings.hooks.on_error) == ("h.py", "drop")


def test_targets_as_tables(file):
    settings = load(
        file("""
[[to]]
url = "https://one:8443"
verify = false
timeout = 5

[[to]]
url = "http://two?keep_host=yes"
in_flight = 7

[replay]
timeout = "9s"
""")
    )
    one, two = settings.targets
    assert (one.url, one.verify, one.timeout_s, one.keep_host) == ("https://one:8443", False, 5.0, False)
    assert (two.url, two.verify, two.timeout_s, two.keep_host, two.in_flight) == (
        "http://two",
        True,
        9.0,
        True,
        7,
    )


def test_the_nearer_word_wins(file):
    name = file(
        'from = "pcap:a"\nto = ["http://one?timeout=1s", "http://two"]\n[replay]\ntimeout = "2s"\npool = 2'
    )
    by_file = load(name)
    assert [(t.timeout_s, t.pool) for t in by_file.targets] == [(1.0, 2), (2.0, 2)]
    by_line = load(name, for_targets={"timeout_s": 3.0}, grace_s=9.0)
    assert [(t.timeout_s, t.pool) for t in by_line.targets] == [(3.0, 2), (3.0, 2)]
    assert by_line.grace_s == 9.0
    own = load(name, targets=["http://three?timeout=4s"], for_targets={"timeout_s": 3.0}, sources=["pcap:-"])
    assert [(t.url, t.timeout_s, t.pool) for t in own.targets] == [("http://three", 4.0, 2)]
    assert own.sources == ("pcap:-",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("flows = 5", "tap.toml: flows: expected a table, such as [flows]"),
        ("[flow]", 'tap.toml: flow: unknown key; did you mean "flows"?'),
        ("[flows]\nidel = 5", 'tap.toml: flows.idel: unknown key; did you mean "idle"?'),
        ("[http]\nx = 5", 'tap.toml: http.x: unknown key; there are "head_size", "body_size"'),
        (
            '[flows]\nidle = "soon"',
            'tap.toml: flows.idle: expected a duration such as "30s", "500ms" or "5m", not "soon"',
        ),
        (
            "[flows]\nidle = 0",
            'tap.toml: flows.idle: expected a duration such as "30s", "500ms" or "5m", not 0',
        ),
        (
            "[flows]\nidle = []",
            'tap.toml: flows.idle: expected a duration such as "30s", "500ms" or "5m", not a list',
        ),
        (
            '[http]\nbody_size = "64M"',
            'tap.toml: http.body_size: expected a size such as "64MiB" or "10MB", not "64M"',
        ),
        (
            "[http]\nbody_size = 1.5",
            'tap.toml: http.body_size: expected a size such as "64MiB" or "10MB", not 1.5',
        ),
        ("[health]\nloss = 2", 'tap.toml: health.loss: expected a share such as "1%" or 0.01, not 2'),
        ('[replay]\nambiguous = "yes"', 'tap.toml: replay.ambiguous: expected true or false, not "yes"'),
        ("[replay]\npool = -1", "tap.toml: replay.pool: expected a whole number from 0 on, not -1"),
        ("[replay]\npool = true", "tap.toml: replay.pool: expected a whole number from 0 on, not true"),
        ("ports = [80, 99999]", "tap.toml: ports[1]: expected a port number from 1 to 65535, not 99999"),
        (
            'status = "9095"',
            'tap.toml: status: expected HOST:PORT, such as 127.0.0.1:9095 or 0.0.0.0:9095, not "9095"',
        ),
        ("from = [5]", "tap.toml: from[0]: expected a URL in quotes"),
        ("to = [5]", "tap.toml: to[0]: expected a URL in quotes"),
        (
            'to = ["http://a", "http://b/c"]',
            'tap.toml: to[1]: a target is scheme://host:port; leave out "/c", each request keeps its own path',
        ),
        ('to = "http://a?x=1"', None),
        ("[[to]]\npool = 5", 'tap.toml: to[0]: lacks its url, such as url = "http://staging.example:8080"'),
        ('[[to]]\nurl = "http://a"\npol = 5', 'tap.toml: to[0].pol: unknown key; did you mean "pool"?'),
        (
            '[[to]]\nurl = "http://a?pool=1"\npool = 5',
            'tap.toml: to[0]: "pool" is given twice, in the url and as a key',
        ),
        (
            '[[to]]\nurl = "http://a"\nverify = false',
            'tap.toml: to[0]: "verify" is for https:// targets only',
        ),
        (
            'to = ["http://a", "http://a:80"]',
            "tap.toml: to[1]: http://a is given twice; each request goes to a target once",
        ),
        (
            'to = ["kafka:topic"]',
            'tap.toml: to[0]: unknown kind of target "kafka:"; there are http://HOST:PORT, https://HOST:PORT, '
            "recording:DIR, gor:FILE and jsonl:FILE",
        ),
        (
            'from = ["kafka:a"]',
            'tap.toml: from[0]: there is no kind of source "kafka:"; write vxlan://0.0.0.0:4789?vni=7, '
            "geneve://0.0.0.0:6081, iface://eth0?port=80, pcap:FILE, pcap:-, recording:DIR or gor:FILE",
        ),
        (
            'from = ["gor:"]',
            'tap.toml: from[0]: "gor:" names nothing that can be read; write gor:FILE, or gor:- for a pipe',
        ),
        (
            'to = "recording:"',
            'tap.toml: to: "recording:" names nothing; write recording: and a folder, as in '
            "recording:DIR, gor:FILE, jsonl:FILE or jsonl:-",
        ),
        (
            'to = "recording:-"',
            "tap.toml: to: a recording is a folder, and cannot be written to a pipe; write recording:DIR",
        ),
        ('to = "gor:f?max_size=1GiB"', None),
        (
            '[[to]]\nurl = "recording:d"\nmax_sise = "1GiB"',
            'tap.toml: to[0].max_sise: unknown key; did you mean "max_size"?',
        ),
        ('to = ["jsonl:a", "jsonl:a"]', None),
        ("mask = 5", "tap.toml: mask: expected a table, such as [mask]"),
        ("[mask]\nfields = 5", "tap.toml: mask.fields: expected names in quotes, as a list"),
        ("[mask]\nliev = true", None),
        (
            '[hooks]\non_error = "retry"',
            'tap.toml: hooks.on_error: expected pass or drop, not "retry"',
        ),
        ('legs = "left"', 'tap.toml: legs: expected front or back, not "left"'),
        (
            '[[to]]\nurl = "http://a"\nrate = "5"',
            'tap.toml: to[0].rate: expected a rate such as "500/s" or "30/m", not "5"',
        ),
        ("from = ", "tap.toml: is not TOML: Invalid value (at end of document)"),
    ],
)
def test_mistakes(file, text, said):
    with pytest.raises(UsageError) as error:
        load(file(text))
    assert "\n" not in str(error.value)
    if said is not None:
        assert str(error.value) == said


def test_files_that_are_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "folder").mkdir()
    for name, said in (
        ("missing.toml", "missing.toml: there is no such file"),
        ("binary", "binary: is not UTF-8 text (byte 0)"),
        ("folder", "folder: cannot be read: Is a directory"),
    ):
        with pytest.raises(UsageError) as error:
            load(name)
        assert str(error.value) == said


def test_what_a_run_needs():
    with pytest.raises(UsageError, match=r"no source: say where packets come from, such as --from vxlan://"):
        require(load(targets=["http://a"]))
    with pytest.raises(UsageError, match=r"no target: say where requests go, such as --to http://"):
        require(load(sources=["pcap:-"]))
    require(load(sources=["pcap:-"], targets=["recording:a"]))
    require(load(sources=["pcap:-"], dry_run=True))


plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)


@given(st.text(max_size=200))
def test_no_text_is_worse_than_a_usage_error(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_text(text, encoding="utf-8", errors="surrogateescape", newline="")
    try:
        load(str(path))
    except UsageError:
        return
