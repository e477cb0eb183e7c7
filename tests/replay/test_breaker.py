"""A breaker, with the time as its only input."""

from shadowtap.replay.breaker import FAILURES, FIRST_PAUSE_S, LONGEST_PAUSE_S, Breaker


def broken():
    breaker = Breaker()
    opened = [breaker.failed(0.0) for _ in range(FAILURES)]
    assert opened == [False] * (FAILURES - 1) + [True]
    return breaker


def test_it_opens_after_failures_in_a_row():
    breaker = broken()
    assert breaker.open
    assert not breaker.allows(0.0)


def test_an_answer_in_between_begins_the_count_again():
    breaker = Breaker()
    for _ in range(3):
        for _ in range(FAILURES - 1):
            assert not breaker.failed(0.0)
        assert not breaker.succeeded()
    assert not breaker.open
    assert breaker.allows(0.0)


def test_one_trial_after_each_pause_and_the_pauses_grow():
    breaker, now, pause = broken(), 0.0, FIRST_PAUSE_S
    for _ in range(8):
        assert not breaker.allows(now + pause - 0.001)
        now += pause
        assert breaker.allows(now)
        assert not breaker.allows(now + 100), "there is one trial at a time"
        assert not breaker.failed(now), "it was open already"
        pause = min(2 * pause, LONGEST_PAUSE_S)
    assert pause == LONGEST_PAUSE_S


def test_an_answer_closes_it():
    breaker = broken()
    assert breaker.allows(FIRST_PAUSE_S)
    assert breaker.succeeded()
    assert breaker.allows(FIRST_PAUSE_S)
    assert not breaker.succeeded()
    assert [breaker.failed(9.0) for _ in range(FAILURES)][-1], "it opens again"
    assert breaker.allows(9.0 + FIRST_PAUSE_S), "with a short pause"


def test_an_older_failure_ends_a_trial_too():
    breaker = broken()
    assert breaker.allows(FIRST_PAUSE_S)
    assert not breaker.failed(FIRST_PAUSE_S)
    assert not breaker.failed(FIRST_PAUSE_S)
    assert breaker.allows(FIRST_PAUSE_S + 2 * FIRST_PAUSE_S)
