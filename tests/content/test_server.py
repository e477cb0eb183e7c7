"""Rewritten bodies arrive correct at real servers: nginx, and h11 behind a socket."""

import asyncio
import gzip
import zlib

import h11
import pytest
import zstandard

from content.heads import request
from content.test_content import chunks
from replay.peer import live
from replay.ports import free_port
from replay.web import nginx
from shadowtap.content import with_content
from shadowtap.events import Request

OLD = b'{"user": {"id": 1}}'
NEW = b'{"user": {"id": "' + b"n" * 100_000 + b'"}}'
DECODERS = {
    b"": bytes,
    b"gzip": gzip.decompress,
    b"deflate": zlib.decompress,
    b"zstd": lambda octets: zstandard.ZstdDecompressor().decompress(octets),
}
ENCODERS = {
    b"": bytes,
    b"gzip": gzip.compress,
    b"deflate": zlib.compress,
    b"zstd": zstandard.ZstdCompressor().compress,
}


def put(path: bytes, octets: bytes, coding: bytes, chunked: bool) -> Request:
    """A request with a body in this dress."""
    body = chunks(ENCODERS[coding](octets), 7) if chunked else ENCODERS[coding](octets)
    framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(body)
    more = b"Content-Encoding: " + coding + b"\r\n" if coding else b""
    return request(b"PUT " + path + b" HTTP/1.1\r\nHost: shop\r\n" + more + framing + b"\r\n\r\n" + body)


DRESSES = [(coding, chunked) for coding in DECODERS for chunked in (False, True)]


@pytest.mark.parametrize(("coding", "chunked"), DRESSES)
@live
async def test_at_h11(coding, chunked):
    got: list[bytes] = []
    done = asyncio.Event()

    async def serve(reader, writer):
        connection, body = h11.Connection(h11.SERVER), b""
        while (event := connection.next_event()) is h11.NEED_DATA or type(event) is not h11.EndOfMessage:
            if event is h11.NEED_DATA:
                connection.receive_data(await reader.read(5000))
            elif type(event) is h11.Data:
                body += event.data
        got.append(body)
        writer.close()
        done.set()

    asked = put(b"/a", OLD, coding, chunked)
    changed = with_content(asked, NEW)
    assert changed is not asked
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(changed.head + changed.body)
        await done.wait()
        writer.close()
    assert DECODERS[coding](got[0]) == NEW


@live
async def _upload(port: int, asked: list[Request]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for one in asked:
        writer.write(one.head + one.body)
        assert (await reader.readuntil(b"\r\n\r\n")).split()[1] in (b"201", b"204")
    writer.close()


def test_at_nginx_over_one_connection(tmp_path):
    """nginx writes down what it received; a wrong length would break the requests behind it."""
    port = free_port()
    files = tmp_path / "files"
    files.mkdir()
    files.chmod(0o777)
    dav = f"location /up/ {{ root {files}; dav_methods PUT; create_full_put_path on; }}"
    asked = [put(b"/up/%d" % n, OLD, coding, chunked) for n, (coding, chunked) in enumerate(DRESSES)]
    with nginx(tmp_path, port, dav):
        _upload(port, [with_content(one, NEW) for one in asked])
    for n, (coding, _) in enumerate(DRESSES):
        assert DECODERS[coding]((files / "up" / str(n)).read_bytes()) == NEW
