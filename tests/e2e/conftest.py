"""The lab for the tests: made once for all that share its shape, skipped with a reason where it cannot be."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from lab import Lab, Missing, require


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this directory is an end-to-end test."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)


def _require(*programs: str) -> None:
    """Skip with the reason, or fail with it where SHADOWTAP_LAB=required says that the lab must be there."""
    try:
        require(*programs)
    except Missing as reason:
        if os.environ.get("SHADOWTAP_LAB") == "required":
            pytest.fail(str(reason), pytrace=False)
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """Ordinary Ethernet: MTU 1500."""
    _require()
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="session")
def jumbo_lab() -> Iterator[Lab]:
    """A VPC's default: MTU 9001."""
    _require()
    with Lab(mtu=9001) as lab:
        yield lab


@pytest.fixture(scope="session")
def super_lab() -> Iterator[Lab]:
    """A host whose interfaces segment for it: copies of up to 64 KiB."""
    _require()
    with Lab(offloads=True) as lab:
        yield lab
