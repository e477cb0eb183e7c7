"""Requests and answers of every shape HTTP/1 allows, and cut into packets as no parser likes it."""

import socket
import struct

import pytest
from exactness import assert_exact

from lab import Lab, chunked, get, post, replicate


def test_first_segment_of_seven_bytes(lab: Lab) -> None:
    with replicate(lab) as running, running.connect() as connection:
        for n in range(5):
            request = get(f"/{n}")
            connection.ask(request[:7], request[7:])
        assert_exact(running.finish())


def test_cut_at_every_byte(lab: Lab) -> None:
    whole = post("/every", b"name=value")
    with replicate(lab) as running, running.connect() as connection:
        connection.ask(*(whole[i : i + 1] for i in range(len(whole))))
        for at in range(1, len(whole)):
            request = post(f"/{at:03}", b"name=value")
            connection.ask(request[:at], request[at:])
        assert_exact(running.finish())


def test_a_url_over_several_segments(lab: Lab) -> None:
    with replicate(lab) as running, running.connect() as connection:
        for n in range(3):
            connection.ask(get(f"/{n}?{'q' * 7000}"))
        connection.ask(get("/with-cookie", f"Cookie: {'c' * 6000}"))
        assert_exact(running.finish())


def test_pipelining(lab: Lab) -> None:
    with replicate(lab) as running, running.connect() as connection:
        connection.send(b"".join(get(f"/in-one-segment/{n}") for n in range(10)))
        for _ in range(10):
            connection.answer()
        burst = b"".join(post(f"/over-segments/{n}", b"b" * 700) for n in range(40))
        connection.send(burst[:5000], burst[5000:])
        for _ in range(40):
            connection.answer()
        connection.send(get("/head", method="HEAD") + chunked("/chunked", [b"one", b"two"]) + get("/last"))
        for bodiless in (True, False, False):
            connection.answer(bodiless=bodiless)
        assert_exact(running.finish())


def test_chunked_uploads(lab: Lab) -> None:
    pieces = [b"x" * 1000, b"0\r\n\r\n", b"\0" * 3000, b"GET / HTTP/1.1\r\n\r\n", b"end 0\r\n"]
    with replicate(lab) as running, running.connect() as connection:
        connection.ask(chunked("/plain", pieces))
        connection.ask(chunked("/trailers", pieces, "Checksum: 1234", "X-Other: two"))
        undeclared = chunked("/undeclared", pieces)
        connection.ask(undeclared[:-2] + b"Surprise: yes\r\n\r\n")
        request = chunked("/segment-a-chunk", pieces)
        connection.ask(*(request[i : i + 500] for i in range(0, len(request), 500)))
        connection.ask(chunked("/large", [b"y" * 65536] * 16))
        connection.ask(chunked("/empty", []))
        connection.ask(get("/after"))
        assert_exact(running.finish())


def test_expect_continue(lab: Lab) -> None:
    with replicate(lab) as running, running.connect() as connection:
        for n in range(3):
            request = post(f"/{n}", b"u" * 3000, "Expect: 100-continue")
            end = request.find(b"\r\n\r\n") + 4
            connection.send(request[:end])
            assert connection.answer().startswith(b"HTTP/1.1 100")
            connection.send(request[end:])
            assert connection.answer().startswith(b"HTTP/1.1 200")
        connection.ask(get("/after"))
        assert_exact(running.finish())


@pytest.mark.parametrize("method", ["HEAD", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "M-SEARCH", "brew"])
def test_methods(lab: Lab, method: str) -> None:
    with replicate(lab) as running, running.connect() as connection:
        connection.ask(get(f"/{method}?bytes=500", method=method))
        connection.ask(post("/body", b"content", method=method))
        connection.ask(get("/after"))
        assert_exact(running.finish())


def test_answers_of_every_shape(lab: Lab) -> None:
    with replicate(lab) as running:
        with running.connect() as connection:
            for n, wanted in enumerate(
                ["status=204", "status=304", "status=404&bytes=0", "status=500&as=chunked", "bytes=100000"]
            ):
                connection.ask(get(f"/{n}?{wanted}"))
                connection.ask(get(f"/{n}?{wanted}", method="HEAD"))
            connection.ask(get("/until-close?bytes=50000&as=close"))
        with running.connect() as connection:
            connection.ask(get("/http-1.0", version="1.0") + b"")
        result = running.finish()
    assert_exact(result)
    assert result.ledger["production"]["statuses"]["404"] == 2


def test_headers_are_left_alone(lab: Lab) -> None:
    odd = [
        "hOsT-like: kept",
        "X-Twice: one",
        "x-TWICE: two",
        "Empty:",
        "No-Space:value",
        "Trailing: space \t",
        "Latin: caf\xe9",
        "Accept-Encoding: br",
        "Cookie: a=b; c=d",
        "Authorization: Basic c2VjcmV0",
    ]
    with replicate(lab) as running, running.connect() as connection:
        connection.ask(get("/headers", *odd))
        connection.ask(get("http://other.example/absolute?q=1"))
        connection.ask(get("/host-last").replace(b"Host: shop.example\r\n", b"A: b\r\nHOST:shop.example\r\n"))
        result = running.finish()
    assert_exact(result)


def test_half_closed_and_reset_clients(lab: Lab) -> None:
    with replicate(lab) as running:
        for n in range(5):
            with running.connect() as connection:
                connection.ask(get(f"/half-closed/{n}"))
                connection.send(get(f"/then/{n}"))
                connection.socket.shutdown(socket.SHUT_WR)
                connection.answer()
            connection = running.connect()
            connection.ask(get(f"/reset/{n}"))
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        assert_exact(running.finish())


def test_an_upload_that_its_client_gives_up(lab: Lab) -> None:
    with replicate(lab) as running:
        with running.connect() as connection:
            connection.ask(get("/before"))
            connection.send(post("/given-up", b"g" * 100_000)[:30_000])
        with running.connect() as connection:
            connection.ask(get("/other"))
        running.production.wait_for_records(3)
        result = running.finish(lambda production, _: sum(record.whole for record in production))
    assert sorted(r.start_line.split()[1] for r in result.target) == ["/before", "/other"]
    assert result.requests["incomplete"] == {"closed_early": 1}
    assert (result.requests["seen"], result.requests["replayed"]) == (3, 2)
    assert result.ledger["balanced"] is True
