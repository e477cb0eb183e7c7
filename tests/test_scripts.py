"""What sets up a machine asks for what the tests run, and where nothing may be missing a skipped test fails."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lab.require import _LAB, _PACKAGES

ROOT = Path(__file__).parents[1]
SCRIPTS = [*sorted((ROOT / "scripts").iterdir()), ROOT / ".ci" / "run"]
LISTED = (ROOT / "scripts" / "setup").read_text().partition("for pair in ")[2].partition(";")[0]
PAIRS = dict(pair.split(":") for pair in LISTED.replace("\\", "").split())


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_a_script_can_be_run_and_read_by_any_shell(script: Path) -> None:
    assert os.access(script, os.X_OK)
    shell = "bash" if "bash" in script.read_text().partition("\n")[0] else "sh"
    done = subprocess.run([shell, "-n", str(script)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_setup_installs_what_the_lab_needs() -> None:
    assert {name: PAIRS.get(name) for name in _LAB} == {name: _PACKAGES[name] for name in _LAB}


def test_setup_installs_what_tests_ask_for_and_nothing_else() -> None:
    asked = set(_LAB)
    for path in (ROOT / "tests").rglob("*.py"):
        asked |= set(_ASKED.findall(path.read_text()))
    assert set(PAIRS) == asked - _AT_HAND


_ASKED = re.compile(r"(?:which\(|_need\(|tool\(|Web\(\[)\"([a-z]+)\"")
_AT_HAND = {"jq", "editcap", "mergecap"}
"""Used where it is there, and of the same package as another one."""

SAMPLE = """
import pytest
def test_wanting():
    pytest.skip("not installed: nginx; apt-get install -y nginx")
def test_not_for_everyone():
    pytest.skip("no tun devices: here")
@pytest.mark.skipif(True, reason="tshark is not here")
def test_marked():
    pass
def test_fine():
    pass
"""


@pytest.mark.parametrize(
    ("lab", "outcomes"), [("required", "1 failed, 1 passed, 1 skipped, 1 error"), ("", "1 passed, 3 skipped")]
)
def test_where_nothing_may_be_missing_a_skipped_test_fails(tmp_path: Path, lab: str, outcomes: str) -> None:
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    (tmp_path / "test_sample.py").write_text(SAMPLE)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(
        command,
        env={**os.environ, "SHADOWTAP_LAB": lab},
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert outcomes in done.stdout
    assert ("apt-get install -y nginx (SHADOWTAP_LAB=required)" in done.stdout) == (lab == "required")
