"""One experiment: production and targets that record, the mirror between them, shadowtap at work on it."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from .collector import Collector
from .conversation import Conversation
from .network import Lab
from .records import Losses, Record
from .servers import Recorder, Relay

PRODUCTION_PORT = 8080
TARGET_PORT = 8080
VXLAN_PORT, GENEVE_PORT, _RELAY_PORT = 4789, 6081, 4790


@dataclass(frozen=True, slots=True)
class Setup:
    """What distinguishes one experiment from another.

    `relay` are the options of a relay on the mirror's way (None: no relay). `family` is the inner connections',
    `outer` the mirror's. `source` and `targets` are shadowtap's; None means VXLAN and the one recording target.
    `on_production` runs shadowtap on the production host instead of at the end of the mirror.
    """

    family: int = 4
    outer: int = 4
    relay: dict[str, float | bool] | None = None
    directions: Sequence[str] = ("ingress", "egress")
    source: str | None = None
    targets: Sequence[str] | None = None
    options: Sequence[str] = ()
    on_production: bool = False
    target_delay_ms: float = 0


@dataclass(slots=True)
class Result:
    """What came of it: production's requests, the target's, shadowtap's ledger, the relay's losses."""

    production: list[Record]
    target: list[Record]
    ledger: dict[str, Any]
    losses: Losses | None = None

    @property
    def requests(self) -> dict[str, Any]:
        """The ledger's account of requests."""
        account: dict[str, Any] = self.ledger["requests"]
        return account


@dataclass(slots=True)
class Replication:
    """An experiment under way."""

    lab: Lab
    setup: Setup
    production: Recorder
    target: Recorder
    collector: Collector | None = None
    relay: Relay | None = None
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def connect(self) -> Conversation:
        """A connection from the client to production."""
        address = self.lab.addresses(self.setup.family).production
        return Conversation(self.lab.client.connect((address, PRODUCTION_PORT)))

    def start_collector(self) -> Collector:
        """Start shadowtap, ready to capture."""
        setup = self.setup
        outer = self.lab.addresses(setup.outer)
        listening = outer.any if setup.outer == 4 else f"[{outer.any}]"
        scheme, port = ("geneve", GENEVE_PORT) if (setup.relay or {}).get("geneve") else ("vxlan", VXLAN_PORT)
        source = setup.source or f"{scheme}://{listening}:{port}"
        targets = setup.targets or [f"http://{self.lab.v4.target}:{TARGET_PORT}"]
        place = self.lab.production if setup.on_production else self.lab.collector
        self.collector = self._stack.enter_context(Collector(place, [source], targets, setup.options))
        return self.collector

    def finish(self, expected: Callable[[list[Record], Losses | None], int] | None = None) -> Result:
        """Wait until the target has what it must get (by default all that production got), end, and collect.

        What it must get may depend on what the relay dropped, so the relay ends first.
        """
        assert self.collector is not None
        losses = self.relay.finish() if self.relay else None
        production = self.production.records()
        count = expected(production, losses) if expected else len(production)
        self.target.wait_for_records(count)
        ledger = self.collector.finish()
        return Result(production, self.target.records(), ledger, losses)


@contextlib.contextmanager
def replicate(lab: Lab, setup: Setup = Setup(), *, collecting: bool = True) -> Iterator[Replication]:
    """Everything up and ready; all of it is ended at exit. Without `collecting`, shadowtap starts on demand."""
    with contextlib.ExitStack() as stack:
        production = stack.enter_context(Recorder(lab.production, PRODUCTION_PORT))
        target = stack.enter_context(Recorder(lab.target, TARGET_PORT, delay_ms=setup.target_delay_ms))
        running = Replication(lab, setup, production, target, _stack=stack)
        if collecting:
            running.start_collector()
        if not setup.on_production:
            stack.enter_context(_mirror(running, stack))
        yield running


def _mirror(running: Replication, stack: contextlib.ExitStack) -> contextlib.AbstractContextManager[None]:
    lab, setup = running.lab, running.setup
    port = VXLAN_PORT
    if setup.relay is not None:
        to = GENEVE_PORT if setup.relay.get("geneve") else VXLAN_PORT
        outer = lab.addresses(setup.outer)
        running.relay = stack.enter_context(
            Relay(lab.collector, _RELAY_PORT, (outer.collector, to), **setup.relay)
        )
        port = _RELAY_PORT
    return lab.mirror(port=port, family=setup.outer, directions=setup.directions)
