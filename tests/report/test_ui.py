"""The live page's server: who is answered, and with what."""

import asyncio
import json

import pytest

from report.page import sample
from shadowtap.report.page import parts
from shadowtap.report.ui import PageServer


class Asked(PageServer):
    """A server of the small world that counts how often sections are made."""

    def __init__(self, host="127.0.0.1", port=0):
        self.count = 0
        super().__init__(host, port, frame=lambda: sample.report(live=True), parts=self.make)

    async def make(self):
        """Made anew."""
        self.count += 1
        await asyncio.sleep(0)
        return parts(sample.report(live=True))


def ask(*requests, host="127.0.0.1"):
    """What a server says to each, on connections of their own at the same time, and the server."""

    async def main():
        server = Asked(host)
        await server.start()
        try:
            return await asyncio.gather(*(_say(server, request) for request in requests)), server
        finally:
            await server.close()

    return asyncio.run(main())


async def _say(server, octets):
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(octets)
    told = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    head, _, body = told.partition(b"\r\n\r\n")
    return head.decode(), body


def get(path="/", host="localhost", method="GET", more=""):
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{more}Connection: close\r\n\r\n".encode()


def test_the_page_and_its_sections():
    (page, sections), server = ask(get(), get("/parts.json?x"))
    assert page[0].startswith("HTTP/1.1 200 ")
    assert b'data-live="parts.json"' in page[1]
    assert b"GET /products/{id}" in page[1]
    assert set(json.loads(sections[1])["parts"]) == {
        "top",
        "traffic",
        "latency",
        "differences",
        "endpoints",
        "noise",
        "account",
    }
    assert server.count == 1, "sections are made once for all who ask at the same time"


def test_it_keeps_to_itself():
    (answer,), _ = ask(get())
    head = answer[0].lower()
    for field in (
        "content-security-policy: default-src 'none'; style-src 'sha256-",
        "frame-ancestors 'none'",
        "connect-src 'self'",
        "x-content-type-options: nosniff",
        "cross-origin-resource-policy: same-origin",
        "cache-control: no-store",
        "referrer-policy: no-referrer",
    ):
        assert field in head
    assert "access-control" not in head
    assert "unsafe" not in head


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:8080",
        "127.0.0.1",
        "127.0.0.1:9",
        "[::1]:8080",
        "10.0.0.7:80",
        "shop.localhost",
        "localhost.",
    ],
)
def test_names_it_answers_to(host):
    (answer,), _ = ask(get(host=host))
    assert answer[0].startswith("HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8080",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "",
        "[evil]",
        "localhost@evil",
        "1",
    ],
)
def test_a_name_that_was_made_to_point_here_is_refused(host):
    (answer,), server = ask(get("/parts.json", host=host))
    assert answer[0].startswith("HTTP/1.1 421 ")
    assert b"products" not in answer[1]
    assert server.count == 0


def test_no_name_or_two_are_refused():
    answers, _ = ask(get(more="Host: localhost\r\n"), b"GET / HTTP/1.0\r\n\r\n")
    assert [head.split(" ")[1] for head, _ in answers] in (["400", "421"], ["421", "421"])


def test_what_it_does_not_know_and_does_not_do():
    answers, _ = ask(get("/secret"), get("/../../etc/passwd"), get(method="POST"), get(method="HEAD"))
    assert [head.split(" ")[1] for head, _ in answers] == ["404", "404", "405", "200"]
    assert answers[3][1] == b""


def test_where_it_is_said_to_be():
    assert PageServer("127.0.0.1", 8080, frame=sample.report, parts=None).described.endswith(
        " http://127.0.0.1:8080/"
    )
    assert PageServer("::1", 80, frame=sample.report, parts=None).url == "http://[::1]:80/"
    assert PageServer("0.0.0.0", 80, frame=sample.report, parts=None).url == "http://127.0.0.1:80/"
