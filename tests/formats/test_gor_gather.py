"""Records in, one observation for each request out."""

from formats.observing import MS, NOON_NS
from formats.test_gor_join import OK, answers, asks, name
from shadowtap.events import Failure
from shadowtap.formats.gor import Gatherer, Kind
from shadowtap.formats.gor.gather import MAX_OUTCOMES


def gathered(*records):
    """Everything that comes of records, and what was lost."""
    gatherer = Gatherer()
    found = [observation for record in records for observation in gatherer.feed(record)]
    return found + gatherer.finish(), dict(+gatherer.lost)


def replayed(octets=OK, **more):
    """A target's answer."""
    return answers(octets, kind=Kind.REPLAYED, **more)


def test_a_request_and_all_that_belongs_to_it():
    (found,), lost = gathered(
        asks(b"/a"),
        answers(),
        replayed(at=2)._replace(latency_ns=MS),
        replayed(OK.replace(b"200", b"500"), at=3),
    )
    assert found.exchange.request.target == b"/a"
    assert found.exchange.response.status == 200
    assert [(o.target, o.status, o.body) for o in found.outcomes] == [
        ("target-1", 200, b"hi"),
        ("target-2", 500, b"hi"),
    ]
    assert (found.outcomes[0].sent_ns, found.outcomes[0].elapsed_ns) == (NOON_NS + 2 * MS, MS)
    assert found.fate == "replayed"
    assert lost == {}


def test_observations_come_in_the_order_of_their_requests():
    found, _ = gathered(
        asks(b"/a", id=name(ack=1)),
        asks(b"/b", id=name(ack=2)),
        answers(id=name(ack=2)),
        answers(id=name(ack=1)),
    )
    assert [observation.exchange.request.target for observation in found] == [b"/a", b"/b"]
    assert all(observation.exchange.response for observation in found)
    assert [observation.fate for observation in found] == ["", ""]


def test_answers_in_front_of_their_request():
    (found,), lost = gathered(replayed(), answers(), asks())
    assert found.exchange.response is not None
    assert len(found.outcomes) == 1
    assert lost == {}


def test_answers_without_a_request_are_counted():
    assert gathered(answers(), replayed(id=name(ack=5))) == ([], {"answers_without_request": 2})


def test_requests_that_share_an_id():
    found, _ = gathered(asks(b"/a", id=b"1"), replayed(id=b"1"), asks(b"/b", id=b"1"), replayed(id=b"1"))
    assert [len(observation.outcomes) for observation in found] == [1, 1]


def test_an_interim_answer_is_no_answer():
    (found,), lost = gathered(asks(), answers(b"HTTP/1.1 100 Continue\r\n\r\n"), answers(OK))
    assert found.exchange.response.status == 200
    assert lost == {}


def test_an_answer_of_a_target_that_is_no_http_is_a_failure():
    (found,), _ = gathered(
        asks(), replayed(b""), replayed(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
    )
    assert [outcome.failure for outcome in found.outcomes] == [Failure.GARBAGE] * 2
    assert [outcome.status for outcome in found.outcomes] == [0, 0]


def test_a_request_that_was_cut_is_incomplete():
    (found,), _ = gathered(asks()._replace(payload=b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf"))
    assert found.fate == "incomplete: closed_early"


def test_answers_of_targets_are_bounded():
    (found,), lost = gathered(asks(), *(replayed() for _ in range(MAX_OUTCOMES + 3)))
    assert len(found.outcomes) == MAX_OUTCOMES
    assert lost == {"too_many_answers": 3}


def test_a_second_answer_of_production_is_counted():
    (found,), lost = gathered(asks(), answers(), answers(OK.replace(b"200", b"404")))
    assert found.exchange.response.status == 200
    assert lost == {"too_many_answers": 1}
