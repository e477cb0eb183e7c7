"""Records as lines of hex, whole and hostile."""

from hypothesis import given
from hypothesis import strategies as st

from formats.test_gor_records import records
from shadowtap.formats.gor import Kind, Record
from shadowtap.hooks.hexlines import MALFORMED, NOT_HEX, TOO_LONG, HexLines, line_of

# `echo "1 c5d21f907f0000014d9a7c31 1744099201503262144 0\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"`, as GoReplay sends it
SENT = (
    b"3120633564323166393037663030303030313464396137633331203137343430393932303135303332363231343420300a"
    b"474554202f20485454502f312e310d0a486f73743a20610d0a0d0a\n"
)


def read(octets, *cuts, **more):
    """Everything there is in octets that come in pieces."""
    lines, found, at = HexLines(**more), [], 0
    for cut in (*sorted(cuts), len(octets)):
        found += lines.feed(octets[at:cut])
        at = max(cut, at)
    return found + lines.finish(), dict(lines.lost)


def test_a_line_as_goreplay_sends_it():
    payload = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    record = Record(Kind.REQUEST, b"c5d21f907f0000014d9a7c31", 1744099201503262144, 0, payload)
    assert line_of(record) == SENT
    assert read(SENT) == ([record], {})


@given(st.lists(records, max_size=5), st.lists(st.integers(0, 900), max_size=5), st.booleans())
def test_pieces_and_case_and_line_ends_do_not_matter(found, cuts, windows):
    octets = b"".join(map(line_of, found))
    if windows:
        octets = octets.upper().replace(b"\n", b"\r\n")
    assert read(octets, *(min(cut, len(octets)) for cut in cuts)) == (found, {})


@given(st.lists(records, min_size=1, max_size=3))
def test_the_last_line_needs_no_end(found):
    assert read(b"".join(map(line_of, found))[:-1]) == (found, {})


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=4))
def test_hostile_octets_never_raise(octets, cuts):
    found, lost = read(octets, *(min(cut, len(octets)) for cut in cuts))
    assert len(found) + sum(lost.values()) <= octets.count(b"\n") + 1


def test_lines_that_are_no_records_are_counted():
    never = b"1 a 9999999999999999999\nGET / HTTP/1.1\r\n\r\n".hex().encode() + b"\n"
    octets = b"hello\n" + b"616\n" + b"6161\n" + b"\n\r\n" + never + SENT
    assert read(octets)[1] == {NOT_HEX: 2, MALFORMED: 2}
    assert len(read(octets)[0]) == 1


def test_a_line_that_is_too_long_is_passed_over_in_bounded_memory():
    lines = HexLines(limit_bytes=1_000)
    for _ in range(1_000):
        assert lines.feed(b"6" * 700) == []
    assert sum(map(len, lines._parts)) <= 1_000
    assert len(lines.feed(b"\n" + SENT)) == 1
    assert lines.lost == {TOO_LONG: 1}
