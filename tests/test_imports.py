"""Imports point down, never sideways, and the middle is pure: the contracts in pyproject.toml hold and cover all."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import shadowtap

ROOT = Path(__file__).parents[1]
PACKAGE = Path(shadowtap.__file__).parent
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
INITS = sorted(PACKAGE.rglob("__init__.py"))


def test_the_contracts_hold(tmp_path: Path) -> None:
    """Run as a program of its own: in this one it would silence every log that is open already."""
    pytest.importorskip("importlinter", reason="import-linter is not installed: pip install -e '.[lint]'")
    linter = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    told = subprocess.run(
        [sys.executable, "-c", linter, "--cache-dir", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr


def test_every_package_has_its_layer() -> None:
    (layers,) = (contract["layers"] for contract in CONTRACTS if contract["type"] == "layers")
    placed = {name.strip() for layer in layers for name in layer.split("|")}
    there = {f"shadowtap.{path.stem}" for path in PACKAGE.iterdir() if path.suffix in ("", ".py")}
    assert there - placed == {"shadowtap.__init__", "shadowtap.__main__"} | _caches(there)


def _caches(names: set[str]) -> set[str]:
    return names & {"shadowtap.__pycache__"}


@pytest.mark.parametrize("path", INITS, ids=[str(path.parent.relative_to(PACKAGE)) for path in INITS])
def test_a_package_begins_with_what_it_is_for(path: Path) -> None:
    """A docstring of at most 20 lines; the doors of stages hold Protocols and re-exports, no classes of their own."""
    tree = ast.parse(path.read_text())
    told = ast.get_docstring(tree)
    assert told, "no docstring"
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    for node in classes:
        assert any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases), node.name
