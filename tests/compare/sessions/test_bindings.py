"""Remembering pairs of values, for a while."""

from shadowtap.compare.sessions.bindings import Bindings


def test_values_are_found_in_their_scope() -> None:
    bindings = Bindings()
    bindings.bind("", "abc==", "xyz=", 0)
    bindings.bind("resource order", "7", "9", 0)
    assert bindings.get("", "abc", 0) == bindings.get("", "abc==", 0) == "xyz="
    assert bindings.get("resource order", "7", 0) == "9"
    assert bindings.get("resource product", "7", 0) is None
    assert bindings.get("", "7", 0) is None


def test_the_latest_counts() -> None:
    bindings = Bindings()
    bindings.bind("", "a" * 12, "old", 0)
    bindings.bind("", "a" * 12, "new", 0)
    assert bindings.get("", "a" * 12, 0) == "new"
    assert len(bindings) == 1


def test_pairs_can_be_asked_for() -> None:
    bindings = Bindings()
    bindings.bind("", "token", "other", 0)
    bindings.bind("resource order", "7", "9", 0)
    bindings.bind("cookie me cart", "7", "9", 0)
    assert ("token", "other") in bindings
    assert ("token", "third") not in bindings
    assert ("7", "9") in bindings
    bindings.bind("cookie me cart", "7", "8", 0)
    assert ("7", "9") in bindings
    bindings.bind("resource order", "7", "8", 0)
    assert ("7", "9") not in bindings
    assert 5 not in bindings


def test_number_and_age_are_bounded() -> None:
    bindings = Bindings(limit=3, idle_ns=100)
    for n in range(5):
        bindings.bind("", f"v{n}", "x", n)
    assert (len(bindings), bindings.forgotten) == (3, 2)
    assert bindings.get("", "v2", 90) == "x"
    assert bindings.get("", "v3", 150) is None
    assert bindings.get("", "v2", 150) == "x"
    bindings.bind("", "v9", "x", 180)
    assert len(bindings) == 2
