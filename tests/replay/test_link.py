"""Connections without the loop's transports: what a protocol is told, when, and what the other side gets."""

import asyncio
import weakref
from ipaddress import ip_address

from replay.peer import OK, live, serving, until
from replay.ports import free_port, silent_port
from shadowtap.events import Endpoint
from shadowtap.replay.link import Links

HERE = ip_address("127.0.0.1")


class Heard(asyncio.Protocol):
    """A protocol that notes what it is told; `on_data` is called for each piece."""

    def __init__(self, on_data=None):
        self.told: list[object] = []
        self.octets = b""
        self.on_data = on_data

    def connection_made(self, transport):
        self.told.append("made")

    def data_received(self, data):
        self.octets += data
        if self.on_data is not None:
            self.on_data()

    def eof_received(self):
        self.told.append("eof")

    def connection_lost(self, exc):
        self.told.append(type(exc).__name__)


class Bench:
    """Links, and what they tell."""

    def __init__(self):
        self.passed_over: list[int] = []
        self.ended: list[object] = []
        self.links = Links(lambda endpoint: self.passed_over.append(endpoint.port))

    def connect(self, protocol, *ports):
        """Begin to connect to one of these ports."""
        return self.links.connect(protocol, [Endpoint(HERE, port) for port in ports], self._ended)

    def _ended(self, error):
        self.ended.append(error and type(error).__name__)

    async def connected(self, protocol, *ports):
        """An open link."""
        before = len(self.ended)
        link = self.connect(protocol, *ports)
        await until(lambda: len(self.ended) > before)
        assert self.ended[-1] is None
        return link


@live
async def test_octets_go_there_and_back_until_the_other_side_closes():
    async def script(peer):
        await peer.answer()
        await peer.flush()
        peer.close()

    async with serving(script) as server:
        bench, heard = Bench(), Heard()
        link = await bench.connected(heard, server.port)
        link.write(b"GET / HTTP/1.1\r\n\r\n")
        await until(lambda: "eof" in heard.told)
        assert (heard.told, heard.octets) == (["made", "eof"], OK)
        assert link.is_closing()
        bench.links.close()


@live
async def test_what_the_kernel_has_no_room_for_is_sent_as_soon_as_it_has():
    body = bytes(range(256)) * 40_000
    head = b"PUT / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (3 * len(body))
    async with serving() as server:
        bench, heard = Bench(), Heard()
        link = await bench.connected(heard, server.port)
        for octets in (head, body, body, body):
            link.write(octets)
        assert link.get_write_buffer_size() > len(body)
        await until(lambda: heard.octets == OK)
        assert link.get_write_buffer_size() == 0
        assert server.requests == [head + 3 * body]
        link.close()


@live
async def test_an_address_that_refuses_is_passed_over():
    async with serving() as server:
        bench, refused = Bench(), free_port()
        link = await bench.connected(Heard(), refused, server.port)
        assert bench.passed_over == [refused]
        link.close()


@live
async def test_that_nothing_can_be_reached_is_told_later_and_once():
    bench = Bench()
    bench.connect(Heard())
    unspecific = bench.connect(Heard(), refused := free_port())
    assert bench.ended == []
    await until(lambda: len(bench.ended) == 2)
    unspecific.cancel()
    await asyncio.sleep(0)
    assert bench.ended == ["OSError", "ConnectionRefusedError"]
    assert bench.passed_over == [refused]


@live
async def test_an_attempt_that_is_given_up_is_told_later_and_once():
    with silent_port() as port:
        bench, heard = Bench(), Heard()
        link = bench.connect(heard, port)
        link.cancel()
        link.cancel()
        assert bench.ended == []
        await until(lambda: bench.ended)
        assert (bench.ended, bench.passed_over, heard.told) == (["TimeoutError"], [port], [])


@live
async def test_a_reset_that_sending_finds_is_told_later():
    gone = asyncio.Event()

    async def script(peer):
        peer.reset()
        gone.set()

    async with serving(script) as server:
        bench, heard = Bench(), Heard()
        link = await bench.connected(heard, server.port)
        if not link.is_closing():
            await gone.wait()
            link.write(b"too late")
        assert heard.told in (["made"], ["made", "ConnectionResetError"])
        await until(lambda: len(heard.told) == 2)
        assert heard.told[1] in ("ConnectionResetError", "BrokenPipeError")
        link.write(b"and later still")
        assert link.get_write_buffer_size() == 0


@live
async def test_who_closes_hears_nothing_more():
    async with serving() as server:
        bench, heard = Bench(), Heard()
        link = await bench.connected(heard, server.port)
        link.write(b"GET / HTTP/1.1\r\n\r\n")
        link.close()
        await until(lambda: not server.open)
        assert (heard.told, heard.octets) == (["made"], b"")


@live
async def test_a_closed_link_keeps_nobody_in_memory():
    async with serving() as server:
        bench, heard = Bench(), Heard()
        link = heard.link = await bench.connected(heard, server.port)
        known = weakref.ref(heard)
        link.close()
        del heard
        assert known() is None
        assert link.is_closing()


@live
async def test_a_number_that_is_given_again_is_not_mistaken():
    """Two links are readable at once; the first closes the second, whose number a third gets."""
    async with serving() as server:
        bench = Bench()
        heard = [Heard(), Heard()]
        links = [await bench.connected(each, server.port) for each in heard]
        third = Heard()

        def replace(other):
            number = links[other].get_extra_info("socket").fileno()
            links[other].close()
            links.append(bench.connect(third, server.port))
            assert links[-1].get_extra_info("socket").fileno() == number

        for n, each in enumerate(heard):
            each.on_data = lambda n=n: len(links) == 2 and replace(1 - n)
        for link in links:
            link.write(b"GET / HTTP/1.1\r\n\r\n")
        await until(lambda: len(server.requests) == 2)
        await until(lambda: len(bench.ended) == 3)
        assert sorted(each.octets for each in heard) == [b"", OK]
        assert (third.told, third.octets) == (["made"], b"")
        for link in links:
            link.close()


@live
async def test_links_can_be_used_again_after_they_were_closed():
    async with serving() as server:
        bench = Bench()
        for _ in range(2):
            link = await bench.connected(Heard(), server.port)
            link.close()
            bench.links.close()
            bench.links.close()
