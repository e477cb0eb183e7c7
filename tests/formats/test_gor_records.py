"""Records as bytes: one, and a stream of them, whole and broken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowtap.formats.gor.records import (
    HEAD_LIMIT_BYTES,
    MALFORMED,
    SEPARATOR,
    TOO_LARGE,
    Kind,
    Record,
    Splitter,
    encode,
    parse,
)

ID = b"9c401f9006025a0312345678"
NOON_NS = 1_795_608_000 * 10**9

ids = st.binary(min_size=1, max_size=30).map(lambda octets: octets.hex().encode())
times = st.integers(10**15, 2**62 - 1)
payloads = st.binary(max_size=80).filter(lambda octets: SEPARATOR not in b"\n" + octets + SEPARATOR[:-1])
kinds = st.sampled_from(Kind)
records = st.builds(Record, kinds, ids, times, st.integers(-1, 10**15 - 1), payloads)
streams = st.lists(records, max_size=6)


def split(octets, *cuts, **more):
    """Everything a splitter finds in octets that come in pieces, and what it lost."""
    splitter = Splitter(**more)
    found, at = [], 0
    for cut in (*sorted(cuts), len(octets)):
        found += splitter.feed(octets[at:cut])
        at = max(cut, at)
    return found + splitter.finish(), dict(splitter.lost)


def written(found):
    """A file."""
    return b"".join(encode(record) + SEPARATOR for record in found)


@given(records)
def test_what_is_encoded_is_parsed(record):
    assert parse(encode(record)) == record


@given(streams, st.lists(st.integers(0, 700), max_size=8))
def test_pieces_do_not_matter(found, cuts):
    octets = written(found)
    assert split(octets, *(min(cut, len(octets)) for cut in cuts)) == (found, {})


@given(streams.filter(bool))
def test_the_last_record_needs_no_separator(found):
    assert split(written(found)[: -len(SEPARATOR)]) == (found, {})


@given(streams.filter(bool), st.integers(2, len(SEPARATOR) - 1))
def test_a_separator_that_is_cut_is_not_payload(found, left):
    whole = written(found)
    assert split(whole[: len(whole) - len(SEPARATOR) + left]) == (found, {})


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=4))
def test_hostile_octets_never_raise(octets, cuts):
    found, lost = split(octets + SEPARATOR + octets, *cuts)
    assert len(found) + sum(lost.values()) <= 2 + 2 * octets.count(SEPARATOR[1:-1])


@given(streams, st.lists(st.binary(max_size=30).map(lambda o: b"9 " + o.replace(b"\xf0", b"")), max_size=3))
def test_malformed_records_are_counted_and_cost_nothing_else(found, bad):
    octets = b"".join(encode(record) + SEPARATOR + b"".join(b + SEPARATOR for b in bad) for record in found)
    assert split(octets) == (found, {MALFORMED: len(found) * len(bad)} if found and bad else {})


@pytest.mark.parametrize(
    ("head", "record"),
    [
        (b"1 %b 1795608000000000001" % ID, (1, ID, NOON_NS + 1, -1)),
        (b"1 %b 1795608000000000001 1500" % ID, (1, ID, NOON_NS + 1, 1500)),
        (b"2 %b 1795608000000000001 1500 more" % ID, (2, ID, NOON_NS + 1, 1500)),
        (b"1 1 1", (1, b"1", 1, -1)),
        (
            b"1 932079936fa4306fc308d67588178d17d823647c 1439818823587396305",
            (1, None, 1439818823587396305, -1),
        ),
        # GoReplay 1: the round trip in front of the time
        (b"3 %b 2000000 1795608000000000001" % ID, (3, ID, NOON_NS + 1, 2_000_000)),
        # older: a duration alone
        (b"3 %b 1231" % ID, (3, ID, 0, 1231)),
        (b"2 %b 2782013" % ID, (2, ID, 0, 2_782_013)),
        (b"1 %b 1795608000000000001 -1" % ID, (1, ID, NOON_NS + 1, -1)),
        (b"1 %b 1795608000000000001\r" % ID, (1, ID, NOON_NS + 1, -1)),
    ],
)
def test_head_lines_of_all_versions(head, record):
    kind, name, time_ns, latency_ns = record
    found = parse(head + b"\nGET / HTTP/1.1\r\n\r\n")
    assert found.payload == b"GET / HTTP/1.1\r\n\r\n"
    assert (found.kind, found.time_ns, found.latency_ns) == (kind, time_ns, latency_ns)
    assert name is None or found.id == name


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"1",
        b"1 %b" % ID,
        b"1 %b soon" % ID,
        b"4 %b 1795608000000000001" % ID,
        b"1  1795608000000000001",
        b"GET / HTTP/1.1",
        b"1 %b 99999999999999999999" % ID,
        b"1 %b 9999999999999999999" % ID,
        b"1 %b 1795608000000000001 9223372036854775807" % ID,
        b"2 %b 4611686018427387904 1" % ID,
        b"1 %b 1" % (b"f" * HEAD_LIMIT_BYTES),
    ],
)
def test_head_lines_that_are_none(head):
    assert parse(head + b"\nGET / HTTP/1.1\r\n\r\n") is None


def test_a_head_line_without_its_end_is_none():
    assert parse(b"1 %b 1795608000000000001" % ID) is None


def test_a_separator_in_a_payload_cuts_it_and_the_rest_is_malformed():
    octets = (
        b"1 a 1\nPOST / HTTP/1.1\r\n\r\nx" + SEPARATOR + b"and more" + SEPARATOR + b"1 b 2\nGET" + SEPARATOR
    )
    found, lost = split(octets)
    assert [record.id for record in found] == [b"a", b"b"]
    assert lost == {MALFORMED: 1}


def test_a_separator_that_nothing_stands_in_front_of():
    found, lost = split(SEPARATOR[1:] + b"1 a 1\nGET" + SEPARATOR + SEPARATOR + b"1 b 2\nGET" + SEPARATOR)
    assert [record.id for record in found] == [b"a", b"b"]
    assert lost == {}


def test_empty_lines_at_the_end_are_no_record():
    assert split(b"1 a 1\nGET" + SEPARATOR + b"\n\r\n") == ([Record(Kind.REQUEST, b"a", 1, -1, b"GET")], {})


def test_a_record_that_is_too_large_is_passed_over_in_bounded_memory():
    splitter = Splitter(limit_bytes=1_000)
    assert splitter.feed(b"1 a 1\nfirst" + SEPARATOR + b"1 b 2\n") != []
    for _ in range(100):
        assert splitter.feed(b"x" * 900) == []
        assert splitter.held_bytes < 2_000
    assert [record.id for record in splitter.feed(SEPARATOR + b"1 c 3\nlast" + SEPARATOR)] == [b"c"]
    assert splitter.finish() == []
    assert splitter.lost == {TOO_LARGE: 1}


def test_a_record_that_is_too_large_at_the_end():
    assert split(b"1 b 2\n" + b"x" * 2_000, limit_bytes=1_000) == ([], {TOO_LARGE: 1})
    assert split(b"1 b 2\n" + b"x" * 2_000 + SEPARATOR, limit_bytes=1_000) == ([], {TOO_LARGE: 1})
