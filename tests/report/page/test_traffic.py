"""What observations add up to: everything once, whatever the order, in bounded memory."""

from hypothesis import given, settings
from hypothesis import strategies as st

from compare.answers import NOW, SECOND, TARGET, Answer, exchange, outcome, request
from shadowtap.events import Difference, Exchange, Failure, Observation, Verdict, replace
from shadowtap.report.page import Traffic, account_from
from shadowtap.report.page.traffic import (
    ENDPOINTS,
    MOMENTS,
    NAMES,
    OTHER_NAME,
    OTHER_TARGETS,
    OTHERS,
    TARGETS,
)
from shadowtap.report.page.values import NO_CLASSES

SAME = Verdict(TARGET, ())
DIFFERENT = Verdict(TARGET, (Difference("status", "status", "200", "500"),))


def observed(
    at=NOW,
    path="/",
    status=200,
    answered=200,
    verdict=SAME,
    target=TARGET,
    fate="replayed",
    failure=None,
    method="GET",
):
    """One request, replayed to one target."""
    asked = request(method, path, at=at)
    out = replace(outcome(asked, Answer(b"", answered)), target=target, failure=failure)
    verdicts = () if verdict is None else (replace(verdict, target=target),)
    return Observation(exchange(asked, Answer(b"", status)), fate, (out,), verdicts)


def seen(observations):
    traffic = Traffic()
    for one in observations:
        traffic.add(one)
    return traffic.seen()


observations = st.builds(
    observed,
    at=st.one_of(st.just(0), st.integers(1, 1 << 62), st.integers(NOW, NOW + 100 * SECOND)),
    path=st.sampled_from(["/", "/a", "/users/1", "/users/2", "/\x00<script>"]),
    status=st.sampled_from([200, 301, 404, 500, 999]),
    answered=st.sampled_from([200, 404, 503]),
    verdict=st.sampled_from([None, SAME, DIFFERENT]),
    target=st.sampled_from([TARGET, "http://b"]),
    failure=st.sampled_from([None, Failure.TIMEOUT]),
)


@given(st.lists(observations, max_size=40))
def test_everything_is_there_once_and_order_does_not_matter(several):
    forward, backward = seen(several), seen(several[::-1])
    assert forward == backward
    for whole in (
        sum(m.requests for m in forward.endpoints.values()),
        forward.whole.requests,
        sum(forward.fates.values()),
    ):
        assert whole == len(several)
    assert len(forward.moments) <= MOMENTS
    by_target = sum(side.count for side in forward.whole.targets.values())
    assert by_target == len(several)
    failed = sum(sum(reasons.values()) for reasons in forward.failures.values())
    answered = sum(sum(counts.values()) for side, counts in forward.statuses.items() if side != "production")
    assert failed + answered == by_target


def test_intervals_double_when_time_goes_on():
    traffic = Traffic()
    widths = []
    for n in range(1000):
        traffic.add(observed(NOW + n * SECOND // 10))
        if n % 100 == 0:
            widths.append(traffic.seen().width_ns)
    found = traffic.seen()
    assert widths == sorted(widths)
    assert MOMENTS / 2 <= len(found.moments) <= MOMENTS
    assert found.start_ns <= NOW < found.start_ns + found.width_ns
    assert sum(m.requests for m in found.moments) == 1000


def test_each_answer_counts_in_its_interval():
    found = seen([observed(NOW), observed(NOW + SECOND, status=404, answered=500, verdict=DIFFERENT)])
    first, last = found.moments[0], found.moments[-1]
    assert first.production.classes == [0, 0, 1, 0, 0, 0]
    assert last.production.classes == [0, 0, 0, 0, 1, 0]
    side = last.targets[TARGET]
    assert (side.classes, side.compared, side.differ) == ([0, 0, 0, 0, 0, 1], 1, 1)
    assert all(moment.production.classes == list(NO_CLASSES) for moment in found.moments[1:-1])
    assert found.endpoints["GET /"].requests == 2


def test_endpoints_are_bounded():
    found = seen(observed(method=f"M{n}") for n in range(ENDPOINTS * 2))
    assert len(found.endpoints) == ENDPOINTS + 1
    assert found.endpoints[OTHERS].requests == ENDPOINTS


def test_targets_and_names_are_bounded():
    found = seen(observed(target=f"http://t{n}", fate=f"filtered: rule {n}") for n in range(NAMES * 2))
    assert len(found.whole.targets) == TARGETS + 1
    assert found.whole.targets[OTHER_TARGETS].count == NAMES * 2 - TARGETS
    assert len(found.fates) == NAMES + 1
    assert found.fates[OTHER_NAME] == NAMES


def test_lost_requests_and_answers_without_request():
    lost = Observation(Exchange(None, None, True), "incomplete: never_seen", ())
    orphan = Observation(replace(observed().exchange, request=None), "incomplete: never_seen", ())
    found = seen([lost, orphan, observed()])
    assert found.whole.requests == 3
    assert found.whole.production.classes[0] == 1
    assert found.fates == {"incomplete: never_seen": 2, "replayed": 1}


def test_what_is_seen_does_not_change_any_more():
    traffic = Traffic()
    traffic.add(observed())
    before = traffic.seen()
    traffic.add(observed())
    assert before.whole.requests == 1
    assert before.moments[0].production.count == 1


def test_endpoints_that_are_shown_alike_are_one():
    found = seen([observed(path="/a"), observed(path="/b")]).renamed(lambda name: "***")
    assert {name: moment.requests for name, moment in found.endpoints.items()} == {"***": 2}


@given(st.lists(observations, max_size=20))
@settings(max_examples=30)
def test_the_account_of_a_recording_adds_up(several):
    account = account_from(seen(several))
    requests = account["requests"]
    parts = [
        sum(n.values()) if isinstance(n, dict) else n for bucket, n in requests.items() if bucket != "seen"
    ]
    assert requests["seen"] == sum(parts) == len(several)
    for target in account["targets"]:
        assert target["replayed"] == target["answered"] + sum(target["failed"].values())
