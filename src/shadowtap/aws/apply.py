"""Steps carried out: in order, and what was made is taken back when one fails."""

import time
from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct

from shadowtap.aws.api import DRY_RUN_OK, Api, ApiError, pages
from shadowtap.aws.calls import Calls, rule_change
from shadowtap.aws.plan import Plan
from shadowtap.aws.steps import (
    NEW,
    Change,
    CreateFilter,
    CreateRule,
    CreateSession,
    CreateShare,
    CreateTarget,
    Creation,
    DeleteFilter,
    DeleteRule,
    DeleteSession,
    DeleteShare,
    DeleteTarget,
    ModifyRule,
    ModifySession,
)
from shadowtap.aws.world import KEY_TAG, OWNER_TAG

ID_FIELD = {
    CreateTarget: ("TrafficMirrorTarget", "TrafficMirrorTargetId"),
    CreateFilter: ("TrafficMirrorFilter", "TrafficMirrorFilterId"),
    CreateRule: ("TrafficMirrorFilterRule", "TrafficMirrorFilterRuleId"),
    CreateSession: ("TrafficMirrorSession", "TrafficMirrorSessionId"),
    CreateShare: ("resourceShare", "resourceShareArn"),
}
DELETE = {
    CreateTarget: ("DeleteTrafficMirrorTarget", "TrafficMirrorTargetId"),
    CreateFilter: ("DeleteTrafficMirrorFilter", "TrafficMirrorFilterId"),
    CreateRule: ("DeleteTrafficMirrorFilterRule", "TrafficMirrorFilterRuleId"),
    CreateSession: ("DeleteTrafficMirrorSession", "TrafficMirrorSessionId"),
}
IN_USE = frozenset({"TrafficMirrorFilterInUse", "TrafficMirrorTargetInUseException"})
"""In a dry run the sessions of an earlier step are still there; that the permission is, this says as well."""
SETTLING_S = (1.0, 2.0, 4.0, 8.0)
"""How long to wait for what was just made to be found everywhere."""
DRY_ID = {"target": "tmt-0", "filter": "tmf-0"}
"""What stands in a dry run for something that is not made: the shape of an id."""


class Done(Struct, frozen=True):
    """What became of one step: its id where it made something, and the error where it failed."""

    step: Change
    id: str = ""
    error: str | None = None


class Applied(Struct, frozen=True, kw_only=True):
    """What became of a plan. `undone` was made and taken back; `left` was made and could not be."""

    done: tuple[Done, ...] = ()
    failed: tuple[Done, ...] = ()
    undone: tuple[Done, ...] = ()
    left: tuple[Done, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.failed


class _NotTriedError(Exception):
    """A step needs something that an earlier step failed to make, or to take away."""


class Applier:
    """Carries out one plan. `run` is a secret of this run; `tell` hears of each step as it is done.

    `keep_going`: what fails does not stop the rest and nothing is taken back (`watch`, `down`); otherwise the
    first failure ends it and what was made is deleted again.
    """

    def __init__(
        self,
        api: Api,
        plan: Plan,
        *,
        run: str,
        tags: Iterable[tuple[str, str]] = (),
        keep_going: bool = False,
        tell: Callable[[Done], None] = lambda done: None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._api, self._plan, self._tell, self._pause = api, plan, tell, pause
        self.calls = Calls(plan, run, tags, self._id)
        self._keep_going = keep_going
        self._ids: dict[str, str] = {}
        self._rehearsing = False
        self._used: dict[str, str] = {}
        self._targets_stay: list[str] = []

    def apply(self) -> Applied:
        done: list[Done] = []
        failed: list[Done] = []
        for step in self._plan.steps:
            try:
                self._check_free(step)
                result = Done(step, self._do(step))
            except _NotTriedError as reason:
                failed.append(Done(step, error=f"not tried, because {reason}"))
                self._tell(failed[-1])
                continue
            except ApiError as error:
                failed.append(Done(step, error=str(error)))
                self._tell(failed[-1])
                if self._keep_going:
                    self._still_used(step)
                    continue
                undone, left = self._undo(done, step)
                return Applied(done=tuple(done), failed=tuple(failed), undone=undone, left=left)
            except BaseException:
                if not self._keep_going:
                    self._undo(done, step)
                raise
            done.append(result)
            self._tell(result)
        return Applied(done=tuple(done), failed=tuple(failed))

    def take_back(self, applied: Applied) -> Applied:
        """Undoes a whole plan that was done, because another account's could not be."""
        undone, left = self._undone(reversed(applied.done))
        return Applied(failed=applied.failed, undone=undone, left=left)

    def rehearse(self) -> Applied:
        """Asks AWS for each step whether it would be allowed (DryRun), and changes nothing."""
        self._rehearsing = True
        done: list[Done] = []
        failed: list[Done] = []
        for step in self._plan.steps:
            problem = self._rehearsed(step)
            result = Done(step, error=problem)
            (failed if problem else done).append(result)
            self._tell(result)
        return Applied(done=tuple(done), failed=tuple(failed))

    def _rehearsed(self, step: Change) -> str | None:
        if isinstance(step, CreateShare | DeleteShare):
            return None
        pretend = self._needs_new(step)
        try:
            self._call(step, DryRun=True)
        except ApiError as error:
            if error.code == DRY_RUN_OK or (pretend and error.code.endswith(".NotFound")):
                return None
            if error.code in IN_USE and isinstance(step, DeleteFilter | DeleteTarget):
                return None
            return str(error)
        return None

    def _still_used(self, step: Change) -> None:
        """A session that did not go or change keeps what it uses: a filter without rules would mirror nothing."""
        if isinstance(step, DeleteSession):
            self._used |= dict.fromkeys(step.uses, step.id)
        elif isinstance(step, ModifySession):
            self._used |= dict.fromkeys((step.before.filter, step.before.target), step.id)
        elif isinstance(step, DeleteTarget):
            self._targets_stay.append(step.id)

    def _check_free(self, step: Change) -> None:
        item = step.filter if isinstance(step, DeleteRule) else getattr(step, "id", "")
        if isinstance(step, DeleteRule | DeleteFilter | DeleteTarget) and item in self._used:
            if isinstance(step, DeleteTarget):
                self._targets_stay.append(step.id)
            raise _NotTriedError(f"session {self._used[item]} still uses {item}")
        if isinstance(step, DeleteShare) and self._targets_stay:
            raise _NotTriedError(f"target {self._targets_stay[0]} is still there")

    def _do(self, step: Change) -> str:
        try:
            answer = self._settled(step)
        except ApiError as error:
            if step.operation.startswith("Delete") and error.code.endswith(
                ("NotFound", "UnknownResourceException")
            ):
                return ""
            raise
        if not isinstance(step, Creation):
            return ""
        outer, inner = ID_FIELD[type(step)]
        found = str(answer[outer][inner])
        if not isinstance(step, CreateRule):
            self._ids[NEW + step.key] = found
        return found

    def _settled(self, step: Change) -> Any:
        """EC2 is eventually consistent: what was made a moment ago may not be found yet (EC2 API, "Eventual
        consistency"), so a step that needs it waits a little."""
        for wait_s in SETTLING_S:
            try:
                return self._call(step)
            except ApiError as error:
                if not (self._needs_new(step) and error.code.startswith("InvalidTrafficMirror")):
                    raise
                if not error.code.endswith(".NotFound"):
                    raise
                self._pause(wait_s)
        return self._call(step)

    @staticmethod
    def _needs_new(step: Change) -> bool:
        """Whether it refers to something that this run makes."""
        return any(NEW in str(getattr(step, field, "")) for field in ("filter", "link", "after"))

    def _call(self, step: Change, **more: object) -> Any:
        service = "ram" if isinstance(step, CreateShare | DeleteShare) else "ec2"
        return self._api.call(service, step.operation, **self.calls.parameters(step), **more)

    def _id(self, reference: str) -> str:
        if not reference.startswith(NEW):
            return reference
        if self._rehearsing:
            return DRY_ID[reference.removeprefix(NEW).partition("/")[0]] + "0" * 16
        if reference not in self._ids:
            raise _NotTriedError(f"{reference.removeprefix(NEW)} could not be made")
        return self._ids[reference]

    def _undo(self, done: list[Done], failed: Change) -> tuple[tuple[Done, ...], tuple[Done, ...]]:
        """Backwards. What cannot be undone stays, and is found by its tags next time."""
        return self._undone([*self._half_made(failed), *reversed(done)])

    def _undone(self, entries: Iterable[Done]) -> tuple[tuple[Done, ...], tuple[Done, ...]]:
        undone: list[Done] = []
        left: list[Done] = []
        for entry in entries:
            try:
                if self._undo_one(entry):
                    undone.append(entry)
            except ApiError as error:
                left.append(Done(entry.step, entry.id, str(error)))
        return tuple(undone), tuple(left)

    def _undo_one(self, entry: Done) -> bool:
        step = entry.step
        if isinstance(step, CreateShare):
            self._api.call("ram", "DeleteResourceShare", resourceShareArn=entry.id)
        elif isinstance(step, Creation):
            operation, field = DELETE[type(step)]
            self._api.call("ec2", operation, **{field: entry.id})
        elif isinstance(step, ModifySession):
            back = self.calls.link_change(step.after, step.before)
            self._api.call("ec2", step.operation, TrafficMirrorSessionId=step.id, **back)
        elif isinstance(step, ModifyRule):
            back = rule_change(step.after, step.before)
            self._api.call("ec2", step.operation, TrafficMirrorFilterRuleId=step.id, **back)
        else:
            return False
        return True

    def _half_made(self, step: Change) -> list[Done]:
        """A call whose answer was lost may have happened all the same. For a creation its tags tell; a change is
        changed back in any case, which does no harm."""
        if isinstance(step, ModifySession | ModifyRule):
            return [Done(step)]
        if not isinstance(step, CreateTarget | CreateFilter | CreateSession):
            return []
        outer, inner = ID_FIELD[type(step)]
        filters = [
            {"Name": f"tag:{OWNER_TAG}", "Values": [self._plan.name]},
            {"Name": f"tag:{KEY_TAG}", "Values": [step.key]},
        ]
        try:
            found = pages(self._api, "ec2", f"Describe{outer}s", f"{outer}s", Filters=filters)
            return [Done(step, str(item[inner])) for item in found]
        except ApiError:
            return []
