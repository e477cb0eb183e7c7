"""Property tests measure no time: a busy machine is no failure.

Where SHADOWTAP_LAB=required says that everything is there, a test that is skipped for want of something fails.

Some things are no matter of setting up a machine, and may be missing all the same: see MAY_BE_MISSING.
"""

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import shadowtap

# How many examples where a test does not say; for a long look on demand: SHADOWTAP_EXAMPLES=1000 scripts/test
EXAMPLES = int(os.environ.get("SHADOWTAP_EXAMPLES", "40"))
settings.register_profile(
    "shadowtap", deadline=None, max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("shadowtap")

MAY_BE_MISSING = (
    "the capture corpus is not beside",
    "there is no corpus",
    "everyone may listen on low ports",
    "no tun devices",
)


def pytest_configure() -> None:
    """What is compiled must be what is written."""
    for library in Path(shadowtap.__file__).parent.rglob("*.so"):
        module = library.with_name(library.name.partition(".")[0])
        sources = [module.with_suffix(suffix) for suffix in (".py", ".pyx", ".pxd")]
        written = max((path.stat().st_mtime for path in sources if path.exists()), default=0)
        if library.stat().st_mtime < written:
            raise pytest.UsageError(f"{module.name} has changed since it was compiled: run scripts/setup")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skipped test becomes a failed one that says why it was skipped."""
    report = yield
    if os.environ.get("SHADOWTAP_LAB") == "required" and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reason = reason.removeprefix("Skipped: ")
        if not reason.startswith(MAY_BE_MISSING):
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid}: {reason} (SHADOWTAP_LAB=required)"
    return report
