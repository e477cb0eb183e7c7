"""How long a thread has wanted to compute."""

import time
from pathlib import Path

import pytest

from shadowtap.runner.demand import waited_s, wanted_s


def test_it_grows_with_what_is_computed_and_hardly_otherwise() -> None:
    before, computed = wanted_s(), time.thread_time()
    while time.thread_time() - computed < 0.01:
        pass
    assert wanted_s() - before >= 0.01


@pytest.mark.parametrize(
    ("text", "seconds"), [("70 2500000000 3\n", 2.5), ("0 0 0", 0.0), ("", 0.0), ("1", 0.0), ("1 x 2", 0.0)]
)
def test_what_the_kernel_says(tmp_path: Path, text: str, seconds: float) -> None:
    stat = tmp_path / "schedstat"
    stat.write_text(text)
    assert waited_s(stat) == seconds


def test_where_the_kernel_says_nothing_it_is_left_out(tmp_path: Path) -> None:
    assert waited_s(tmp_path / "nothing") == 0.0
