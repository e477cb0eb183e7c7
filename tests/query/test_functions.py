"""What SQL can ask beside DuckDB's own functions."""

import gzip

from record.observations import plain
from record.test_store import Writing
from shadowtap.events import Exchange, Observation, replace
from shadowtap.query import Database
from shadowtap.record import Recording


def test_header_finds_the_first_value_in_any_case(ask):
    found = ask(
        "SELECT DISTINCT header(request_head, 'HOST') AS h, header(request_head, 'nope') AS n FROM exchanges"
    )
    assert found == [{"h": "shop.example", "n": None}]


def test_content_undoes_compression_and_chunks_and_leaves_out_what_is_no_text(tmp_path):
    def coded(number, body, *lines):
        whole = plain(number)
        head = b"\r\n".join((b"HTTP/1.1 200 OK", b"Content-Type: text/plain", *lines, b"", b""))
        response = replace(whole.exchange.response, head=head, body=body)
        return Observation(Exchange(whole.exchange.request, response), "replayed", ())

    Writing(tmp_path).write(
        coded(0, gzip.compress("grüezi".encode()), b"Content-Encoding: gzip"),
        coded(1, b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b"Transfer-Encoding: chunked"),
        coded(2, b"\x00\x01\x02"),
        coded(3, b"broken", b"Content-Encoding: gzip"),
        coded(4, b"plain"),
    ).close()
    with Database(Recording(tmp_path)) as database:
        found = list(database.ask("SELECT content(response_head, response_body) FROM recorded ORDER BY time"))
    assert found == [("grüezi",), ("abcde",), (None,), (None,), ("plain",)]


def test_templates_are_learned_from_all_paths_before_the_first_is_named(tmp_path):
    words = [b"/tags/" + bytes([97 + a, 97 + b]) * 2 for a in range(20) for b in range(20)]
    Writing(tmp_path).write(*(plain(n, target=word) for n, word in enumerate(words))).close()
    with Database(Recording(tmp_path)) as database:
        found = list(database.ask("SELECT DISTINCT endpoint FROM exchanges"))
    assert found == [("/tags/{name}",)]
