"""GoReplay's files: one or many, plain or packed, whole or cut."""

import gzip
import io
import os
import sys
import tracemalloc

import pytest

from formats.test_gor_join import answers, asks, name
from shadowtap.errors import RunError
from shadowtap.events import Exchange, Request
from shadowtap.formats.gor import GorFiles, encode
from shadowtap.formats.gor.files import SORTED
from shadowtap.formats.gor.records import SEPARATOR

# As `gor --input-raw :80 --input-raw-track-response --output-file` of GoReplay 2 writes it.
GOREPLAY_2 = (
    b"1 c5d21f907f0000014d9a7c31 1744099201503262144 0\n"
    b"GET /index.html?x=1 HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n"
    b"\n\xf0\x9f\x90\xb5\xf0\x9f\x99\x88\xf0\x9f\x99\x89\n"
    b"2 c5d21f907f0000014d9a7c31 1744099201503862144 125000\n"
    b"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nContent-Length: 3\r\n\r\nok\n"
    b"\n\xf0\x9f\x90\xb5\xf0\x9f\x99\x88\xf0\x9f\x99\x89\n"
    b"1 c5d21f907f0000014d9a7f02 1744099201603262144 20000\n"
    b"POST /orders HTTP/1.1\r\nHost: localhost:8080\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na=1\r\n0\r\n\r\n"
    b"\n\xf0\x9f\x90\xb5\xf0\x9f\x99\x88\xf0\x9f\x99\x89\n"
    b"3 c5d21f907f0000014d9a7f02 1744099201604000000 1500000\n"
    b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"
    b"\n\xf0\x9f\x90\xb5\xf0\x9f\x99\x88\xf0\x9f\x99\x89\n"
)
# From GoReplay's own documentation of version 0.14.
GOREPLAY_0 = (
    b"1 d7123dasd913jfd21312dasdhas31 127345969\n"
    b"GET / HTTP/1.1\r\n\r\n"
    b"\n\xf0\x9f\x90\xb5\xf0\x9f\x99\x88\xf0\x9f\x99\x89\n"
    b"POST /upload HTTP/1.1\r\nContent-Length: 7\r\nHost: www.w3.org\r\n\r\na=1&b=2\n"
    b"\n\xf0\x9f\x90\xb5\xf0\x9f\x99\x88\xf0\x9f\x99\x89\n"
    b"1 932079936fa4306fc308d67588178d17d823647c 1439818823587396305\nGET /c HTTP/1.1\r\nHost: a\r\n\r\n"
)


def write(path, *records):
    """A file; its path as text."""
    octets = b"".join(encode(record) + SEPARATOR for record in records)
    path.write_bytes(gzip.compress(octets) if path.suffix == ".gz" else octets)
    return str(path)


def paths(files):
    """The requests of files, in the order in which they come."""
    return [m.target.decode() for found in files.messages() for m in found if isinstance(m, Request)]


def test_a_file_of_goreplay_2(tmp_path):
    path = tmp_path / "requests.gor"
    path.write_bytes(GOREPLAY_2)
    files = GorFiles(str(path))
    first, second = files.observations()
    assert files.lost == {}
    assert (first.exchange.request.target, first.exchange.response.body) == (b"/index.html?x=1", b"ok\n")
    assert first.exchange.response.end_ns - first.exchange.response.time_ns == 125_000
    assert str(first.exchange.request.connection.client) == "127.0.0.1:50642"
    assert first.exchange.request.connection.server.port == 8080
    assert second.exchange.request.connection is first.exchange.request.connection
    assert second.exchange.request.index == 1
    assert second.exchange.request.chunked
    assert [(o.status, o.elapsed_ns) for o in second.outcomes] == [(201, 1_500_000)]


def test_a_file_of_an_old_goreplay(tmp_path):
    path = tmp_path / "requests.gor"
    path.write_bytes(GOREPLAY_0)
    files = GorFiles(str(path))
    assert paths(files) == ["/", "/c"]
    assert files.lost == {"malformed_record": 1}


def test_several_files_are_merged_by_time(tmp_path):
    write(tmp_path / "a_1.gor", asks(b"/1", at=1), asks(b"/4", at=4), asks(b"/6", at=6))
    write(tmp_path / "a_2.gor.gz", asks(b"/2", at=2), asks(b"/5", at=5))
    other = write(tmp_path / "b.gor", asks(b"/3", at=3))
    files = GorFiles(str(tmp_path / "a_*"), other)
    assert paths(files) == ["/1", "/2", "/3", "/4", "/5", "/6"]
    assert files.progress() == 1
    assert files.stopped is None


def test_records_are_sorted_within_a_window(tmp_path):
    path = write(
        tmp_path / "a.gor", *(asks(b"/%d" % at, at=at, id=name(ack=at)) for at in reversed(range(SORTED)))
    )
    assert paths(GorFiles(path)) == [f"/{at}" for at in range(SORTED)]


def test_a_response_without_a_time_keeps_its_place(tmp_path):
    path = write(
        tmp_path / "a.gor", asks(b"/a"), answers()._replace(time_ns=0, latency_ns=9), asks(b"/b", at=2)
    )
    kinds = [type(message) for found in GorFiles(path).messages() for message in found]
    assert kinds[:3] == [Request, Exchange, Request]


def test_a_pattern_that_is_a_file_is_that_file(tmp_path):
    write(tmp_path / "a[1].gor", asks(b"/this"))
    write(tmp_path / "a1.gor", asks(b"/other"))
    assert paths(GorFiles(str(tmp_path / "a[1].gor"))) == ["/this"]


def test_a_file_that_two_patterns_name_is_read_once(tmp_path):
    path = write(tmp_path / "a.gor", asks(b"/a"))
    assert paths(GorFiles(path, str(tmp_path / "*"))) == ["/a"]


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_that_is_cut_gives_everything_before_the_cut(tmp_path, packed):
    path = tmp_path / ("a.gor.gz" if packed else "a.gor")
    write(
        path,
        *(asks(b"/%d" % at, at=at, lines=b"X: %b\r\n" % os.urandom(400).hex().encode()) for at in range(99)),
    )
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    files = GorFiles(str(path))
    found = [m for batch in files.messages() for m in batch if isinstance(m, Request)]
    assert 40 <= len(found) <= 51
    assert all(request.fault is None for request in found[:-1])
    assert (files.stopped is not None) == packed


def test_a_packed_file_that_is_corrupt_says_where(tmp_path):
    path = tmp_path / "a.gor.gz"
    octets = bytearray(gzip.compress(os.urandom(2_000)))
    octets[1_000:1_100] = bytes(100)
    path.write_bytes(octets)
    files = GorFiles(str(path))
    assert paths(files) == []
    assert str(path) in files.stopped


def test_members_of_gzip_one_after_the_other(tmp_path):
    path = tmp_path / "a.gor.gz"
    members = [gzip.compress(encode(asks(b"/%d" % at, at=at)) + SEPARATOR) for at in range(3)]
    path.write_bytes(b"".join(members) + bytes(512))
    assert paths(GorFiles(str(path))) == ["/0", "/1", "/2"]


def test_a_packed_file_without_the_ending_in_its_name(tmp_path):
    path = tmp_path / "a.gor"
    path.write_bytes(gzip.compress(GOREPLAY_2))
    assert paths(GorFiles(str(path))) == ["/index.html?x=1", "/orders"]


def test_a_pipe(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(GOREPLAY_2)))
    files = GorFiles("-")
    assert paths(files) == ["/index.html?x=1", "/orders"]
    assert files.progress() is None


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(RunError, match="no such file"):
        GorFiles(str(tmp_path / "*.gor"))
    with pytest.raises(RunError, match="cannot be read: Is a directory"):
        GorFiles(str(tmp_path))


def test_an_empty_file(tmp_path):
    path = tmp_path / "a.gor"
    path.write_bytes(b"")
    assert paths(GorFiles(str(path))) == []


def test_memory_is_bounded_whatever_the_length(tmp_path):
    path = tmp_path / "a.gor.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for at in range(400):
            body = bytes(200_000)
            octets = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
            file.write(encode(asks(at=at)._replace(payload=octets)) + SEPARATOR)
    tracemalloc.start()
    try:
        count = sum(isinstance(m, Request) for found in GorFiles(str(path)).messages() for m in found)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 400
    assert peak < 110 << 20  # 64 MiB that wait for answers, 16 MiB that are sorted; the file is 80 MB
