"""What the format can carry comes back as it was: observations, a file, observations."""

from hypothesis import given

from formats.observing import (
    MS,
    NOON_NS,
    connection,
    endpoint,
    observe,
    outcome,
    request,
    response,
    runs,
)
from shadowtap.events import Failure, Fault, Outcome, replace
from shadowtap.formats.gor import Composer, Gatherer, Splitter
from shadowtap.formats.gor.records import SEPARATOR


def there_and_back(observations):
    """Through a file's octets."""
    composer, splitter, gatherer = Composer(), Splitter(), Gatherer()
    octets = b"".join(composer.entry(observation) for observation in observations)
    records = splitter.feed(octets) + splitter.finish()
    found = [observation for record in records for observation in gatherer.feed(record)] + gatherer.finish()
    assert not splitter.lost
    assert not +gatherer.lost
    return found, composer.left_out


def carried(observations):
    """What of observations a file can hold."""
    found = []
    for observation in observations:
        asked, answered = observation.exchange.request, observation.exchange.response
        on = asked.connection
        ends = int(on.client.address) & 0xFFFFFFFF, on.client.port, on.server.port
        request_parts = [getattr(asked, name) for name in type(asked).__match_args__[1:]]
        response_parts = answered and [getattr(answered, name) for name in type(answered).__match_args__[1:]]
        outcomes = [
            (o.target, o.sent_ns, o.elapsed_ns, o.status, o.head, o.body, o.failure)
            for o in observation.outcomes
        ]
        found.append((on.number, ends, request_parts, response_parts, outcomes, observation.fate))
    return found


@given(runs())
def test_observations_come_back(observations):
    found, left_out = there_and_back(observations)
    assert carried(found) == carried(observations)
    assert not left_out


def test_a_client_of_ipv6_comes_back_with_the_end_of_its_address():
    on = connection(0, "[2001:db8::102:304]:5000", "[2001:db8::1]:8080")
    (found,), _ = there_and_back([observe(request(on=on))])
    assert found.exchange.request.connection.client == endpoint("1.2.3.4:5000")
    assert found.exchange.request.connection.server == endpoint("0.0.0.0:8080")
    assert found.exchange.request.connection.vni is None


def test_a_port_that_is_used_again_makes_no_id_twice():
    ids = set()
    composer = Composer()
    for number in range(300):
        for index in range(50):
            asked = request(on=connection(number), index=index)
            ids |= {record.id for record in composer.records(observe(asked))}
    assert len(ids) == 300 * 50


def test_answers_share_the_id_of_their_request():
    asked = request()
    records = Composer().records(observe(asked, response(), outcome(asked), outcome(asked)))
    assert [record.kind for record in records] == [1, 2, 3, 3]
    assert len({record.id for record in records}) == 1


def test_ids_are_as_goreplay_writes_them():
    on = connection(0, "10.0.8.9:40000", "10.0.1.20:80")
    (record,) = Composer().records(observe(request(on=on)))
    assert record.id[:16] == b"9c4000500a000809"
    assert len(record.id) == 24


def test_what_cannot_be_written_is_counted():
    asked = request()
    separated = b"POST / HTTP/1.1\r\nContent-Length: 20\r\n\r\nx" + SEPARATOR + b"1 a 1\nG"
    cut = replace(asked, fault=Fault.GAP)
    not_kept = replace(response(), body=b"")
    failed = Outcome("http://next", asked, NOON_NS, 0, MS, 0, b"", b"", Failure.TIMEOUT)
    composer = Composer()
    assert composer.entry(observe(cut, response())) == b""
    assert composer.entry(observe(None, response())) == b""
    assert composer.entry(observe(request(separated), response())) == b""
    assert len(composer.records(observe(asked, not_kept, failed))) == 1
    assert composer.left_out == {
        "incomplete": 1,
        "no_request": 1,
        "contains_separator": 1,
        "answer_body_not_kept": 1,
        "outcome_without_answer": 1,
    }


def test_a_payload_that_would_make_a_separator_with_what_follows_is_not_written():
    octets = b"POST / HTTP/1.1\r\nContent-Length: 13\r\n\r\n" + SEPARATOR[:-1]
    assert len(SEPARATOR[:-1]) == 13
    composer = Composer()
    assert composer.entry(observe(request(octets))) == b""
    assert composer.left_out == {"contains_separator": 1}


def test_reading_back_tells_an_answer_to_head_from_one_that_is_cut():
    asked = request(b"HEAD / HTTP/1.1\r\nHost: shop\r\n\r\n")
    answered = response(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", to=b"HEAD")
    (found,), _ = there_and_back([observe(asked, answered)])
    assert found.exchange.response.fault is None
