"""The URL of a target, and HOST:PORT: what is taken, and what is said about the rest."""

import pytest

from shadowtap.config import Settings, parse_listen, parse_target
from shadowtap.config.addresses import LOOPBACK, split_target


@pytest.mark.parametrize(
    ("url", "host", "port", "name"),
    [
        ("http://staging", "staging", 80, "http://staging"),
        ("http://staging:80/", "staging", 80, "http://staging"),
        ("https://staging:8443", "staging", 8443, "https://staging:8443"),
        ("HTTPS://Staging.Example", "staging.example", 443, "https://staging.example"),
        ("http://[fd00::1]:8080", "fd00::1", 8080, "http://[fd00::1]:8080"),
        ("http://10.0.0.1:8080", "10.0.0.1", 8080, "http://10.0.0.1:8080"),
        ("http://my_service.svc.cluster.local.:80", "my_service.svc.cluster.local.", 80, None),
    ],
)
def test_targets(url, host, port, name):
    target = parse_target(url)
    assert (target.host, target.port) == (host, port)
    assert str(target) == (name or str(target))
    assert target.tls == url.lower().startswith("https")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (
            "http://staging/api",
            'a target is scheme://host:port; leave out "/api", each request keeps its own path',
        ),
        ("http://staging#top", 'a target is scheme://host:port; leave out "#top"'),
        ("http://me:pw@staging", "a target's URL holds no user or password; the requests bring their own"),
        ("http://", "a target is scheme://host:port, such as http://staging.example:8080"),
        ("http://-x-", "a target is scheme://host:port, such as http://staging.example:8080"),
        ("http://staging:0", "the port of a target is a number from 1 to 65535"),
        ("http://staging:99999", "the port of a target is a number from 1 to 65535"),
        ("http://staging:http", "the port of a target is a number from 1 to 65535"),
        ("http://b ad", "a target's URL is ASCII without spaces; write an international name as xn--…"),
        (
            "http://bücher.example",
            "a target's URL is ASCII without spaces; write an international name as xn--…",
        ),
        (
            "staging:8080",
            '"staging:8080" lacks its scheme: write http://staging:8080 or https://staging:8080',
        ),
        ("staging", '"staging" lacks its scheme: write http://staging or https://staging'),
        (
            "kafka:DIR",
            'unknown kind of target "kafka:"; there are http://HOST:PORT, https://HOST:PORT, recording:DIR, gor:FILE and jsonl:FILE',
        ),
        (
            "ftp://x",
            'unknown kind of target "ftp:"; there are http://HOST:PORT, https://HOST:PORT, recording:DIR, gor:FILE and jsonl:FILE',
        ),
        ("http://[fd00::1", "a target is scheme://host:port, such as http://staging.example:8080"),
    ],
)
def test_no_targets(url, said):
    with pytest.raises(ValueError) as error:  # noqa: PT011  the text is checked word by word
        split_target(url)
    assert str(error.value) == said


def test_options():
    target, options = split_target("http://staging:8080?timeout=5s&keep_host=yes")
    assert str(target) == "http://staging:8080"
    assert options == {"timeout": "5s", "keep_host": "yes"}
    with pytest.raises(ValueError, match='option "pool" is given twice'):
        split_target("http://staging?pool=1&pool=1")


@pytest.mark.parametrize(
    ("text", "address"),
    [("127.0.0.1:9095", ("127.0.0.1", 9095)), ("[::1]:0", ("::1", 0)), ("localhost:80", ("localhost", 80))],
)
def test_listen(text, address):
    assert parse_listen(text) == address


@pytest.mark.parametrize("text", ["", "9095", ":9095", "host", "host:", "host:x", "host:70000", "a/b:80"])
def test_no_listen(text):
    with pytest.raises(ValueError, match=r"expected HOST:PORT, such as 127\.0\.0\.1:9095 or 0\.0\.0\.0:9095"):
        parse_listen(text)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("8080", (LOOPBACK, 8080)),
        (":8080", (LOOPBACK, 8080)),
        ("0", (LOOPBACK, 0)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),
        ("[::1]:80", ("::1", 80)),
    ],
)
def test_a_port_alone_is_on_this_machine(text, address):
    assert parse_listen(text, host=LOOPBACK) == address
    assert Settings(ui=text).ui_address == address


@pytest.mark.parametrize("text", ["", "here", "99999", ":", "x:y", "8080 "])
def test_what_is_no_place_to_listen(text):
    with pytest.raises(ValueError, match=r"expected PORT or HOST:PORT, such as 8080 or 0\.0\.0\.0:8080"):
        parse_listen(text, host=LOOPBACK)


def test_elsewhere_a_port_alone_is_not_enough():
    with pytest.raises(ValueError, match="expected HOST:PORT"):
        parse_listen("8080")
