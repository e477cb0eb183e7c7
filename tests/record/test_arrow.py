"""Without the extra there is one line that says how to get it."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("missing", "module", "said"),
    [
        ("pyarrow", "shadowtap.record", 'pip install "shadowtap[record]"'),
        ("duckdb", "shadowtap.query", 'pip install "shadowtap[query]"'),
    ],
)
def test_a_missing_extra_is_named(missing, module, said):
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from shadowtap.errors import UsageError\n"
        f"try: import {module}\n"
        "except UsageError as error: print(error)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said in found.stdout
    assert found.stderr == ""
