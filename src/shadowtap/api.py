"""shadowtap in a notebook or a script: iterate over the messages of any source.

    import shadowtap

    for exchange in shadowtap.exchanges("pcap:incident.pcapng", ports=[8080]):
        print(exchange.request.method, exchange.response.status, exchange.latency_ns)

Nothing is replayed. A live source yields until the loop is left; a file until its end.
"""

import select
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Self

from shadowtap.capture import FileSource, LiveSource
from shadowtap.capture.sources import open_source
from shadowtap.config import FlowSettings, HttpSettings
from shadowtap.config.sources import StoredSpec, parse
from shadowtap.events import Ended, Exchange, Frames, Message, Request
from shadowtap.ledger import Ledger
from shadowtap.pipeline import Pipeline

if TYPE_CHECKING:
    from shadowtap.stored import Stored

_POLL_S = 0.1
"""How long a live source may be silent before holes and idle connections are looked at."""


class Reading:
    """One source being read: `batches` yields the messages that each batch of packets completes.

    `source` tells how far a file is and why it stopped early; `stop` ends a live source.
    """

    def __init__(
        self,
        source: str,
        *,
        ports: Iterable[int] = (),
        ledger: Ledger | None = None,
        flows: FlowSettings | None = None,
        http: HttpSettings | None = None,
        recording_key: str | None = None,
    ) -> None:
        spec = parse(source)
        self.ledger = ledger if ledger is not None else Ledger(time.time_ns())
        self._stopped = False
        self.source: FileSource | LiveSource | Stored
        if isinstance(spec, StoredSpec):
            from shadowtap.stored import open_stored  # noqa: PLC0415  packets do not need it

            self.source = open_stored(spec, key_file=recording_key)
            return
        self._pipeline = Pipeline(self.ledger, flows=flows, http=http)
        self._road = self._pipeline.road(vnis=spec.vnis, ports=spec.ports | frozenset(ports))
        self.source = open_source(spec)
        self.ledger.capture[self.source.name] = self.source.counters

    def batches(self) -> Iterator[list[Message]]:
        """The messages, batch by batch; what is still open at the end comes last."""
        source = self.source
        if not isinstance(source, LiveSource | FileSource):
            yield from source.batches()
            return
        pipeline, now_ns = self._pipeline, 0
        for frames, now_ns in self._live(source) if isinstance(source, LiveSource) else _file(source):
            found = pipeline.feed(frames, self._road) if frames is not None else []
            yield found + pipeline.advance(now_ns)
        yield pipeline.finish(now_ns)

    def stop(self) -> None:
        """Let a live source end after the batch at hand; a signal handler may call this."""
        self._stopped = True

    def _live(self, source: LiveSource) -> Iterator[tuple[Frames | None, int]]:
        while not self._stopped:
            select.select([source], [], [], _POLL_S)
            frames = source.receive()
            while frames is not None and not self._stopped:
                yield frames, time.time_ns()
                frames = source.receive()
            yield None, time.time_ns()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.source.close()


def _file(source: FileSource) -> Iterator[tuple[Frames | None, int]]:
    for frames in source:
        yield frames, int(frames.time_ns[-1])


def stream(
    source: str,
    *,
    ports: Iterable[int] = (),
    ledger: Ledger | None = None,
    flows: FlowSettings | None = None,
    http: HttpSettings | None = None,
    recording_key: str | None = None,
) -> Iterator[Request | Exchange]:
    """Every request as soon as it is complete, and every answer, in an `Exchange`, as soon as that is.

    `source` is a source URL such as "pcap:FILE", "pcap:-", "recording:DIR", "gor:FILE", "vxlan://0.0.0.0:4789" or
    "iface://eth0?port=80"; `ports` limits what is read of packets to connections with one of them; `recording_key`
    is the file with the key of an encrypted recording. Counts in `ledger`. A message that is not complete says why in
    its `fault`. Raises UsageError for a wrong URL and RunError when the source cannot be opened.
    """
    with Reading(
        source, ports=ports, ledger=ledger, flows=flows, http=http, recording_key=recording_key
    ) as reading:
        for found in reading.batches():
            for message in found:
                if not isinstance(message, Ended):
                    yield message


def exchanges(
    source: str,
    *,
    ports: Iterable[int] = (),
    ledger: Ledger | None = None,
    flows: FlowSettings | None = None,
    http: HttpSettings | None = None,
    recording_key: str | None = None,
) -> Iterator[Exchange]:
    """Every request with its answer, in order of completion; arguments and errors as for `stream`.

    Requests that are never answered come with `response` None when their connection ends, answers whose request was
    not seen with `request` None. Interim answers (1xx) are left out.
    """
    for message in stream(
        source, ports=ports, ledger=ledger, flows=flows, http=http, recording_key=recording_key
    ):
        if isinstance(message, Exchange):
            response = message.response
            if response is None or response.status >= 200 or response.status == 101:
                yield message
