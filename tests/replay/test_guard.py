"""Production's addresses are known by what the mirror shows."""

from ipaddress import ip_address

import pytest

from shadowtap.events import Endpoint
from shadowtap.replay import Guard
from shadowtap.replay.guard import REMEMBERED


def at(text):
    host, _, port = text.rpartition(":")
    return Endpoint(ip_address(host.strip("[]")), int(port))


@pytest.mark.parametrize(
    ("seen", "target", "refused"),
    [
        ("10.0.1.20:80", "10.0.1.20:80", True),
        ("10.0.1.20:80", "10.0.1.20:8080", True),
        ("10.0.1.20:80", "10.0.1.21:80", False),
        ("[2001:db8::1]:80", "[2001:db8::1]:443", True),
        ("[2001:db8::1]:80", "[2001:db8::2]:80", False),
        ("10.0.1.20:80", "[::ffff:10.0.1.20]:80", True),
        ("127.0.0.1:80", "127.0.0.1:80", True),
        ("127.0.0.1:80", "127.0.0.1:81", False),
        ("[::1]:80", "[::1]:80", True),
        ("[::1]:80", "[::1]:81", False),
        ("127.0.0.1:80", "0.0.0.0:80", True),
        ("[::1]:80", "[::]:80", True),
        ("[::1]:80", "[::]:81", False),
        ("0.0.0.1:80", "[::1]:80", False),
    ],
)
def test_what_is_refused(seen, target, refused):
    guard = Guard()
    assert guard.saw(at(seen))
    assert (guard.conflict([at("192.0.2.1:80"), at(target)]) is not None) is refused


def test_the_address_of_the_target_is_told():
    guard = Guard()
    guard.saw(at("10.0.1.20:80"))
    assert guard.conflict([at("10.0.1.20:8080")]) == at("10.0.1.20:8080")
    assert guard.conflict([]) is None


def test_a_server_is_new_once():
    guard = Guard()
    assert guard.saw(at("10.0.1.20:80"))
    assert not guard.saw(at("10.0.1.20:80"))
    assert not guard.saw(at("10.0.1.20:443"))
    assert guard.saw(at("127.0.0.1:80"))
    assert guard.saw(at("127.0.0.1:81"))


def test_memory_is_bounded_and_the_oldest_give_way():
    guard = Guard()
    first = int(ip_address("10.0.0.0"))
    for n in range(REMEMBERED + 1):
        guard.saw(Endpoint(ip_address(first + n), 80))
    assert guard.conflict([at("10.0.0.0:80")]) is None
    assert guard.conflict([at("10.0.0.1:80")]) is not None
