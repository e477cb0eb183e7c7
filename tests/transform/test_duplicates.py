"""The same packets at both ends of a connection: each request is replayed once, and none is lost."""

from ipaddress import ip_address

from hypothesis import given, settings
from hypothesis import strategies as st

from shadowtap.events import Connection, Endpoint, Fault, Request, replace
from shadowtap.transform.duplicates import RECENT, WINDOW_NS, Duplicates

CLIENT = Endpoint(ip_address("10.0.8.9"), 40_000)
SERVER = Endpoint(ip_address("10.0.1.20"), 80)
FRONT, BACK = Connection(1, CLIENT, SERVER, 7), Connection(2, CLIENT, SERVER, 8)
MS = 1_000_000


def seen(connection, begin, time_ns=0, what=b"/", fault=None, index=0) -> Request:
    """A request at a place in its stream."""
    head = b"GET " + what + b" HTTP/1.1\r\n\r\n"
    head = head[:9] if fault else head
    return Request(
        connection, index, time_ns, time_ns, b"GET", what, b"1.1", head, b"", False, (), fault, begin % 2**32
    )


def kept(duplicates, *requests):
    """Those that are not duplicates."""
    return [request for request in requests if not duplicates.is_duplicate(request)]


def test_the_second_copy_is_a_duplicate_whichever_is_first():
    for first, second in ((FRONT, BACK), (BACK, FRONT)):
        duplicates = Duplicates()
        one, two = seen(first, 100), seen(second, 100, 3 * MS)
        assert kept(duplicates, one, two) == [one]
        assert duplicates.found == 1


def test_the_same_request_twice_on_one_connection_is_two_requests():
    duplicates = Duplicates()
    asked = [seen(FRONT, 100), seen(FRONT, 118), seen(FRONT, 136)]
    copies = [seen(BACK, 100), seen(BACK, 118), seen(BACK, 136)]
    assert kept(duplicates, *asked, *copies) == asked


def test_the_complete_copy_wins_though_the_incomplete_one_comes_first():
    duplicates = Duplicates()
    broken, whole, late = seen(FRONT, 100, fault=Fault.GAP), seen(BACK, 100), seen(FRONT, 100)
    assert kept(duplicates, broken, whole) == [broken, whole]
    assert (duplicates.found, duplicates.recovered) == (0, 1)
    assert kept(duplicates, late) == []


def test_an_incomplete_copy_behind_a_complete_one_is_a_duplicate():
    duplicates = Duplicates()
    whole, broken = seen(FRONT, 100), seen(BACK, 100, fault=Fault.GAP)
    assert kept(duplicates, whole, broken) == [whole]


def test_other_octets_at_the_same_place_are_another_request():
    duplicates = Duplicates()
    asked = [seen(FRONT, 100, what=b"/a"), seen(BACK, 100, what=b"/b")]
    assert kept(duplicates, *asked) == asked


def test_the_same_network_never_makes_duplicates():
    duplicates = Duplicates()
    again = Connection(3, CLIENT, SERVER, 7)
    asked = [seen(FRONT, 100), seen(again, 100)]  # the same capture played twice
    assert kept(duplicates, *asked) == asked
    for vni in (None, 7):
        duplicates, one = Duplicates(), Connection(4, CLIENT, SERVER, vni)
        asked = [seen(one, 100), seen(one, 100)]
        assert kept(duplicates, *asked) == asked


def test_with_and_without_a_network():
    duplicates = Duplicates()
    bare = Connection(2, CLIENT, SERVER, None)
    one, two = seen(FRONT, 100), seen(bare, 100)
    assert kept(duplicates, one, two) == [one]


def test_after_two_windows_it_is_another_request():
    for wait_ns, count in ((WINDOW_NS, 1), (2 * WINDOW_NS + 2, 2)):
        duplicates = Duplicates()
        start_ns = 10**18
        other = Connection(9, CLIENT._replace(port=9), SERVER, 7)
        assert kept(duplicates, seen(other, 1, start_ns))
        asked = [seen(FRONT, 100, start_ns + 1), seen(BACK, 100, start_ns + 1 + wait_ns)]
        assert len(kept(duplicates, *asked)) == count


def test_a_port_that_is_used_again_is_another_connection():
    duplicates = Duplicates()
    again = [Connection(3, CLIENT, SERVER, 7), Connection(4, CLIENT, SERVER, 8)]
    assert kept(duplicates, seen(FRONT, 100), seen(BACK, 100)) == [seen(FRONT, 100)]
    duplicates.ended(1)
    assert kept(duplicates, seen(again[0], 100, MS)) == [seen(again[0], 100, MS)]
    assert kept(duplicates, seen(again[1], 100, MS), seen(BACK, 118)) == [seen(BACK, 118)]
    assert (duplicates.lane(3), duplicates.lane(4), duplicates.lane(2)) == (3, 3, 1)


def test_where_the_place_is_not_known_nothing_is_a_duplicate():
    duplicates = Duplicates()
    asked = [replace(seen(each, 100), begin=-1) for each in (FRONT, BACK)]
    assert kept(duplicates, *asked) == asked


def test_copies_share_the_lane_of_the_first_until_the_last_ends():
    duplicates = Duplicates()
    kept(duplicates, seen(BACK, 100), seen(FRONT, 100))
    assert (duplicates.lane(1), duplicates.lane(2), duplicates.lane(99)) == (2, 2, 99)
    assert duplicates.ended(2) is None
    assert duplicates.lane(1) == 2
    assert duplicates.ended(1) == 2
    assert duplicates.ended(99) == 99


def test_a_copy_that_comes_after_the_end_of_the_first_is_still_one():
    duplicates = Duplicates()
    kept(duplicates, seen(FRONT, 100))
    assert duplicates.ended(1) == 1
    assert kept(duplicates, seen(BACK, 100, MS)) == []
    assert duplicates.ended(2) == 1


def test_as_long_as_there_is_one_network_little_is_remembered():
    """What came lately is a duplicate in the second network, and from then on everything is remembered."""
    duplicates = Duplicates()
    first = [seen(FRONT, n) for n in range(RECENT + 100)]
    assert kept(duplicates, *first) == first
    assert not duplicates._young
    late = [seen(BACK, n) for n in range(RECENT + 100)]
    assert kept(duplicates, *late) == late[:100]
    assert kept(duplicates, *first[:100]) == []


def test_memory_is_given_back():
    duplicates = Duplicates(limit=10)
    kept(duplicates, seen(FRONT, 0), seen(BACK, 1))
    duplicates.ended(1)
    duplicates.ended(2)
    for n in range(1000):
        one = Connection(n, Endpoint(CLIENT.address, n), SERVER, 7)
        kept(duplicates, seen(one, n, n * MS))
        duplicates.ended(n)
        assert len(duplicates._young) + len(duplicates._old) <= 21
    assert duplicates.cut_short == 90
    assert kept(duplicates, seen(FRONT, 1, 3 * WINDOW_NS))
    left = (duplicates._young, duplicates._old, duplicates._of, duplicates._by_ends, duplicates._ended)
    assert [len(each) for each in left] == [1, 0, 1, 1, 0]


@st.composite
def mirrored(draw):
    """Requests of some connections, each mirrored once or twice with losses, the copies in any order of arrival.
    Gives (what really was asked and came complete at least once, the sightings)."""
    streams, asked = [], set()
    for c in range(draw(st.integers(1, 3))):
        client = Endpoint(CLIENT.address, 1000 + c)
        count, begin, places = draw(st.integers(1, 5)), draw(st.integers(0, 2**32 - 1)), []
        for _ in range(count):
            what = draw(st.sampled_from([b"/a", b"/b"]))
            places.append((begin % 2**32, what))
            begin += 19
        for copy in range(draw(st.integers(1, 2))):
            connection = Connection(
                2 * c + copy, client, SERVER, draw(st.sampled_from([5, None])) if not copy else 6
            )
            stream = []
            for begin_, what in places:
                fate = draw(st.sampled_from(["whole", "whole", "broken", "lost"]))
                if fate != "lost":
                    fault = Fault.GAP if fate == "broken" else None
                    stream.append(seen(connection, begin_, draw(st.integers(0, 90)) * MS, what, fault))
                if fate == "whole":
                    asked.add((client, begin_))
            streams.append(stream)
    order = draw(st.permutations([n for n, stream in enumerate(streams) for _ in stream]))
    sightings = [iter(stream) for stream in streams]
    return asked, [next(sightings[n]) for n in order]


@settings(deadline=None)
@given(mirrored())
def test_everything_that_came_complete_is_replayed_once(made):
    asked, sightings = made
    duplicates = Duplicates()
    fates = [(request, duplicates.is_duplicate(request)) for request in sightings]
    replayed = [(r.connection.client, r.begin) for r, duplicate in fates if not duplicate and r.fault is None]
    assert sorted(map(str, replayed)) == sorted(map(str, asked))
    assert duplicates.found == sum(duplicate for _, duplicate in fates)
    incomplete = sum(not duplicate and r.fault is not None for r, duplicate in fates)
    assert len(sightings) == len(replayed) + incomplete + duplicates.found
    assert duplicates.recovered <= incomplete


@settings(deadline=None)
@given(mirrored())
def test_the_requests_of_a_connection_share_one_lane(made):
    duplicates, lanes = Duplicates(), {}
    for request in made[1]:
        duplicates.is_duplicate(request)
        lanes.setdefault(request.connection.client, set()).add(duplicates.lane(request.connection.number))
    assert all(len(found) == 1 for found in lanes.values())
