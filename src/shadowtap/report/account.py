"""The account in lines: which figures are worth a line, in the order of the pipeline. Every view shows these."""

from collections import Counter
from typing import NamedTuple

from shadowtap.ledger import Ledger, RequestAccount, SinkAccount, TargetAccount
from shadowtap.report import words


class Line(NamedTuple):
    """One figure with its name and what there is to say about it."""

    name: str
    number: int
    detail: str


def fates(requests: RequestAccount) -> list[Line]:
    """What became of the requests: `replayed` always, the other fates where there are any."""
    lines = [
        Line("recorded", requests.recorded, "there is no target"),
        Line("filtered", requests.filtered.total(), words.reasons(requests.filtered)),
        Line("sampled out", requests.sampled_out, "not in the sample"),
        Line("refused", requests.refused.total(), words.reasons(requests.refused)),
        Line("incomplete", requests.incomplete.total(), words.reasons(requests.incomplete)),
        Line("overflowed", requests.overflowed, "the queue of every target was full"),
        Line("waiting", requests.waiting, "for production's answer, or a program"),
    ]
    return [Line("replayed", requests.replayed, ""), *(line for line in lines if line.number)]


def outcomes(target: TargetAccount) -> list[Line]:
    """What became of the requests that a target took: `answered` always, the rest where there is any."""
    lines = [
        Line("failed", target.failed.total(), words.reasons(target.failed)),
        Line("in flight", target.in_flight, "not answered yet"),
    ]
    return [Line("answered", target.answered, ""), *(line for line in lines if line.number)]


def sessions(target: TargetAccount) -> list[Line]:
    """How its sessions were re-bound: how many requests hold its values, and those that waited for an answer; nothing
    where there are none."""
    counters = target.sessions
    if counters is None:
        return []
    waits = {
        "released": counters.released,
        "too long": counters.late,
        "failed meanwhile": counters.dropped,
        "now": counters.waiting,
    }
    lines = [
        Line("re-bound", counters.requests, "with its values: " + words.reasons(counters.substituted, 6)),
        Line("waited", counters.waited, "for an answer: " + words.reasons(waits, 6)),
    ]
    return [line for line in lines if line.number]


def losses(ledger: Ledger) -> list[Line]:
    """What was lost before it was a request or an answer, in the order of the pipeline; nothing where nothing was."""
    sources, flows, messages = ledger.capture.values(), ledger.flows, ledger.messages
    frames = sum(source.frames for source in sources)
    dropped = sum(source.kernel_drops for source in sources)
    of_all = words.share(dropped, frames + dropped)
    lost_bytes = f"{words.size(flows.gap_bytes)}, {words.share(flows.gap_bytes, _sent(ledger))}"
    cut = sum(source.cut for source in sources)
    incomplete = messages.responses_incomplete
    lines = [
        Line("kernel drops", dropped, f"packets, {of_all}: they came too fast"),
        Line("cut frames", cut, "longer than the receiver takes"),
        Line("cut segments", ledger.packets.cut_segments, "the mirror shortened the packets"),
        Line("gaps", flows.gaps, f"{lost_bytes} of the payload never came"),
        Line("answers incomplete", incomplete.total(), words.reasons(incomplete)),
    ]
    return [line for line in lines if line.number]


def kept(sink: SinkAccount) -> list[Line]:
    """What became of the exchanges that a sink was offered: `written` always, the rest where there is any."""
    lines = [
        Line("lost", sink.lost.total(), words.reasons(sink.lost)),
        Line("waiting", sink.waiting, "not written yet"),
        Line("left out", sink.left_out, "rules left these requests out"),
        Line("masked", sink.masked.total(), words.reasons(sink.masked)),
    ]
    return [Line("written", sink.written, ""), *(line for line in lines if line.number)]


def pace(ledger: Ledger) -> str:
    """How far a schedule is, in a few words; empty where there is none."""
    schedule = ledger.schedule
    if schedule is None:
        return ""
    laps = (
        "" if schedule.laps == 1 else f"lap {schedule.lap}{f' of {schedule.laps}' if schedule.laps else ''}, "
    )
    share = "" if schedule.share is None else f"{100 * schedule.share:.0f} % sent, "
    left = "" if schedule.left_s is None else f"about {words.elapsed(schedule.left_s)} left, "
    late = words.nanoseconds(schedule.lateness.quantile(0.99))
    return f"{laps}{share}{left}99 % sent within {late} of their moment"


def changes(ledger: Ledger) -> list[Line]:
    """What rules, masks and users' code did to requests; nothing where there is none of them."""
    changes = ledger.changes
    named = (
        ("matched", changes.matched, "by rule: "),
        ("allowed", changes.allowed, "writes by rule: "),
        ("rewritten", changes.rewritten, "by rule: "),
        ("unreadable", changes.unreadable, "bodies left alone: "),
        ("masked", changes.masked, "by kind: "),
        ("hooks", changes.hooks, ""),
        ("middleware", changes.middleware, ""),
        ("copies", changes.copies, "mirrored twice: "),
        ("legs", changes.legs, "of a load balancer: "),
    )
    return [
        Line(name, sum(counts.values()), prefix + words.reasons(counts, 6))
        for name, counts, prefix in named
        if any(counts.values())
    ]


def unused(ledger: Ledger) -> list[Line]:
    """What was seen and is no HTTP over TCP: it is counted, and no loss."""
    refused = sum((source.refused for source in ledger.capture.values()), Counter[str]())
    lines = [
        Line("refused packets", refused.total(), words.reasons(refused)),
        Line("packets not used", ledger.packets.dropped.total(), words.reasons(ledger.packets.dropped)),
        Line("streams not HTTP", ledger.messages.not_http.total(), words.reasons(ledger.messages.not_http)),
    ]
    return [line for line in lines if line.number]


def _sent(ledger: Ledger) -> int:
    return ledger.flows.payload_bytes + ledger.flows.gap_bytes
