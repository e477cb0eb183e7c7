"""The batched receive, on plain sockets: exact bytes, lengths, times and losses."""

import socket
import time
from collections.abc import Iterator

import numpy as np
import pytest

from shadowtap.capture import recvmmsg, tables
from shadowtap.capture.recvmmsg import (
    MAX_BATCH,
    SLOT_BYTES,
    WANTED_BUFFER_BYTES,
    BatchReceiver,
    buffer_warning,
)
from shadowtap.ledger import CaptureCounters

compiled = recvmmsg.Arrivals is not tables.Arrivals


@pytest.fixture(autouse=True, params=["installed", "uncompiled"] if compiled else ["uncompiled"])
def arrivals(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to read what the kernel tells."""
    if request.param == "uncompiled":
        monkeypatch.setattr(recvmmsg, "Arrivals", tables.Arrivals)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A UDP socket that receives and one that sends to it, over loopback."""
    receiving = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sending = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiving.bind(("127.0.0.1", 0))
    sending.connect(receiving.getsockname())
    yield receiving, sending
    receiving.close()
    sending.close()


def messages(receiver: BatchReceiver, n: int) -> list[bytes]:
    """The bytes of the first n messages."""
    rows = zip(receiver.starts[:n].tolist(), receiver.columns(n)[0].tolist(), strict=True)
    return [receiver.buffer[start : start + min(length, SLOT_BYTES)].tobytes() for start, length in rows]


def test_one_batch(pair: tuple[socket.socket, socket.socket]) -> None:
    receiving, sending = pair
    receiver = BatchReceiver(receiving, slots=MAX_BATCH, counters=CaptureCounters())
    assert receiver.receive() == 0
    before = time.time_ns()
    sent = [b"", b"a", bytes(9001), bytes(range(256)) * 255, b"last"]
    for message in sent:
        sending.send(message)
    n = receiver.receive()
    assert n == len(sent)
    assert messages(receiver, n) == sent
    times = receiver.columns(n)[1]
    assert before <= times[0] <= times[-1] <= time.time_ns()
    assert (np.diff(times) >= 0).all()
    assert receiver.receive() == 0


def test_batches_follow_each_other_in_order(pair: tuple[socket.socket, socket.socket]) -> None:
    receiving, sending = pair
    receiver = BatchReceiver(receiving, slots=8, counters=CaptureCounters())
    found: list[bytes] = []
    sent = [str(number).encode() * (number % 50) for number in range(100)]
    for message in sent:
        sending.send(message)
    sizes = []
    while n := receiver.receive():
        sizes.append(n)
        found += messages(receiver, n)
        assert len(receiver.columns(n)[1]) == n
    assert found == sent
    assert sizes == [8] * 12 + [4]


def test_every_lost_message_is_counted(pair: tuple[socket.socket, socket.socket]) -> None:
    receiving, sending = pair
    counters = CaptureCounters()
    receiver = BatchReceiver(receiving, slots=MAX_BATCH, counters=counters)
    receiving.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 20_000)
    received = sent = 0
    for burst in (10, 1000, 1, 500, 0, 300):
        for _ in range(burst):
            sending.send(bytes(700))
        sent += burst
        while n := receiver.receive():
            received += n
        assert received + counters.kernel_drops == sent
    assert counters.kernel_drops > 1000
    for _ in range(100):
        sending.send(bytes(700))
    queued = 0
    receiver.count_drops()
    while n := receiver.receive():
        queued += n
    receiver.close()
    assert received + queued + counters.kernel_drops == sent + 100


def test_the_counter_of_the_kernel_wraps_around(pair: tuple[socket.socket, socket.socket]) -> None:
    counters = CaptureCounters()
    receiver = BatchReceiver(pair[0], slots=8, counters=counters)
    receiver._drops = 0xFFFFFFFE
    receiver.count_drops()
    assert counters.kernel_drops == 2


def test_a_message_longer_than_its_slot(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recvmmsg, "SLOT_BYTES", 1000)
    receiver = BatchReceiver(pair[0], slots=2, counters=CaptureCounters())
    pair[1].send(b"x" * 5000)
    pair[1].send(b"y" * 10)
    n = receiver.receive()
    assert receiver.columns(n)[0].tolist() == [5000, 10]
    assert receiver.buffer[:1010].tobytes() == b"x" * 1000 + b"y" * 10


def test_without_stamps_the_time_of_the_receive_counts(pair: tuple[socket.socket, socket.socket]) -> None:
    receiver = BatchReceiver(pair[0], slots=8, counters=CaptureCounters())
    pair[1].send(b"stamped")
    assert len(receiver.columns(receiver.receive())[1]) == 1
    pair[0].setsockopt(socket.SOL_SOCKET, 35, 0)
    before = time.time_ns()
    for _ in range(3):
        pair[1].send(b"x")
    n = receiver.receive()
    times = receiver.columns(n)[1]
    assert len(times) == 3
    assert before <= times.min() <= times.max() <= time.time_ns()


def test_senders_are_named(pair: tuple[socket.socket, socket.socket]) -> None:
    receiver = BatchReceiver(pair[0], slots=8, counters=CaptureCounters(), names=True)
    for _ in range(3):
        pair[1].send(b"x")
        n = receiver.receive()
        receiver.columns(n)
        port = int.from_bytes(receiver.names[0, 2:4].tobytes(), "big")
        assert (receiver.names[0, 4:8].tolist(), port) == ([127, 0, 0, 1], pair[1].getsockname()[1])


def test_an_error_of_the_socket_is_raised(pair: tuple[socket.socket, socket.socket]) -> None:
    receiver = BatchReceiver(pair[0], slots=8, counters=CaptureCounters())
    receiver.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        receiver.receive()


def test_only_what_was_reached_is_resident(pair: tuple[socket.socket, socket.socket]) -> None:
    before = resident_bytes()
    receiver = BatchReceiver(pair[0], slots=MAX_BATCH, counters=CaptureCounters())
    assert len(receiver.buffer) > 60 << 20
    for _ in range(200):
        pair[1].send(bytes(1400))
    assert receiver.receive() == 200
    assert resident_bytes() - before < 10 << 20


def resident_bytes() -> int:
    """The memory of this process, as the kernel counts it."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def test_a_small_buffer_is_a_warning() -> None:
    assert buffer_warning(WANTED_BUFFER_BYTES) is None
    warning = buffer_warning(4 << 20)
    assert warning is not None
    assert warning.startswith("the kernel grants a receive buffer of 4096 KiB instead of 32768 KiB; ")
