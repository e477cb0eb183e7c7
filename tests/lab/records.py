"""What a recorder wrote down, and when two of its requests are the same."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_MARK = "x-shadowtap"


@dataclass(frozen=True, slots=True)
class Record:
    """One request as a server received it; see `recorder.py` for the fields."""

    connection: int
    peer: str
    index: int
    offset: int
    first_ns: int
    last_ns: int
    head: str
    body_len: int
    body_sha256: str
    body: str | None
    whole: bool

    @property
    def end(self) -> int:
        """Where it ended in its connection's bytes."""
        return self.offset + len(self.head) + self.body_len

    @property
    def start_line(self) -> str:
        """Method, target and version."""
        return self.head.partition("\r\n")[0]

    def same(self) -> tuple[str, int, str]:
        """Equal for a request and its replay: every byte but Host's value and shadowtap's own mark."""
        lines = (line for line in self.head.split("\r\n") if not line.lower().startswith(_MARK))
        head = "\r\n".join("Host: *" if line.lower().startswith("host:") else line for line in lines)
        return head, self.body_len, self.body_sha256

    def header(self, name: str) -> list[str]:
        """The values of one header, in order."""
        fields = (line.partition(":") for line in self.head.split("\r\n")[1:])
        return [value.strip() for field, _, value in fields if field.lower() == name]

    def __str__(self) -> str:
        where = f"connection {self.connection}, request {self.index}"
        return f"{self.start_line[:100]!r} ({self.body_len} B body; {where})"


class RecordFile:
    """A recorder's log, read on from where the last look ended."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._records: list[Record] = []

    def read(self) -> list[Record]:
        """All requests so far, in order of completion."""
        with self._path.open("rb") as file:
            file.seek(self._offset)
            fresh = file.read()
        whole = fresh[: fresh.rfind(b"\n") + 1]
        self._offset += len(whole)
        self._records += [Record(**json.loads(line)) for line in whole.splitlines()]
        return list(self._records)


@dataclass(frozen=True, slots=True)
class Losses:
    """A relay's report: see `relay.py`."""

    received: int
    dropped: int
    duplicated: int
    delayed: int
    cut: int
    overflowed: int
    streams: list[dict[str, Any]]

    def lost(self, record: Record, server_port: int) -> int:
        """How many bytes of this request did not reach the collector."""
        length = record.end - record.offset
        return length - sum(
            max(0, min(end, record.end) - max(start, record.offset))
            for start, end in self._kept(record, server_port)
        )

    def _kept(self, record: Record, server_port: int) -> list[tuple[int, int]]:
        holes = self.of(record.peer, server_port)
        edges = [0, *(edge for hole in sorted(holes) for edge in hole), 1 << 62]
        return list(zip(edges[::2], edges[1::2], strict=True))

    def of(self, client: str, server_port: int) -> list[tuple[int, int]]:
        """The holes in what this client sent."""
        return self._holes("src", "sport", "dport", client, server_port)

    def towards(self, client: str, server_port: int) -> list[tuple[int, int]]:
        """The holes in what this client was sent."""
        return self._holes("dst", "dport", "sport", client, server_port)

    def _holes(
        self, host: str, port: str, other: str, client: str, server_port: int
    ) -> list[tuple[int, int]]:
        return [
            (start, end)
            for stream in self.streams
            if f"{stream[host]}:{stream[port]}" == client and stream[other] == server_port
            for start, end in stream["lost"]
        ]
