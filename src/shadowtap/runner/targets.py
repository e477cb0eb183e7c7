"""Targets as the settings want them."""

from collections.abc import Callable
from functools import partial

from shadowtap.config import Settings, TargetSettings
from shadowtap.errors import UsageError
from shadowtap.events import Outcome
from shadowtap.http1 import Limits
from shadowtap.ledger import Ledger, TargetAccount
from shadowtap.replay import HeldTarget, Target
from shadowtap.runner.sessions import Sessions
from shadowtap.runner.surroundings import tls
from shadowtap.transform import Rate


def open_target(
    settings: TargetSettings,
    run: Settings,
    ledger: Ledger,
    *,
    connections: int,
    on_outcome: Callable[[Outcome], None] | None,
    keep_bodies: bool,
    notify: Callable[[str], None],
    on_addresses: Callable[[Target], None],
    sessions: Sessions | None = None,
) -> Target:
    """A target with an account in the ledger; it is not connected to yet. `sessions` are re-bound there. Raises
    UsageError."""
    address = settings.address
    name = str(address)
    if name in ledger.targets:
        raise UsageError(f"target {name} is given twice; each request goes to a target once")
    account = ledger.targets[name] = TargetAccount(name)
    keeps_host = settings.keep_host or any(table.sets_host for table in run.rewrite)
    make: Callable[..., Target] = Target
    if sessions is not None:
        account.sessions = sessions.counters
        make = partial(HeldTarget, holder=sessions, wait_s=run.sessions.wait_s)
    return make(
        account,
        host=address.host,
        port=address.port,
        tls=tls(settings) if address.tls else None,
        authority=None if keeps_host else address.authority.encode(),
        pool=settings.pool,
        timeout_s=settings.timeout_s,
        connect_timeout_s=settings.connect_timeout_s,
        in_flight=settings.in_flight,
        queue=settings.queue,
        queue_bytes=settings.queue_bytes,
        connections=connections,
        limits=Limits(head_bytes=run.http.head_bytes, body_bytes=run.http.body_bytes),
        allows=None if settings.rate is None else Rate(settings.rate).take,
        keep_answer_bodies=keep_bodies,
        notify=notify,
        on_outcome=on_outcome,
        on_addresses=on_addresses,
    )
