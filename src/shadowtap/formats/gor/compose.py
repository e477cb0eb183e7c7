"""Observations made into records, and what of them the format cannot hold.

Not written, and counted by reason: a request or an answer of which octets are missing (GoReplay would replay half
a request), an answer whose body was not kept, an outcome without an answer, an observation without a request, and
a message that contains the separator (the rest would be read as a record of its own, perhaps as a request).

Lost without a count, since the format has no place for it: the server's address, the upper part of an IPv6
address, the VNI, the names of targets, when the first byte of a replayed answer came, fates and verdicts.
"""

from collections import Counter

from shadowtap.events import Observation, Outcome, Request, Response
from shadowtap.formats.gor.identity import id_of
from shadowtap.formats.gor.records import SEPARATOR, Kind, Record, encode

NO_REQUEST, INCOMPLETE, NOT_KEPT = "no_request", "incomplete", "answer_body_not_kept"
NO_ANSWER, SEPARATED = "outcome_without_answer", "contains_separator"
_LINE = SEPARATOR.strip()


class Composer:
    """Makes records: `begin`, `entry` for each observation, `end`. `left_out` counts messages that are not
    written, by reason."""

    def __init__(self) -> None:
        self.left_out: Counter[str] = Counter()
        self.entries = 0

    def begin(self) -> bytes:
        """Nothing: a file of records has no head."""
        return b""

    def end(self) -> bytes:
        """Nothing."""
        return b""

    def entry(self, observation: Observation) -> bytes:
        """The records of an observation with their separators; empty where there is none to write."""
        records = self.records(observation)
        self.entries += bool(records)
        return b"".join([part for record in records for part in (encode(record), SEPARATOR)])

    def records(self, observation: Observation) -> list[Record]:
        """The request, production's answer and the targets' answers, as far as they can be written. Without the
        request nothing is: what would an answer be to?"""
        request, response = observation.exchange.request, observation.exchange.response
        why = _why_not(request)
        if request is None or why:
            self.left_out[why] += 1
            return []
        name = id_of(request.connection, request.index)
        records = [record_of_request(request, name)]
        if response is not None:
            self._add(records, record_of_response(response, name), _why_not(response))
        for outcome in observation.outcomes:
            self._add(records, record_of_outcome(outcome, name), _why_no_outcome(outcome))
        return records

    def _add(self, records: list[Record], record: Record, why: str) -> None:
        if why:
            self.left_out[why] += 1
        else:
            records.append(record)


def record_of_request(request: Request, name: bytes) -> Record:
    """A request as a record of type 1."""
    took_ns = max(request.end_ns - request.time_ns, 0)
    return Record(Kind.REQUEST, name, request.time_ns, took_ns, request.head + request.body)


def record_of_response(response: Response, name: bytes) -> Record:
    """Production's answer as a record of type 2."""
    took_ns = max(response.end_ns - response.time_ns, 0)
    return Record(Kind.RESPONSE, name, response.time_ns, took_ns, response.head + response.body)


def record_of_outcome(outcome: Outcome, name: bytes) -> Record:
    """A target's answer as a record of type 3."""
    return Record(Kind.REPLAYED, name, outcome.sent_ns, outcome.elapsed_ns, outcome.head + outcome.body)


def _why_not(message: Request | Response | None) -> str:
    if message is None:
        return NO_REQUEST
    if message.fault is not None:
        return INCOMPLETE
    if isinstance(message, Response) and message.body_bytes > len(message.body):
        return NOT_KEPT
    return SEPARATED if _is_separated(message.head, message.body) else ""


def _why_no_outcome(outcome: Outcome) -> str:
    if outcome.failure is not None:
        return NO_ANSWER
    return SEPARATED if _is_separated(outcome.head, outcome.body) else ""


def _is_separated(head: bytes, body: bytes) -> bool:
    """Whether a separator begins before the one that we write."""
    if _LINE not in head and _LINE not in body:
        return False
    octets = b"".join((b"\n", head, body, SEPARATOR))
    return octets.find(SEPARATOR) < len(octets) - len(SEPARATOR)
