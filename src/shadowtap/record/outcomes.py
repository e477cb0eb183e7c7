"""What became of a request at each target, as nested columns: lists of structs made from flat lists and offsets."""

from collections.abc import Sequence
from typing import Any

from shadowtap.events import Difference, Observation, Outcome, Request, Response
from shadowtap.record.arrow import pa
from shadowtap.record.schema import DIFFERENCE, NOISE, OUTCOME, VERDICT
from shadowtap.record.texts import binary, nothing_or, starts, text


def outcome_column(observations: Sequence[Observation]) -> Any:
    """`outcomes`: a list of structs for each observation."""
    lists = [o.outcomes for o in observations]
    outcomes = [outcome for several in lists for outcome in several]
    sent = [_sent(outcome, o.exchange.request) for o in observations for outcome in o.outcomes]
    fields = [
        text([o.target for o in outcomes]),
        pa.array([o.status for o in outcomes], pa.int32()),
        nothing_or([o.failure for o in outcomes], pa.string()),
        pa.array([o.sent_ns for o in outcomes], pa.int64()),
        pa.array([o.first_byte_ns for o in outcomes], pa.int64()),
        pa.array([o.elapsed_ns for o in outcomes], pa.int64()),
        binary([o.head for o in outcomes]),
        nothing_or(
            [_body(outcome, o.exchange.response) for o in observations for outcome in o.outcomes], pa.binary()
        ),
        *_sent_fields(sent),
    ]
    return _list(lists, fields, OUTCOME)


def _body(outcome: Outcome, response: Response | None) -> bytes | None:
    """The body of a target's answer, where it is not production's: mostly it is, and need not be kept twice."""
    return None if response is not None and outcome.body == response.body else outcome.body


def _sent(outcome: Outcome, request: Request | None) -> Request | None:
    """The request that was sent, where it is not production's."""
    sent = outcome.request
    return None if sent is request or sent == request else sent


def _sent_fields(sent: list[Request | None]) -> list[Any]:
    names = ("method", "target", "version", "head", "body")
    if not any(sent):
        return [pa.nulls(len(sent), pa.binary()) for _ in names] + [pa.nulls(len(sent), pa.bool_())]
    columns = [
        pa.array([None if r is None else getattr(r, name) for r in sent], pa.binary()) for name in names
    ]
    return [*columns, pa.array([None if r is None else r.chunked for r in sent], pa.bool_())]


def verdict_column(observations: Sequence[Observation]) -> Any:
    """`verdicts`: a list of structs for each observation."""
    lists = [o.verdicts for o in observations]
    verdicts = [verdict for several in lists for verdict in several]
    noise = [v.noise for v in verdicts]
    differences = [v.differences for v in verdicts]
    fields = [
        text([v.target for v in verdicts]),
        pa.array([v.same for v in verdicts], pa.bool_()),
        text([v.skipped for v in verdicts]),
        _list(differences, _difference_fields([d for several in differences for d in several]), DIFFERENCE),
        _list(
            noise,
            [
                *_difference_fields([d for several in noise for d, _ in several]),
                text([rule for several in noise for _, rule in several]),
            ],
            NOISE,
        ),
    ]
    return _list(lists, fields, VERDICT)


def _list(lists: Sequence[Sequence[object]], fields: list[Any], struct: Any) -> Any:
    return pa.ListArray.from_arrays(starts(lists), pa.StructArray.from_arrays(fields, fields=list(struct)))


def _difference_fields(differences: list[Difference]) -> list[Any]:
    return [
        text([d.kind for d in differences]),
        text([d.where for d in differences]),
        text([d.production for d in differences]),
        text([d.target for d in differences]),
    ]
