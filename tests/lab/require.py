"""What the lab needs of the machine, and the sentence that says how to get it."""

import os
import shutil

_PACKAGES = {
    "ethtool": "ethtool",
    "haproxy": "haproxy",
    "ip": "iproute2",
    "nginx": "nginx-light",
    "nsenter": "util-linux",
    "tc": "iproute2",
    "tcpdump": "tcpdump",
    "tshark": "tshark",
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
