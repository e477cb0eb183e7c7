"""Observations become columns and come back the same, and what queries want is beside them."""

from hypothesis import given, settings
from hypothesis import strategies as st

from record.observations import NOON, answered, observations, plain
from shadowtap.events import Exchange, Observation, replace
from shadowtap.record import columns, rows
from shadowtap.record.schema import SCHEMA


def batch(*found):
    return columns.batch(found, columns.times_ns(found, NOON), "run")


def row(observation):
    return batch(observation).to_pylist()[0]


@settings(deadline=None)
@given(st.lists(observations(), min_size=1, max_size=5))
def test_what_goes_in_comes_back(found):
    made = batch(*found)
    assert made.schema == SCHEMA
    made.validate(full=True)
    assert list(rows.observations(made)) == found


@settings(deadline=None)
@given(st.lists(observations(), min_size=1, max_size=3))
def test_without_outcomes_the_exchanges_come_back(found):
    made = batch(*found).select(rows.EXCHANGE_ONLY)
    assert [o.exchange for o in rows.observations(made)] == [o.exchange for o in found]


def test_a_row_says_who_asked_whom_for_what():
    found = row(plain(3, target=b"/shop/items?page=2&size=10"))
    assert found["time"].isoformat() == "2026-11-23T12:00:00.003000+00:00"
    assert (found["client_address"], found["client_port"], found["server_port"]) == ("10.0.0.7", 40_000, 8080)
    assert (found["method"], found["path"], found["query"]) == ("GET", "/shop/items", "page=2&size=10")
    assert (found["host"], found["status"], found["media_type"]) == ("shop.example", 200, "application/json")
    assert (found["latency_ns"], found["fate"], found["fate_reason"]) == (1_000_000, "replayed", None)


def test_a_target_in_absolute_form_gives_path_and_host():
    observation = plain(target=b"http://u:p@old.example:81?x")
    request = observation.exchange.request

    head = request.head.replace(b"Host", b"Most")
    changed = Observation(Exchange(replace(request, head=head), None), "refused: own_mark", ())
    found = row(changed)
    assert (found["host"], found["path"], found["query"]) == ("old.example:81", "", "x")
    assert (found["fate"], found["fate_reason"]) == ("refused", "own_mark")
    assert found["status"] is None


def test_a_target_that_is_no_utf8_is_shown_as_latin1_and_kept():
    found = row(plain(target=b"/caf\xe9"))
    assert (found["target"], found["path"], found["target_raw"]) == ("/café", "/café", b"/caf\xe9")
    assert row(plain(target="/café".encode()))["target_raw"] is None


def test_an_answer_alone_has_its_own_time():
    whole = plain(latency=5)
    alone = Observation(Exchange(None, whole.exchange.response), "", ())
    assert columns.times_ns([alone], 0).tolist() == [NOON + 15]
    assert row(alone)["method"] is None


def test_nothing_at_all_gets_the_time_of_writing():
    empty = Observation(Exchange(None, None, True), "incomplete: never_seen", ())
    assert columns.times_ns([empty], NOON).tolist() == [NOON]
    assert list(rows.observations(batch(empty))) == [empty]


def test_text_that_utf8_cannot_hold_does_not_stop_the_row():
    from shadowtap.events import Difference, Verdict

    verdict = Verdict("http://staging", (Difference("json_value", "body", "\udc80", "b"),))
    found = row(Observation(plain().exchange, "replayed", (), (verdict,)))
    assert found["verdicts"][0]["differences"][0]["production"] == "?"


def test_a_target_that_answered_the_same_octets_costs_no_second_copy():
    whole = plain(body=b"the same")
    found = answered(answered(whole, body=b"the same"), target="http://other", body=b"different")
    stored = row(found)["outcomes"]
    assert [outcome["body"] for outcome in stored] == [None, b"different"]
    assert list(rows.observations(batch(found))) == [found]
