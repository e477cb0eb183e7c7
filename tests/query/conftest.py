"""A recording to ask: a shop with some products, one slow answer, some failures at the target."""

import pytest

from record.observations import NOON, answered, plain
from record.test_store import Writing
from shadowtap.events import Difference, Failure, Observation, Verdict
from shadowtap.query import Database
from shadowtap.record import Recording


def shop():
    """A hundred requests for products and ten of a user."""
    for number in range(100):
        found = plain(
            number,
            target=b"/products/%d?page=1" % (number % 40),
            latency=50_000_000 if number == 7 else 1_000_000 + number,
            status=500 if number == 3 else 200,
        )
        failure = Failure.TIMEOUT if number == 5 else None
        found = answered(
            found,
            status=0 if failure else 404 if number == 9 else found.exchange.response.status,
            failure=failure,
        )
        if number == 5:
            verdict = Verdict("http://staging", (), (), "timeout")
        elif number == 9:
            verdict = Verdict(
                "http://staging",
                (
                    Difference("status", "status", "200", "404"),
                    Difference("json_missing", "body.ok", "true", ""),
                ),
                ((Difference("header_value", "header date", "a", "b"), "dates differ"),),
            )
        else:
            verdict = Verdict("http://staging", ())
        yield Observation(found.exchange, found.fate, found.outcomes, (verdict,))
    for number in range(100, 110):
        yield plain(number, target=b"/users/%d/cart" % number, method=b"POST", connection=2)


@pytest.fixture(scope="session")
def root(tmp_path_factory):
    """The shop, finished."""
    root = tmp_path_factory.mktemp("shop") / "rec"
    Writing(root, run="run").write(*shop(), now_ns=NOON).close()
    return root


@pytest.fixture
def ask(root):
    """SQL in, rows out."""
    with Database(Recording(root)) as database:

        def asking(sql):
            answer = database.ask(sql)
            return None if answer is None else [dict(zip(answer.columns, row, strict=True)) for row in answer]

        yield asking
