"""The chain that options, as they are written, add up to."""

from collections.abc import Sequence

from shadowtap.events import Request
from shadowtap.expression import parse
from shadowtap.transform.chain import Chain
from shadowtap.transform.fate import Step
from shadowtap.transform.filter import Filter
from shadowtap.transform.safety import Safety, allow_rule, with_idempotency_key
from shadowtap.transform.sample import Sample, parse_keys
from shadowtap.transform.waiting import OCTETS, REQUESTS, WAIT_NS, Waiting


def compose(
    *,
    only: Sequence[str] = (),
    skip: Sequence[str] = (),
    send_unanswered: bool = False,
    wait_ns: int = WAIT_NS,
    wait_requests: int = REQUESTS,
    wait_octets: int = OCTETS,
    sample: float | None = None,
    sample_by: str = "client",
    sample_salt: str = "",
    safe_methods_only: bool = False,
    allow: Sequence[str] = (),
    idempotency_run: str | None = None,
    steps: Sequence[Step] = (),
) -> Chain | None:
    """The chain, or None where there is nothing to do. `only`, `skip` and `allow` are rules, `sample` a share between
    0 and 1. `allow` alone already refuses all other writes. With `idempotency_run`, the name of the run, writes get a
    key, behind all other `steps`. Raises ValueError."""
    safety = Safety([allow_rule(text) for text in allow]) if safe_methods_only or allow else None
    rules = Filter([parse(text) for text in only], [parse(text) for text in skip]) if only or skip else None
    share = None if sample is None else Sample(sample, parse_keys(sample_by), sample_salt.encode())
    last = () if idempotency_run is None else (_idempotency(idempotency_run.encode()),)
    if safety is None and rules is None and share is None and not steps and not last:
        return None
    return Chain(
        safety=safety,
        filter=rules,
        sample=share,
        steps=(*steps, *last),
        waiting=Waiting(requests=wait_requests, octets=wait_octets, wait_ns=wait_ns),
        send_unanswered=send_unanswered,
    )


def _idempotency(run: bytes) -> Step:
    def step(request: Request) -> Request:
        return with_idempotency_key(request, run)

    return step
