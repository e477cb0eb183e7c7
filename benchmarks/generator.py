"""An open-loop load: requests leave on a fixed schedule, whether or not the answers are quick.

Run as a program in the client's namespace. It prints `ready` when its connections are open, starts at once, and
ends with one JSON line: {"sent": N, "answered": N, "errors": N, "elapsed_s": S, "late_p99_ms": MS, "user_s": S,
"system_s": S}; the last two are its own CPU time, in which the kernel's share of the whole network shows.

It sleeps from tick to tick and sends whatever is due, at most 5,000 ticks a second: cheap enough to offer 30,000
requests a second from a fraction of one core, because it shares the machine with what is measured. A request that
finds no idle connection waits for one and leaves late; `late_p99_ms` says how late, and a load whose requests leave
late was not offered as named. With --stamp every request carries CLOCK_MONOTONIC of its departure in its URL.
"""

import argparse
import contextlib
import json
import os
import select
import socket
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

TICK_S = 0.0002
_PATIENCE_S = 10.0
_REQUEST_BYTES = 115
_EVENTS = 4096


def request(stamp: int = 0, *, close: bool = False) -> bytes:
    """A GET of 115 bytes; `stamp` has a fixed width."""
    head = b"GET /item?t=%020d HTTP/1.1\r\nHost: shop.example\r\n" % stamp
    if close:
        head += b"Connection: close\r\n"
    filler = _REQUEST_BYTES - len(head) - len(b"Accept: \r\n\r\n")
    return head + b"Accept: " + b"*/*".ljust(filler, b"*") + b"\r\n\r\n"


class Tally:
    """What the load came to."""

    def __init__(self) -> None:
        self.sent = self.answered = self.errors = 0
        self._late: list[float] = []

    def left(self, late_s: float) -> None:
        """A request went out, this long after it was due."""
        self.sent += 1
        if self.sent % 16 == 0:
            self._late.append(late_s)

    def as_dict(self, elapsed_s: float) -> dict[str, float]:
        """For the JSON line."""
        late = sorted(self._late)
        p99 = late[int(len(late) * 0.99)] * 1000 if late else 0.0
        counts = {"sent": self.sent, "answered": self.answered, "errors": self.errors}
        return {**counts, "elapsed_s": round(elapsed_s, 3), "late_p99_ms": round(p99, 3)}


def schedule(rate: float, count: int) -> Iterator[tuple[int, float, float]]:
    """Ticks: how many requests are due by now, when the first was, and the time; ends when all are."""
    start, due = time.monotonic(), 0
    while due < count:
        now = time.monotonic()
        due = min(count, int((now - start) * rate) + 1)
        yield due, start, now
        wait = max(start + due / rate, now + TICK_S) - time.monotonic()
        if wait > 0:
            time.sleep(wait)


class KeepAlive:
    """Requests over connections that stay open, one at a time on each."""

    def __init__(
        self, address: tuple[str, int], rate: float, count: int, connections: int, stamp: bool
    ) -> None:
        self._rate, self._count, self._stamp = rate, count, stamp
        self.tally = Tally()
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._awaited: dict[int, int] = {}
        for _ in range(connections):
            connection = socket.create_connection(address)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets[connection.fileno()] = connection
        self._answer_bytes = self._measure_answer(next(iter(self._sockets.values())))
        for number, connection in self._sockets.items():
            connection.setblocking(False)
            self._poll.register(number, select.EPOLLIN)
        self._idle = deque(self._sockets)

    def _measure_answer(self, connection: socket.socket) -> int:
        """Ask once: every answer is as long as the first, so later ones need no parsing."""
        self.tally.sent += 1
        connection.sendall(request(time.monotonic_ns()))
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += connection.recv(65536)
        head, _, body = answer.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        while len(body) < length:
            body += connection.recv(65536)
        self.tally.answered += 1
        return len(head) + 4 + length

    def run(self) -> None:
        """All of it."""
        sent, plain = 0, request()
        for due, start, now in schedule(self._rate, self._count):
            self._receive(0)
            while sent < due:
                if not self._idle:
                    self._receive(1.0 if due == self._count else TICK_S)
                    if not self._idle:
                        break
                number = self._idle.popleft()
                self._sockets[number].send(request(time.monotonic_ns()) if self._stamp else plain)
                self._awaited[number] = self._answer_bytes
                self.tally.left(now - start - sent / self._rate)
                sent += 1
        self._finish(sent, plain)

    def _finish(self, sent: int, plain: bytes) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while (self._awaited or sent < self._count) and time.monotonic() < deadline:
            self._receive(0.1)
            while sent < self._count and self._idle:
                number = self._idle.popleft()
                self._sockets[number].send(request(time.monotonic_ns()) if self._stamp else plain)
                self._awaited[number] = self._answer_bytes
                self.tally.left(_PATIENCE_S)
                sent += 1
        self.tally.errors += len(self._awaited)

    def _receive(self, timeout_s: float) -> None:
        for number, _ in self._poll.poll(timeout_s, _EVENTS):
            got = len(self._sockets[number].recv(65536))
            left = self._awaited.get(number, 0) - got
            if not got:
                self._poll.unregister(number)
                self._awaited.pop(number, None)
                self.tally.errors += 1
            elif left > 0:
                self._awaited[number] = left
            else:
                del self._awaited[number]
                self._idle.append(number)
                self.tally.answered += 1


class OneEach:
    """Every request on a connection of its own, which the server closes."""

    def __init__(self, address: tuple[str, int], rate: float, count: int) -> None:
        self._address, self._rate, self._count = address, rate, count
        self.tally = Tally()
        self._poll = select.epoll()
        self._open: dict[int, socket.socket] = {}
        self._request = request(close=True)

    def run(self) -> None:
        """All of it."""
        sent = 0
        for due, start, now in schedule(self._rate, self._count):
            self._progress(0)
            for _ in range(due - sent):
                self._begin()
                self.tally.left(now - start - sent / self._rate)
                sent += 1
        deadline = time.monotonic() + _PATIENCE_S
        while self._open and time.monotonic() < deadline:
            self._progress(0.1)
        self.tally.errors += len(self._open)

    def _begin(self) -> None:
        connection = socket.socket(socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET)
        connection.setblocking(False)
        connection.connect_ex(self._address)
        self._open[connection.fileno()] = connection
        self._poll.register(connection.fileno(), select.EPOLLOUT)

    def _progress(self, timeout_s: float) -> None:
        for number, event in self._poll.poll(timeout_s, _EVENTS):
            connection = self._open[number]
            try:
                if event == select.EPOLLOUT:
                    connection.send(self._request)
                    self._poll.modify(number, select.EPOLLIN)
                elif not connection.recv(65536):
                    self.tally.answered += 1
                    self._end(number)
            except OSError:
                self.tally.errors += 1
                self._end(number)

    def _end(self, number: int) -> None:
        self._poll.unregister(number)
        self._open.pop(number).close()


class Uploads:
    """POSTs of a megabyte and the like, over a few connections that stay open."""

    def __init__(
        self, address: tuple[str, int], rate: float, count: int, connections: int, size: int
    ) -> None:
        self._rate, self._count, self._size = rate, count, size
        self.tally = Tally()
        self._idle: deque[socket.socket] = deque(
            socket.create_connection(address) for _ in range(connections)
        )
        self._body = bytes(range(256)) * (size // 256 + 1)

    def run(self) -> None:
        """All of it."""
        sent = 0
        with ThreadPoolExecutor(len(self._idle)) as senders:
            for due, start, now in schedule(self._rate, self._count):
                for number in range(sent, due):
                    senders.submit(self._upload, number)
                    self.tally.left(now - start - number / self._rate)
                sent = due

    def _upload(self, number: int) -> None:
        connection = self._idle.popleft()
        head = b"POST /upload/%d HTTP/1.1\r\nHost: shop.example\r\nContent-Length: %d\r\n\r\n" % (
            number,
            self._size,
        )
        offset = number % 256
        connection.sendall(head + self._body[offset : offset + self._size])
        if connection.recv(65536).startswith(b"HTTP/1.1 200"):
            self.tally.answered += 1
        else:
            self.tally.errors += 1
        self._idle.append(connection)


def main() -> None:
    """The program."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kind", choices=["keep-alive", "one-each", "uploads"])
    parser.add_argument("--address", required=True)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--rate", type=float, required=True, help="requests a second")
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--size", type=int, default=1 << 20, help="of an upload, in bytes")
    parser.add_argument("--stamp", action="store_true", help="put the time of departure into the URL")
    chosen = parser.parse_args()
    address, count = (chosen.address, chosen.port), int(chosen.rate * chosen.seconds)
    load: KeepAlive | OneEach | Uploads
    if chosen.kind == "keep-alive":
        load = KeepAlive(address, chosen.rate, count, chosen.connections, chosen.stamp)
    elif chosen.kind == "one-each":
        load = OneEach(address, chosen.rate, count)
    else:
        load = Uploads(address, chosen.rate, count, chosen.connections, chosen.size)
    print("ready", flush=True)
    start = time.monotonic()
    with contextlib.suppress(KeyboardInterrupt):
        load.run()
    elapsed_s, used = time.monotonic() - start, os.times()
    cost = {"user_s": used.user, "system_s": used.system}
    print(json.dumps(load.tally.as_dict(elapsed_s) | cost), flush=True)


if __name__ == "__main__":
    main()
