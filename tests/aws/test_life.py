"""Whatever happens, in whatever order: `down` ends with nothing of ours left and nothing of others touched.

A machine drives the real commands' parts (look, plan, apply, watch, removal) against the in-memory cloud while
interfaces come and go, others make mirrors of their own, and calls fail before or after their effect.
"""

import itertools
from copy import deepcopy

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from aws.vpc import Vpc
from shadowtap.aws import names, read
from shadowtap.aws.api import ApiError, Patient
from shadowtap.aws.apply import Applied, Applier
from shadowtap.aws.plan import plan
from shadowtap.aws.removal import removal
from shadowtap.aws.watch import Watcher
from shadowtap.aws.wish import Wish, look
from shadowtap.aws.world import OWNER_TAG

CODES = ("InternalError", "UnauthorizedOperation", "InvalidParameterValue", "RequestLimitExceeded")


def mine(item: dict) -> bool:
    return any(t["Key"] == OWNER_TAG and t["Value"] == "shadowtap" for t in item["Tags"])


class Life(RuleBasedStateMachine):
    @initialize(nlb=st.booleans(), hidden=st.booleans(), instances=st.integers(1, 4))
    def begin(self, nlb, hidden, instances):
        self.vpc = Vpc(page=2, rules_in_filters=not hidden)
        self.vpc.asgs["web"] = []
        self.runs = itertools.count()
        self.foreign = {}
        _, collector = self.vpc.add_instance("collector", groups=())
        self.vpc.mirrors.large.add(collector)
        for _ in range(instances):
            self.arrive()
        if nlb:
            arn = self.vpc.add_balancer("collectors", "network")
            self.to = names.Selector("nlb", arn)
        else:
            self.to = names.Selector("eni", collector)

    def wish(self, ports="80", responses=True):
        return Wish(
            sources=(names.Selector("asg", "web"),),
            targets=(self.to,),
            ports=names.ports([ports]),
            responses=responses,
        )

    def connect(self, place=None):
        return Patient(self.vpc.api(), lambda seconds: None, lambda: 0.0)

    def failing(self, after, code, how):
        """The call number `after` that changes something fails, and with a passing code so do its repetitions."""
        changes = itertools.count()

        def fault(service, operation):
            if operation.startswith("Describe") or service != "ec2":
                return None
            number = next(changes)
            if number == after or (code == "InternalError" and after <= number < after + 3):
                return how, code
            return None

        return fault

    @rule()
    def arrive(self):
        instance, _ = self.vpc.add_instance()
        self.vpc.asgs["web"].append(instance)

    @precondition(lambda self: self.vpc.asgs["web"])
    @rule(data=st.data(), detach=st.booleans())
    def leave(self, data, detach):
        instance = data.draw(st.sampled_from(self.vpc.asgs["web"]))
        self.vpc.asgs["web"].remove(instance)
        if detach:
            return
        for eni, entry in list(self.vpc.interfaces.items()):
            if entry.get("Attachment", {}).get("InstanceId") == instance:
                self.vpc.remove_interface(eni)

    @precondition(lambda self: self.vpc.asgs["web"])
    @rule(data=st.data(), number=st.integers(1, 300))
    def somebody_else(self, data, number):
        """Another team mirrors one of the interfaces, to a target of its own or to ours."""
        instance = data.draw(st.sampled_from(self.vpc.asgs["web"]))
        eni = next(
            k for k, v in self.vpc.interfaces.items() if v.get("Attachment", {}).get("InstanceId") == instance
        )
        api = self.vpc.api()
        ours = [t for t, v in self.vpc.mirrors.targets.items() if mine(v)]
        try:
            if ours and data.draw(st.booleans()):
                target = ours[0]
            else:
                _, own = self.vpc.add_instance("theirs")
                made = api.call("ec2", "CreateTrafficMirrorTarget", NetworkInterfaceId=own)
                target = made["TrafficMirrorTarget"]["TrafficMirrorTargetId"]
            made = api.call("ec2", "CreateTrafficMirrorFilter")
            theirs = made["TrafficMirrorFilter"]["TrafficMirrorFilterId"]
            api.call(
                "ec2",
                "CreateTrafficMirrorSession",
                NetworkInterfaceId=eni,
                TrafficMirrorTargetId=target,
                TrafficMirrorFilterId=theirs,
                SessionNumber=number,
            )
        except ApiError:
            pass
        self.remember()

    def remember(self):
        self.foreign = self.others()

    def others(self):
        mirrors = self.vpc.mirrors
        return deepcopy(
            {
                kind: {k: v for k, v in getattr(mirrors, kind).items() if not mine(v)}
                for kind in ("targets", "filters", "rules", "sessions")
            }
        )

    @rule(
        ports=st.sampled_from(["80", "8080", "80,443", "80-90,443,8080"]),
        responses=st.booleans(),
        at=st.one_of(st.none(), st.integers(0, 12)),
        code=st.sampled_from(CODES),
        how=st.sampled_from(["before", "after"]),
    )
    def up(self, ports, responses, at, code, how):
        before = self.ours()
        (found,) = look(self.wish(ports, responses), self.connect)
        todo = plan(found.desired, found.world)
        if at is not None:
            self.vpc.fault = self.failing(at, code, how)
        result = Applier(found.api, todo, run=str(next(self.runs)), pause=lambda s: None).apply()
        self.vpc.fault = lambda service, operation: None
        if result.ok:
            self.complete(ports, responses)
        elif not result.left:
            self.taken_back(before, result)

    def complete(self, ports, responses):
        (found,) = look(self.wish(ports, responses), self.connect)
        again = plan(found.desired, found.world)
        assert again.steps == ()
        served = {v["NetworkInterfaceId"] for v in self.vpc.mirrors.sessions.values() if mine(v)}
        assert served == {eni for eni, _ in again.links}

    def taken_back(self, before, result):
        """A failure leaves no new thing, but for rules put back into a filter that was there."""
        gone = {d.step.id for d in result.done if d.step.operation.startswith("Delete")}
        now = self.ours()
        for kind in ("targets", "filters", "sessions"):
            assert now[kind] <= before[kind]
            assert before[kind] - now[kind] <= gone | self.unsure(result)

    def unsure(self, result):
        """A deletion whose answer was lost may have happened."""
        return {d.step.id for d in result.failed if d.step.operation.startswith("Delete")}

    def ours(self):
        mirrors = self.vpc.mirrors
        return {
            kind: {k for k, v in getattr(mirrors, kind).items() if mine(v)}
            for kind in ("targets", "filters", "rules", "sessions")
        }

    @rule(
        rounds=st.integers(1, 3),
        at=st.one_of(st.none(), st.integers(0, 12)),
        code=st.sampled_from(CODES),
        how=st.sampled_from(["before", "after"]),
    )
    def watch(self, rounds, at, code, how):
        if at is not None:
            self.vpc.fault = self.failing(at, code, how)
        watcher = Watcher(
            lambda: look(self.wish(), self.connect),
            interval_s=60,
            sleep=lambda seconds: self.arrive(),
            random=lambda: 0.5,
            token=lambda: str(next(self.runs)),
            tell=lambda event: None,
        )
        watcher.run(rounds)
        self.vpc.fault = lambda service, operation: None
        if at is None:
            self.complete("80", True)

    @rule(
        at=st.one_of(st.none(), st.integers(0, 12)),
        code=st.sampled_from(CODES),
        how=st.sampled_from(["before", "after"]),
    )
    def down(self, at, code, how):
        if at is not None:
            self.vpc.fault = self.failing(at, code, how)
        result = self.remove()
        self.vpc.fault = lambda service, operation: None
        if at is None:
            assert result.ok
            self.nothing_left()
        for session in (v for v in self.vpc.mirrors.sessions.values() if mine(v)):
            rules = [
                r
                for r in self.vpc.mirrors.rules.values()
                if r["TrafficMirrorFilterId"] == session["TrafficMirrorFilterId"]
            ]
            assert rules, "a session that could not be removed still has its rules"

    def remove(self) -> Applied:
        api = self.connect()
        todo = removal("shadowtap", read.world(api))
        return Applier(api, todo, run=str(next(self.runs)), keep_going=True).apply()

    def nothing_left(self):
        """Only what somebody else's session uses may stay."""
        left = self.ours()
        used = {s["TrafficMirrorTargetId"] for s in self.vpc.mirrors.sessions.values()}
        assert left["sessions"] == set()
        assert left["filters"] == set()
        assert left["rules"] == set()
        assert left["targets"] <= used

    @invariant()
    def others_are_untouched(self):
        if not hasattr(self, "foreign") or not self.foreign:
            return
        now = self.others()
        gone = set(self.foreign["sessions"]) - set(now["sessions"])
        for session in gone:
            assert self.foreign["sessions"][session]["NetworkInterfaceId"] not in self.vpc.interfaces
        for kind in ("targets", "filters", "rules"):
            assert now[kind] == self.foreign[kind]
        assert all(now["sessions"][k] == self.foreign["sessions"][k] for k in now["sessions"])

    def teardown(self):
        if not hasattr(self, "runs"):
            return
        self.vpc.fault = lambda service, operation: None
        assert self.remove().ok
        self.nothing_left()
        self.others_are_untouched()


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=120,
    stateful_step_count=12,
    deadline=None,
    print_blob=False,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
