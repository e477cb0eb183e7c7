"""JSON by its structure, and agreement with an independent library (deepdiff) on generated pairs."""

import math
from typing import Any

import pytest
from deepdiff import DeepDiff
from hypothesis import given
from hypothesis import strategies as st

from compare.answers import JSON, answer, judged, said
from shadowtap.compare import Rules, make_rules
from shadowtap.compare.differences import Differences
from shadowtap.compare.expected import Circumstances
from shadowtap.compare.json_body import NotJson, compare_json, equal, parse_json
from shadowtap.events import Exchange, Outcome


class Noted(Differences):
    """Differences with their exact paths, and none put together."""

    def __init__(self) -> None:
        outcome: Outcome = judged_outcome()
        super().__init__(Circumstances(Exchange(None, None), outcome, Rules()))
        self.noted: list[tuple[str, tuple[str | int, ...], object, object]] = []

    def in_body(self, kind, path, production, target, root="body"):
        self.noted.append((kind, path, production, target))


def judged_outcome() -> Outcome:
    from compare.answers import outcome, request

    return outcome(request(), answer(""))


def differences(production: Any, target: Any) -> list[tuple[str, tuple[str | int, ...], object, object]]:
    found = Noted()
    compare_json(production, target, found)
    return found.noted


def both(production: Any, target: Any, **more: object) -> list[str]:
    return said(answer(production), answer(target), **more)


def test_kinds_of_differences() -> None:
    assert both({"a": 1, "b": "x", "c": 0}, {"a": "1", "b": "y", "d": None}) == [
        'json_type body.a: 1 ≠ "1"',
        "json_value body.b: x ≠ y",
        "json_extra body.d:  ≠ null",
        "json_missing body.c: 0 ≠ ",
    ]


def test_one_place_is_one_difference_however_often() -> None:
    verdict = judged(answer([{"p": n} for n in range(9)]), answer([{"p": n + 50} for n in range(9)]))
    assert [(d.kind, d.where, d.times) for d in verdict.differences] == [("json_value", "body[].p", 9)]


def test_true_is_not_one_and_one_is_one_point_zero() -> None:
    assert both({"a": True, "b": 1}, {"a": 1, "b": 1.0}) == ["json_type body.a: true ≠ 1"]
    assert both({"n": {"a": True}, "m": 1}, {"n": {"a": 1}, "m": 2}) == [
        "json_type body.n.a: true ≠ 1",
        "json_value body.m: 1 ≠ 2",
    ]


def test_a_reordered_list_is_one_difference() -> None:
    names = [{"name": c, "size": n} for n, c in enumerate("abcdefgh")]
    assert [line.split(":")[0] for line in both(names, names[::-1])] == ["json_order body"]
    assert [line.split(":")[0] for line in both([3, 1, 2], [1, 2, 3])] == ["json_order body"]
    assert [line.split(":")[0] for line in both([[3], [1]], [[1], [3]])] == ["json_order body"]


def test_elements_with_keys_are_found_wherever_they_are() -> None:
    before = [{"id": 1, "p": 1}, {"id": 2, "p": 2}, {"id": 3, "p": 3}]
    after = [{"id": 3, "p": 3}, {"id": 1, "p": 9}, {"id": 2, "p": 2}]
    assert [line.split(":")[0] for line in both(before, after)] == ["json_order body", "json_value body[].p"]
    assert both(before, before[1:]) == ["json_length body: 3 elements ≠ 2 elements"]


def test_an_element_put_in_between_leaves_the_others_alone() -> None:
    assert both([1, 2, 3, 4], [1, 9, 2, 3, 4]) == ["json_length body: 4 elements ≠ 5 elements"]
    assert both(
        [{"a": 1, "b": 2}, {"a": 3, "b": 4}], [{"a": 9, "b": 9}, {"a": 1, "b": 2}, {"a": 3, "b": 5}]
    ) == [
        "json_length body: 2 elements ≠ 3 elements",
        "json_value body[].b: 4 ≠ 5",
    ]


def test_elements_that_were_replaced_are_compared_in_pairs() -> None:
    assert both([{"a": 1, "b": 2}], [{"a": 1, "b": 3}]) == ["json_value body[].b: 2 ≠ 3"]
    assert both([1, 2, 3], [1, 5, 3]) == ["json_value body[]: 2 ≠ 5"]


def test_keys_that_are_identifiers_are_one_place() -> None:
    assert both({"4": {"n": 1}, "17": {"n": 1}}, {"4": {"n": 2}, "17": {"n": 3}}) == [
        "json_value body.{id}.n: 1 ≠ 2"
    ]
    assert both({"u1": {"100": 1}}, {"u1": {"200": 1}}) == ["json_key body.u1.{id}: 100 ≠ 200"]


def test_lists_whose_order_means_nothing() -> None:
    rules = make_rules(unordered=["body.tags"])
    verdict = judged(answer({"tags": ["a", "b", "c"]}), answer({"tags": ["c", "a", "b"]}), rules=rules)
    assert [(d.kind, rule) for d, rule in verdict.noise] == [("json_order", "unordered body.tags")]
    assert not verdict.differences
    assert both({"tags": ["a", "b", "c"]}, {"tags": ["c", "x", "b"]}, rules=rules) == [
        "json_value body.tags[]: a ≠ x"
    ]


def test_of_a_key_that_is_there_twice_the_last_counts() -> None:
    assert judged(answer(b'{"a":1,"a":2}', 200, JSON), answer({"a": 2})).same


@pytest.mark.parametrize(
    "text",
    [
        "123456789012345678901234567890",
        "1e400",
        "-1e400",
        "NaN",
        "Infinity",
        "1E5",
        "0.1000000000000000055",
        "9" * 5000,
    ],
)
def test_odd_numbers_never_raise(text: str) -> None:
    odd = answer(f'{{"n": {text}}}'.encode(), 200, JSON)
    spaced = answer(f'{{ "n": {text} }}'.encode(), 200, JSON)
    assert judged(odd, spaced).same or text == "9" * 5000
    assert judged(odd, answer({"n": 1})).differences


def test_no_json_on_one_side_is_a_difference_and_on_both_a_text() -> None:
    assert [d.kind for d in judged(answer({"a": 1}), answer(b"{oops", 200, JSON)).differences] == [
        "json_invalid"
    ]
    assert said(answer(b"{oops 1", 200, JSON), answer(b"{oops x", 200, JSON)) == [
        "text_value body lines: {oops 1 ≠ {oops x"
    ]


@pytest.mark.parametrize("depth", [90, 150, 900, 1100, 10_000, 500_000])
def test_depth_never_raises(depth: int) -> None:
    deep = answer(b"[" * depth + b"1" + b"]" * depth, 200, JSON)
    other = answer(b"[" * depth + b"2" + b"]" * depth, 200, JSON)
    assert judged(deep, deep).same
    verdict = judged(deep, other)
    assert verdict.differences or verdict.skipped in (
        "body: json that is deeper than can be read",
        "body: json that is deeper than can be compared",
    )
    objects = [b'{"a":' * depth + n + b"}" * depth for n in (b"1", b"2")]
    assert not judged(answer(objects[0], 200, JSON), answer(objects[1], 200, JSON)).same


def test_json_lines() -> None:
    kind = "application/x-ndjson"
    assert said(answer(b'{"a":1}\n{"a":2}\n', 200, kind), answer(b'{"a":1}\n{"a":3}\n', 200, kind)) == [
        "json_value body[].a: 2 ≠ 3"
    ]


def test_parsing_says_why_not() -> None:
    for text in (b"", b"{", b"[1,]", b"\xff", b'"\xff'):
        with pytest.raises(NotJson):
            parse_json(text)


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([0.5, 1.5]),
    st.sampled_from(["", "a", "b", "1"]),
)
keys = st.sampled_from("abcdefg")
trees = st.recursive(scalars, lambda inner: st.dictionaries(keys, inner, max_size=4), max_leaves=12)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.dictionaries(keys, inner, max_size=4), st.lists(inner, max_size=4)),
    max_leaves=15,
)


class Truth(str):
    """A boolean for deepdiff, which would take it for a number."""

    __slots__ = ()


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return Truth(value) if isinstance(value, bool) else value


def oracle(production: Any, target: Any, **more: object) -> DeepDiff:
    return DeepDiff(
        plain(production), plain(target), ignore_numeric_type_changes=True, threshold_to_diff_deeper=0, verbose_level=2, view="tree", **more
    )  # fmt: skip


@given(trees, trees)
def test_objects_agree_with_deepdiff_path_by_path(production: Any, target: Any) -> None:
    names = {
        "dictionary_item_added": "json_extra",
        "dictionary_item_removed": "json_missing",
        "type_changes": "json_type",
        "values_changed": "json_value",
    }
    expected = {
        (names[kind], tuple(level.path(output_format="list")))
        for kind, levels in oracle(production, target).items()
        for level in levels
    }
    assert {(kind, path) for kind, path, _, _ in differences(production, target)} == expected


@given(values, values)
def test_anything_agrees_with_deepdiff_on_whether_there_is_a_difference(production: Any, target: Any) -> None:
    assert bool(differences(production, target)) == bool(oracle(production, target))
    assert equal(production, target) == (not oracle(production, target))


@given(st.lists(values, max_size=5).flatmap(lambda a: st.tuples(st.just(a), st.permutations(a))))
def test_an_order_alone_agrees_with_deepdiff(pair: tuple[list[Any], list[Any]]) -> None:
    production, target = pair
    found = differences(production, list(target))
    assert not oracle(production, list(target), ignore_order=True)
    assert {kind for kind, *_ in found} <= {"json_order"}
    assert bool(found) == (not equal(production, list(target)))


@given(
    st.lists(trees, min_size=1, max_size=5).flatmap(
        lambda a: st.tuples(st.just(a), st.integers(0, len(a) - 1), trees)
    )
)
def test_one_element_of_an_array_agrees_with_deepdiff_path_by_path(drawn: tuple[list[Any], int, Any]) -> None:
    production, at, other = drawn
    target = [*production[:at], other, *production[at + 1 :]]
    names = {
        "dictionary_item_added": "json_extra",
        "dictionary_item_removed": "json_missing",
        "type_changes": "json_type",
        "values_changed": "json_value",
    }
    expected = {
        (names[kind], tuple(level.path(output_format="list")))
        for kind, levels in oracle(production, target).items()
        for level in levels
    }
    assert {(kind, path) for kind, path, _, _ in differences(production, target)} == expected


def patched(production: Any, found: list[tuple[str, tuple[str | int, ...], object, object]]) -> Any:
    """Production's value with the differences made good, where they are not of arrays."""
    value = {"root": production}
    for kind, path, _, target in found:
        at, last = value, "root"
        for step in path:
            at, last = at[last], step  # type: ignore[index,assignment]
        if kind == "json_missing":
            del at[last]
        else:
            at[last] = target
    return value["root"]


@given(trees, trees)
def test_the_differences_lead_from_one_to_the_other(production: Any, target: Any) -> None:
    found = differences(production, target)
    if not any(math.isnan(v) for v in (production, target) if isinstance(v, float)):
        copy = parse_json(__import__("json").dumps(production).encode())
        assert equal(patched(copy, found), target)


@given(trees, trees)
def test_both_ways_round_are_alike(production: Any, target: Any) -> None:
    mirrored = {"json_missing": "json_extra", "json_extra": "json_missing"}
    there = sorted((kind, path) for kind, path, *_ in differences(production, target))
    back = sorted((mirrored.get(kind, kind), path) for kind, path, *_ in differences(target, production))
    assert there == back


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_any_octets_are_compared(production: bytes, target: bytes) -> None:
    for media in (JSON, "application/x-ndjson"):
        verdict = judged(answer(production, 200, media), answer(target, 200, media))
        assert verdict.same or verdict.differences or verdict.skipped
        if production == target:
            assert verdict.same
