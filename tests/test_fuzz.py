"""A short run of every fuzz target, the same each time: nothing raises, and every promise of the target holds."""

import sys
from importlib import import_module
from pathlib import Path
from random import Random

import pytest

FUZZ = Path(__file__).parents[1] / "fuzz"
sys.path.insert(0, str(FUZZ))

import drive  # noqa: E402

TARGETS = sorted(path.stem for path in FUZZ.glob("fuzz_*.py"))
INPUTS = {"fuzz_http": 1500, "fuzz_capture_files": 500}
RECORDS = [(0, b""), (255, b"octets"), (7, bytes(300))]


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_raises(name: str, tmp_path: Path) -> None:
    target = import_module(name).TARGET
    inputs = INPUTS.get(name, 800)
    assert drive.play(target, seed=7, inputs=inputs, folder=tmp_path) == inputs


@pytest.mark.parametrize("name", TARGETS)
def test_the_same_seed_gives_the_same_inputs(name: str) -> None:
    target = import_module(name).TARGET
    one, two = ([target.mutate(seed, Random(3)) for seed in target.seeds[:20]] for _ in range(2))
    assert one == two
    assert one != target.seeds[:20]


def test_every_target_is_in_the_list() -> None:
    page = (FUZZ / "README.md").read_text()
    assert not [name for name in TARGETS if f"`{name}.py`" not in page]


def test_records_are_octets_and_any_octets_are_records() -> None:
    assert drive.unpack(drive.pack(RECORDS)) == RECORDS
    assert drive.unpack(drive.pack(RECORDS)[:-100])[-1] == (7, bytes(200))
    assert drive.unpack(b"") == drive.unpack(b"\0\0") == []


def test_what_raises_is_kept_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def one_input(data: bytes) -> None:
        assert b"bug" not in data

    target = drive.Target(one_input, [b"fine", b"a bug"], lambda data, dice: data)
    with pytest.raises(AssertionError):
        drive.play(target, seed=1, inputs=10, folder=tmp_path)
    (kept,) = tmp_path.iterdir()
    assert kept.read_bytes() == b"a bug"
    assert kept.name in capsys.readouterr().err


def test_what_is_slow_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drive, "SLOW_S", -1.0)
    with pytest.raises(drive.TooSlowError, match="4 octets took"):
        drive.limited(lambda data: sorted(range(100_000)))(b"data")


def test_what_never_ends_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    def one_input(data: bytes) -> None:
        while True:
            pass

    monkeypatch.setattr(drive, "HUNG_S", 0.05)
    with pytest.raises(drive.TooSlowError, match="more than"):
        drive.limited(one_input)(b"")
