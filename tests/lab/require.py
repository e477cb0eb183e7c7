"""What the lab needs of the machine, and the sentence that says how to get it."""

import os
import shutil
from functools import cache

from .netns import CommandFailed, Namespace

_PACKAGES = {
    "ethtool": "ethtool",
    "haproxy": "haproxy",
    "ip": "iproute2",
    "nginx": "nginx",
    "nsenter": "util-linux",
    "tc": "iproute2",
    "tshark": "tshark",
    "wrk": "wrk",
}
_LAB = ("ip", "tc", "ethtool", "nsenter")


class Missing(Exception):
    """The machine cannot run the lab; the text says what is missing and how to install it."""


def require(*programs: str, root: bool = True) -> None:
    """Raise `Missing` unless this process is root and the lab's programs and `programs` are installed."""
    if root and os.geteuid() != 0:
        raise Missing("network namespaces need root: run the tests with sudo")
    needed = [*(_LAB if root else ()), *programs]
    missing = [name for name in needed if shutil.which(name) is None]
    if missing:
        packages = " ".join(sorted({_PACKAGES.get(name, name) for name in missing}))
        raise Missing(f"not installed: {', '.join(missing)}; apt-get install -y {packages}")
    if root and (refusal := _refusal()):
        raise Missing(f"network namespaces cannot be made here, for all that it is root: {refusal}")


@cache
def _refusal() -> str:
    """Why the kernel makes no network namespace, as in a container without the right to; empty where it does."""
    try:
        Namespace("probe").remove()
    except CommandFailed as failed:
        return str(failed).strip()
    return ""
