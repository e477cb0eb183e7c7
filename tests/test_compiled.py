"""What is compiled, and the same modules as the Python they are written in, say the same."""

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import shadowtap
from runner.traffic import conversation, get, post, write
from shadowtap import serial

PACKAGE = Path(shadowtap.__file__).parent
pytestmark = pytest.mark.skipif(
    (serial.__file__ or "").endswith(".py"), reason="not compiled: no C compiler was there at set-up"
)


@pytest.fixture(scope="module")
def uncompiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as it is where there is no C compiler."""
    place = tmp_path_factory.mktemp("uncompiled")
    shutil.copytree(PACKAGE, place / "shadowtap", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    return place


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Traffic with all that may happen to it: packets lost, late, twice, cut, spoilt."""
    draw = random.Random(7)
    frames: list[bytes] = []
    for number in range(40):
        requests = [get(f"/{number}/{n}?token=secret{n}", "Cookie: a=b; c=d") for n in range(4)]
        requests.append(post(f"/{number}", draw.randbytes(draw.choice([1, 900, 5000]))))
        frames += conversation(number, requests, closes=number % 3 != 0)
    for _ in range(len(frames) // 12):
        at = draw.randrange(len(frames) - 3)
        what = draw.randrange(5)
        if what == 0:
            del frames[at]
        elif what == 1:
            frames.insert(at + 3, frames[at])
        elif what == 2:
            frames.insert(at + 3, frames.pop(at))
        elif what == 3:
            frames[at] = frames[at][: draw.randrange(14, len(frames[at]))]
        else:
            spoilt = draw.randrange(len(frames[at]))
            frames[at] = frames[at][:spoilt] + draw.randbytes(1) + frames[at][spoilt + 1 :]
    return write(tmp_path_factory.mktemp("capture") / "all.pcap", frames)


def told(where: Path, *command: str) -> tuple[int, str]:
    environment = {**os.environ, "PYTHONPATH": str(where)}
    line = [sys.executable, "-m", "shadowtap", *command]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_the_version_says_which_it_is(uncompiled: Path) -> None:
    assert told(uncompiled, "--version")[1].endswith(" (not compiled: 1.4 to 2 times the CPU)\n")
    assert "not compiled" not in told(PACKAGE.parent, "--version")[1]


@pytest.mark.parametrize("option", ["--keep-secrets", "--limit=1000"])
def test_extract_finds_the_same_messages(uncompiled: Path, capture: str, option: str) -> None:
    compiled = told(PACKAGE.parent, "extract", capture, option)
    assert compiled == told(uncompiled, "extract", capture, option)
    assert compiled[0] == 0
    assert compiled[1].count("\n") > 300


def test_a_run_gives_the_same_account(uncompiled: Path, capture: str) -> None:
    run = ("run", "--from", capture, "--to", "jsonl:-", "--skip", 'path ~ "/3$"')
    compiled = told(PACKAGE.parent, *run)
    assert compiled == told(uncompiled, *run)
    assert compiled[0] == 0
    assert compiled[1].count('"kind":"fate"') > 150
