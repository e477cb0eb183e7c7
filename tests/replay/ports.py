"""Ports and addresses where something, nothing or silence is."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of loopback that nobody uses."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def silent_port(host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """A port where connection attempts get no answer: its queue of connections is full."""
    with ExitStack() as opened:
        listener = opened.enter_context(socket.create_server((host, port), backlog=0))
        for _ in range(3):
            waiting = opened.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
