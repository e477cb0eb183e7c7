"""Learning which places hold values."""

from shadowtap.endpoints.tree import CANDIDATES, FREQUENT, MANY, MANY_AT_ROOT, NAME, Node


def filled(count: int, *, rooty: bool = False, hits: int = 1) -> Node:
    node = Node(rooty=rooty)
    for number in range(count):
        node.add(f"n{number}").hits = hits
    return node


def test_many_children_are_values() -> None:
    assert not filled(MANY).is_full("n0")
    assert filled(MANY + 1).is_full("n0")
    assert not filled(MANY_AT_ROOT, rooty=True).is_full("n0")
    assert filled(MANY_AT_ROOT + 1, rooty=True).is_full("n0")


def test_merging_keeps_the_hits_and_what_was_below() -> None:
    node = filled(60)
    for child in list(node.children.values())[:3]:
        child.add("reviews").hits = 5
    total = node.total()
    node.merge("")
    assert list(node.children) == [NAME]
    assert list(node.children[NAME].children) == ["reviews"]
    assert node.total() == total
    assert node.size() == 3


def test_frequent_children_stay_routes() -> None:
    node = filled(60)
    node.children["n7"].hits = FREQUENT
    node.merge("")
    assert set(node.children) == {"n7", NAME}
    assert node.known("n7") == "n7"
    assert node.known("other") == NAME


def test_files_are_merged_by_extension() -> None:
    node = Node(rooty=False)
    for number in range(60):
        node.add(f"n{number}.png")
    node.add("robots.txt")
    node.merge(".png")
    assert set(node.children) == {NAME + ".png", "robots.txt"}
    assert node.known("more.png") == NAME + ".png"
    assert node.known("more.txt") is None


def test_merging_goes_on_below_when_that_makes_many_there() -> None:
    node = filled(60)
    for number, child in enumerate(node.children.values()):
        child.add(f"deep{number}")
    node.merge("")
    assert list(node.children[NAME].children) == [NAME]


def test_a_route_is_found_among_values_that_come_once() -> None:
    node = filled(0, rooty=True)
    found = False
    for number in range(10_000):
        assert not node.turns_out_a_route(f"scan{number}")
        assert len(node.candidates) <= CANDIDATES
        found = found or (number % 8 == 0 and node.turns_out_a_route("basket"))
    assert found
