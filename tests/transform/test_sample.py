"""A share of the users: as large as asked for, the same everywhere, and growing by addition only."""

import math
import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expression.asking import asked, connection
from shadowtap.transform.sample import CACHED, Sample, number, parse_keys

SHARES = st.floats(0, 1)
KEYS = st.binary(min_size=1, max_size=200)


def visit(user: str = "", client: str = "10.1.2.3", number_: int = 0, target: str = "/"):
    cookie = f"Cookie: user={user}\r\n" if user else ""
    return asked(
        f"GET {target} HTTP/1.1\r\nX-User: {user}\r\n{cookie}\r\n".encode(), connection(number_, client)
    )


def by(keys: str, share: float = 0.5, salt: bytes = b"") -> Sample:
    return Sample(share, parse_keys(keys), salt)


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.9])
def test_the_share_is_right(share):
    """Within five standard deviations of the binomial distribution: wrong once in two million runs, were it random."""
    users = 20_000
    sample = by("cookie:user", share)
    kept = sum(sample.keeps(visit(f"user-{n}")) for n in range(users))
    assert abs(kept - users * share) < 5 * math.sqrt(users * share * (1 - share))


def test_the_numbers_are_evenly_spread():
    """Chi-squared over 64 equal parts: 63 degrees of freedom, below 130 in all but one case in a million."""
    users, parts = 64_000, 64
    counts = [0] * parts
    for n in range(users):
        counts[number(b"%d" % n) * parts >> 64] += 1
    expected = users / parts
    assert sum((count - expected) ** 2 / expected for count in counts) < 130


def test_two_salts_draw_independent_samples():
    users, share = 20_000, 0.3
    one, other = by("cookie:user", share, b"one"), by("cookie:user", share, b"other")
    both = sum(one.keeps(visit(f"{n}")) and other.keeps(visit(f"{n}")) for n in range(users))
    assert abs(both - users * share**2) < 5 * math.sqrt(users * share**2)


@settings(deadline=None)
@given(KEYS, SHARES, SHARES, st.binary(max_size=100))
def test_raising_the_share_only_adds(key, one, other, salt):
    request = asked(b"GET / HTTP/1.1\r\nX: " + key.hex().encode() + b"\r\n\r\n")
    small, large = (by("header:x", share, salt) for share in sorted((one, other)))
    assert large.keeps(request) or not small.keeps(request)


def test_all_and_none():
    assert all(by("client", 1).keeps(visit(client=f"10.0.0.{n}")) for n in range(256))
    assert not any(by("client", 0).keeps(visit(client=f"10.0.0.{n}")) for n in range(256))


def test_the_same_numbers_for_ever():
    """Another number here would tear every running sample apart."""
    assert number(b"ann") == 0x8D3ADF6ABF23F3A5
    assert number(b"ann", b"salt") == 0x9842372E7EF930E9


def test_the_same_in_every_process():
    script = (
        "from shadowtap.transform.sample import number\n"
        "print(*(number(b'user-%d' % n, b'salt') for n in range(50)))"
    )
    ours = [number(b"user-%d" % n, b"salt") for n in range(50)]
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        told = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment
        )
        assert [int(text) for text in told.stdout.split()] == ours


def test_a_user_is_in_or_out_wherever_the_key_stands():
    for n in range(50):
        user = f"user-{n}"
        decided = {
            by("cookie:user").keeps(visit(user)),
            by("header:X-User").keeps(visit(user)),
            by("query:u").keeps(visit(target=f"/?u={user}")),
            by("cookie:user").keeps(visit(user, client="10.9.9.9", number_=7)),
        }
        assert len(decided) == 1


def test_a_missing_or_empty_key_gives_way_to_the_next_and_at_last_to_the_client():
    sample, clients = by("cookie:user,header:x-user"), by("client")
    for n in range(50):
        address = f"10.0.0.{n}"
        assert sample.keeps(visit(client=address)) == clients.keeps(visit(client=address))
    first = by("cookie:none,cookie:user")
    assert all(first.keeps(visit(f"{n}")) == sample.keeps(visit(f"{n}")) for n in range(50))


def test_the_connection_is_its_two_ends():
    sample = by("connection")
    assert len({sample.keeps(visit(number_=n)) for n in range(50)}) == 1
    assert len({sample.keeps(visit(client=f"10.0.0.{n}")) for n in range(50)}) == 2


def test_what_is_kept_in_mind_has_a_limit_and_changes_nothing():
    sample = by("cookie:user")
    for n in range(CACHED + 10):
        assert sample.keeps(visit(f"{n}")) == (number(b"%d" % n) < 1 << 63)
    assert len(sample._fates) <= CACHED
    assert sample.keeps(visit("x" * 1000)) == (number(b"x" * 1000) < 1 << 63)


@pytest.mark.parametrize("text", ["", "cookie", "cookie:", "session", "cookie:a,", "header=x"])
def test_what_is_no_key_says_what_is(text):
    with pytest.raises(
        ValueError, match="expected header:NAME, cookie:NAME, query:NAME, client or connection, not"
    ):
        parse_keys(text)
