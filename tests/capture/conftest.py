"""What the tests of capture share: where the lab is found, and who this process is."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

NOBODY = 65534


@pytest.fixture(scope="session")
def root() -> None:
    """Only root may make namespaces and packet sockets."""
    if os.geteuid() != 0:
        pytest.skip("packet sockets and network namespaces need root: run the tests with sudo")


@pytest.fixture
def unprivileged() -> Callable[[], AbstractContextManager[None]]:
    """Enter it to have no privileges for a while."""

    @contextmanager
    def dropped() -> Iterator[None]:
        before = os.geteuid()
        if before == 0:
            os.seteuid(NOBODY)
        try:
            yield
        finally:
            os.seteuid(before)

    return dropped
