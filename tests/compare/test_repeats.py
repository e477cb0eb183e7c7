"""Which requests of production repeat an earlier one."""

from compare.answers import NOW, SECOND, Answer, exchange, request
from shadowtap.compare.repeats import ENOUGH_PAIRS, MAX_BYTES, MAX_REQUESTS, THEN_EVERY, Repeats
from shadowtap.events import Exchange, Fault, replace


def got(
    path: str = "/", *fields: str, at: int = 0, method: str = "GET", body: str = "a", status: int = 200
) -> Exchange:
    return exchange(request(method, path, *fields, at=NOW + at * SECOND), Answer(body, status))


def observed(*exchanges: Exchange) -> int:
    repeats = Repeats()
    return sum(repeats.observe(e, "GET /") is not None for e in exchanges)


def test_equal_safe_requests_are_a_pair() -> None:
    repeats = Repeats()
    first, second = got(), got(at=1, body="b")
    assert repeats.observe(first, "GET /") is None
    pair = repeats.observe(second, "GET /")
    assert pair is not None
    assert pair[0] is first
    assert (pair[1].body, pair[1].status, pair[1].sent_ns) == (b"b", 200, NOW + SECOND)


def test_other_requests_are_none() -> None:
    assert not observed(got("/a"), got("/b"))
    assert not observed(got("/", "Cookie: a=1"), got("/", "Cookie: a=2"))
    assert not observed(got("/", "Accept: text/html"), got("/", "Accept: application/json"))
    assert not observed(got(method="POST"), got(method="POST"))
    assert observed(got("/", "User-Agent: a", "X-Request-Id: 1"), got("/", "User-Agent: b"))


def test_a_write_of_the_session_in_between_parts_a_pair() -> None:
    mine, others = "Cookie: sid=1", "Cookie: sid=2"
    assert observed(got("/", mine), got("/x", others, method="POST", at=1), got("/", mine, at=2)) == 1
    assert observed(got("/", mine), got("/x", mine, method="POST", at=1), got("/", mine, at=2)) == 0
    assert observed(got("/x", mine, method="POST"), got("/", mine, at=1), got("/", mine, at=2)) == 1


def test_pairs_are_near_in_time_and_whole() -> None:
    assert not observed(got(), got(at=301))
    broken = got()
    assert broken.response is not None
    cut = Exchange(broken.request, replace(broken.response, fault=Fault.GAP))
    assert not observed(cut, got(at=1))
    assert not observed(Exchange(None, None), Exchange(got().request, None), got(at=1))


def test_endpoints_with_many_pairs_are_sampled() -> None:
    found = observed(*(got(at=n % 200) for n in range(ENOUGH_PAIRS + 1 + 20 * THEN_EVERY)))
    assert ENOUGH_PAIRS - 10 < found <= ENOUGH_PAIRS + 20


def test_memory_is_bounded() -> None:
    repeats = Repeats()
    for n in range(MAX_REQUESTS + 50):
        repeats.observe(got(f"/{n}"), "GET /{id}")
    assert len(repeats) == MAX_REQUESTS
    for n in range(200):
        repeats.observe(got(f"/big{n}", body="x" * 250_000), "GET /{id}")
    assert len(repeats) <= MAX_BYTES // 250_000
    repeats.observe(got("/huge", body="x" * 300_000), "GET /{id}")
    assert repeats.observe(got("/huge", body="x" * 300_000, at=1), "GET /{id}") is None
