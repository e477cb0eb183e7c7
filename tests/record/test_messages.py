"""A recording as a capture would give it."""

from record.observations import NOON, plain
from record.test_store import Writing
from shadowtap.events import Ended, Exchange, Observation, Request, replace
from shadowtap.record import Recording

S = 1_000_000_000


def story(root, **how):
    """The messages as words: R connection.index, X connection.index, E connection."""
    told = []
    for message in Recording(root).messages(**how):
        if isinstance(message, Request):
            told.append(f"R {message.connection.number}.{message.index}")
        elif isinstance(message, Exchange):
            told.append(f"X {(message.request or message.response).connection.number}")
        elif isinstance(message, Ended):
            told.append(f"E {message.connection}")
    return told


def test_each_request_is_followed_by_its_exchange_and_connections_end(tmp_path):
    Writing(tmp_path).write(plain(0, connection=1), plain(1, connection=2), plain(2, connection=1)).close()
    assert story(tmp_path) == ["R 1.0", "X 1", "R 2.1", "X 2", "R 1.2", "X 1", "E 2", "E 1"]


def test_a_connection_that_is_silent_has_ended(tmp_path):
    Writing(tmp_path).write(
        plain(0, connection=1),
        plain(0, connection=2, at=NOON + 50 * S),
        plain(0, connection=3, at=NOON + 61 * S),
    ).close()
    assert story(tmp_path, idle_s=60) == ["R 1.0", "X 1", "R 2.0", "X 2", "E 1", "R 3.0", "X 3", "E 2", "E 3"]


def test_connections_of_several_runs_stay_apart(tmp_path):
    Writing(tmp_path, run="a").write(plain(0, connection=1)).close()
    Writing(tmp_path, run="b").write(plain(1, connection=1)).close()
    second = (1 << 44) + 1
    assert story(tmp_path) == ["R 1.0", "X 1", f"R {second}.1", f"X {second}", "E 1", f"E {second}"]


def test_an_interim_answer_does_not_repeat_its_request(tmp_path):
    whole = plain(0)
    early = replace(whole.exchange.response, status=100)
    interim = Observation(Exchange(whole.exchange.request, early), "", ())
    Writing(tmp_path).write(interim, whole).close()
    assert story(tmp_path) == ["X 1", "R 1.0", "X 1", "E 1"]
