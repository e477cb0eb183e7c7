"""A disk that is really full."""

import subprocess

import pytest


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 8 MiB."""
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m,mode=700", "tmpfs", tmp_path],
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"needs root: {made.stderr.decode().strip()}")
    yield tmp_path
    subprocess.run(["umount", "-l", tmp_path], check=True)
