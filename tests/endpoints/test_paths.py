"""From request targets to segments."""

from hypothesis import given
from hypothesis import strategies as st

from shadowtap.endpoints.paths import MAX_DEPTH, path_of, segments


def read(target: bytes) -> tuple[list[str], bool]:
    return segments(path_of(target))


def test_query_fragment_and_parameters_are_left_away() -> None:
    assert read(b"/a/b;jsessionid=1F?x=/y#z") == (["a", "b"], False)


def test_absolute_urls_lose_scheme_and_host() -> None:
    assert read(b"https://shop.example:8443/a/b?q") == (["a", "b"], False)
    assert read(b"http://shop.example") == ([], False)


def test_slashes_in_a_row_are_one_and_the_last_one_counts() -> None:
    assert read(b"//a///b/") == (["a", "b"], True)
    assert read(b"/") == ([], False)


def test_percent_encoding_has_one_spelling() -> None:
    assert read(b"/%61%2f%c3%a9")[0] == read("/a%2Fé".encode())[0] == ["a%2F%C3%A9"]


def test_no_path_looks_like_a_template() -> None:
    assert read(b"/{id}")[0] == ["%7Bid%7D"]


def test_deep_paths_are_cut() -> None:
    found, _ = read(b"/a" * 1000)
    assert found == ["a"] * MAX_DEPTH + ["**"]


@given(st.binary(max_size=300))
def test_segments_are_printable_and_have_no_slash(target: bytes) -> None:
    for segment in read(target)[0]:
        assert segment
        assert segment.isascii()
        assert segment.isprintable()
        assert "/" not in segment
