"""What the settings ask for, made: the stages that a `Shape` sends requests through, and their account.

Users' files and rules are read here, before anything is started, so that what is wrong with them is said at once.
"""

import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from shadowtap.capture.sources import FileSpec, InterfaceSpec
from shadowtap.config import Settings
from shadowtap.config.rewrite import rewrite_of
from shadowtap.config.sources import Spec, StoredSpec
from shadowtap.config.transform import chain_of
from shadowtap.errors import RunError
from shadowtap.events import Request
from shadowtap.hooks import Drop, Hooks, OnError
from shadowtap.hooks.in_flight import Result
from shadowtap.hooks.middleware import Middleware
from shadowtap.ledger import ChangeCounters, Ledger
from shadowtap.report.jsonlines import JsonLines
from shadowtap.runner.sinks import masker_of, masking_key
from shadowtap.transform import Bucket, Dropped, Step
from shadowtap.transform.duplicates import Duplicates
from shadowtap.transform.legs import Leg, Legs


class Stages:
    """The stages that the settings ask for; None where they do not. `key` is that of all stand-ins.

    Raises UsageError where a rule, a file of hooks or a key is of no use.
    """

    def __init__(self, settings: Settings, specs: list[Spec], ledger: Ledger) -> None:
        self.notify: Callable[[str], None] = lambda text: None
        self.on_result: Callable[[Result], None] = lambda result: None
        self._ledger = ledger
        self.key = masking_key(settings.mask, os.urandom)
        self.rewrite = rewrite_of(settings.rewrite, os.environ)
        self.masker = masker_of(settings.mask, self.key) if settings.mask.live else None
        self.hooks = self._hooks(settings)
        self.chain = chain_of(settings.transform, str(ledger.started_ns), steps=self._steps())
        self.duplicates = Duplicates() if _may_be_doubled(specs) else None
        self.legs = None if settings.legs is None else Legs(Leg(settings.legs))
        self.middleware = self._middleware(settings)
        self.show = Shown(keep_secrets=settings.keep_secrets) if settings.dry_run else None
        for bucket, reasons in self.chain.reasons.items() if self.chain is not None else ():
            if bucket is not Bucket.SAMPLED_OUT:
                getattr(ledger.requests, bucket).update(dict.fromkeys(reasons, 0))

    @property
    def wanted(self) -> bool:
        """Whether requests have to be sent through any of them; the runner looks for duplicates itself where that is
        all."""
        return any((self.chain, self.legs, self.middleware, self.show))

    async def start(self) -> None:
        """Start the middleware's program, if there is one. Raises UsageError."""
        if self.middleware is not None:
            await self.middleware.start()

    async def close(self, grace_s: float) -> None:
        """End it. What it still has is dropped."""
        if self.middleware is not None:
            await self.middleware.close(grace_s)
        if self.show is not None:
            self.show.flush()

    def refresh(self) -> None:
        """Bring the account of what was changed up to date."""
        chain, rewrite, hooks, middleware = self.chain, self.rewrite, self.hooks, self.middleware
        copies, legs = self.duplicates, self.legs
        self._ledger.changes = ChangeCounters(
            matched=dict(chain.matched) if chain is not None else {},
            allowed=dict(chain.allowed) if chain is not None else {},
            rewritten=dict(rewrite.applied) if rewrite is not None else {},
            unreadable=dict(rewrite.unreadable) if rewrite is not None else {},
            masked=dict(self.masker.counts) if self.masker is not None else {},
            hooks=_flat(hooks.counters) if hooks is not None else {},
            middleware=_flat(middleware.counters) if middleware is not None else {},
            copies=_some(found=copies.found, recovered=copies.recovered, cut_short=copies.cut_short)
            if copies is not None
            else {},
            legs={"found": legs.found, "alone": legs.alone} if legs is not None else {},
        )

    def _tell(self, text: str) -> None:
        self.notify(text)

    def _hooks(self, settings: Settings) -> Hooks | None:
        hooks = settings.hooks
        if hooks.file is None:
            return None
        on_error = OnError(hooks.on_error)
        mask: Callable[[str], str] = masker_of(settings.mask, self.key).text
        return Hooks(hooks.file, on_error=on_error, notify=self._tell, clock=time.monotonic_ns, mask=mask)

    def _middleware(self, settings: Settings) -> Middleware | None:
        hooks = settings.hooks
        if hooks.middleware is None:
            return None
        return Middleware(
            hooks.middleware,
            on_result=self._pass_on,
            notify=self._tell,
            timeout_s=hooks.timeout_s,
        )

    def _pass_on(self, result: Result) -> None:
        self.on_result(result)

    def _steps(self) -> list[Step]:
        steps: list[Step] = [] if self.rewrite is None else [self.rewrite]
        if self.masker is not None:
            steps.append(self.masker.request)
        return steps if self.hooks is None else [*steps, _hook_step(self.hooks)]


class Shown:
    """Shows requests that would be sent, a JSON object a line on standard output."""

    def __init__(self, *, keep_secrets: bool) -> None:
        self._lines = JsonLines(keep_secrets=keep_secrets)

    def __call__(self, request: Request) -> None:
        """Show one."""
        try:
            sys.stdout.buffer.write(self._lines.line(request))
        except BrokenPipeError:
            raise
        except OSError as error:
            raise RunError(f"standard output cannot be written: {error.strerror}") from None

    def flush(self) -> None:
        """What was shown can be seen."""
        sys.stdout.flush()


def _hook_step(hooks: Hooks) -> Step:
    def step(request: Request) -> Request | Dropped:
        made = hooks.request(request)
        return Dropped(request, Bucket.FILTERED, made) if isinstance(made, Drop) else made

    return step


def _may_be_doubled(all_specs: list[Spec]) -> bool:
    """Whether the same packets can come twice: copies are told apart by the network (VNI) they come in."""
    specs = [spec for spec in all_specs if not isinstance(spec, StoredSpec)]
    if any(isinstance(spec, FileSpec) for spec in specs) or len(specs) > 1:
        return True
    return any(not isinstance(spec, InterfaceSpec) and len(spec.vnis) != 1 for spec in specs)


def _flat(counters: msgspec.Struct) -> dict[str, int]:
    """Counters by name; those by reason as `name: reason`."""
    flat: dict[str, int] = {}
    named: Mapping[str, Any] = msgspec.to_builtins(counters)
    for name, value in named.items():
        if isinstance(value, int):
            flat[name] = value
        else:
            flat |= {f"{name}: {reason}": n for reason, n in value.items()}
    return flat


def _some(**counts: int) -> dict[str, int]:
    return counts if any(counts.values()) else {}
