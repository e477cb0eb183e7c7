"""One measurement: one contender under one load, from start to the last request at the target."""

import contextlib
import json
import time
from dataclasses import asdict, dataclass
from typing import Any

from contenders import PORT, Contender, stop
from laboratory import Collector, Lab, Process, program
from loads import Kind, Load
from usage import backlog_drops, busy_share, cpu_s, peak_rss_mb, udp_drops
from web import Server, Stamped, Uploaded, Web

_SETTLE_S = 2.0
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Measurement:
    """What came of it. `production` and `target` are counted by the servers, not by the contender; `busy_before` is
    how much of the machine something else was using just before, `account` shadowtap's own ledger."""

    contender: str
    load: str
    offered_per_s: float
    production: int
    target: int
    complete: float
    kernel_drops: int
    lab_drops: int
    cpu_s_per_1000: float
    system_share: float
    peak_rss_mb: float
    late_p99_ms: float
    latency_p50_ms: float | None = None
    latency_p99_ms: float | None = None
    busy_before: float = 0.0
    account: dict[str, Any] | None = None

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def measure(lab: Lab, load: Load, contender: Contender, seconds: float) -> Measurement:
    """Fresh servers, a fresh contender, the load, and then the time it takes to catch up."""
    with contextlib.ExitStack() as stack:
        production, target = _servers(lab, load, stack)
        busy = busy_share()
        process = stack.enter_context(contender.start(lab))
        lab_drops, before = backlog_drops(), cpu_s(process.pid)
        tally = generate(lab, load, seconds)
        sent, arrived = settle(production, target)
        user_s, system_s = (now - then for now, then in zip(cpu_s(process.pid), before, strict=True))
        peak_mb, drops = peak_rss_mb(process.pid), udp_drops(process.pid)
        lab_drops = backlog_drops() - lab_drops
        stop(process)
        delays = target.delays() if isinstance(target, Stamped) else {}
    return Measurement(
        contender=contender.name,
        load=load.name,
        offered_per_s=round(tally["sent"] / tally["elapsed_s"], 1),
        production=sent,
        target=arrived,
        complete=round(arrived / max(1, sent), 5),
        kernel_drops=drops,
        lab_drops=lab_drops,
        cpu_s_per_1000=round((user_s + system_s) / max(1, arrived) * 1000, 4),
        system_share=round(system_s / max(0.01, user_s + system_s), 2),
        peak_rss_mb=round(peak_mb, 1),
        late_p99_ms=tally["late_p99_ms"],
        latency_p50_ms=delays.get("p50_ms"),
        latency_p99_ms=delays.get("p99_ms"),
        busy_before=round(busy, 2),
        account=process.ledger() if isinstance(process, Collector) else None,
    )


def _servers(lab: Lab, load: Load, stack: contextlib.ExitStack) -> tuple[Server, Server]:
    if load.kind is Kind.UPLOADS:
        production = stack.enter_context(Uploaded(lab.production))
        return production, stack.enter_context(Uploaded(lab.target, like=production))
    target: Stamped | Web = Stamped(lab.target) if load.latency else Web(lab.target)
    stack.enter_context(target)
    return stack.enter_context(Web(lab.production)), target


def generate(lab: Lab, load: Load, seconds: float) -> dict[str, float]:
    """Run the load; what the generator tells of it."""
    options = ["--address", lab.v4.production, "--port", str(PORT), "--rate", str(load.rate)]
    options += ["--seconds", str(seconds), "--connections", str(load.connections)]
    options += ["--stamp"] if load.latency else []
    with Process(lab.client, [*program("generator.py"), load.kind.value, *options]) as generator:
        code = generator.wait(seconds * 3 + 60)
        assert code == 0, generator.stderr()
        tally: dict[str, float] = json.loads(generator.stdout().splitlines()[-1])
    return tally


def settle(production: Server, target: Server) -> tuple[int, int]:
    """Wait until the target has as many as production, or until no more arrive; returns both counts."""
    sent, arrived, since = production.requests(), target.requests(), time.monotonic()
    while arrived < sent and time.monotonic() - since < _SETTLE_S:
        time.sleep(_POLL_S)
        now = target.requests()
        if now != arrived:
            arrived, since = now, time.monotonic()
    return sent, arrived
