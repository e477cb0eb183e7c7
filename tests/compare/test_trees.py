"""Differences of pages and documents."""

from hypothesis import given
from hypothesis import strategies as st

from compare.answers import HTML, XML, answer, judged, noise, said

PAGE = "<!doctype html><html><head><title>Shop</title></head><body><h1>Shop</h1><ul><li>a</li><li>b</li><li>c</li></ul></body></html>"


def both(production: str, target: str, media: str = HTML) -> list[str]:
    return said(answer(production, 200, media), answer(target, 200, media))


def test_spaces_comments_and_unclosed_tags_do_not_count() -> None:
    assert not both(
        PAGE,
        PAGE.replace("<li>", "\n  <li>\n").replace("</li>", "").replace("<body>", "<body><!-- build 17 -->"),
    )


def test_kinds_of_differences() -> None:
    assert both(PAGE, PAGE.replace("<h1>Shop", "<h1>Store")) == [
        "html_text body/html/body/h1/text: Shop ≠ Store"
    ]
    assert both(PAGE, PAGE.replace("<ul>", '<ul class="x">')) == ["html_extra body/html/body/ul/@class:  ≠ x"]
    assert both(PAGE.replace("<ul>", "<ul hidden=a>"), PAGE.replace("<ul>", "<ul hidden=b>")) == [
        "html_attribute body/html/body/ul/@hidden: a ≠ b"
    ]
    assert both(PAGE, PAGE.replace("<h1>Shop</h1>", "")) == ["html_missing body/html/body/h1: <h1>Shop ≠ "]
    assert both(PAGE, PAGE.replace("<h1>", "<p>hi</p><h1>")) == ["html_extra body/html/body/p:  ≠ <p>hi"]


def test_a_reordered_list_is_one_difference() -> None:
    moved = PAGE.replace("<li>a</li><li>b</li><li>c</li>", "<li>c</li><li>a</li><li>b</li>")
    assert both(PAGE, moved) == ["html_order body/html/body/ul: <li>a <li>b <li>c ≠ <li>c <li>a <li>b"]


def test_an_element_of_a_list_stands_for_all() -> None:
    verdict = judged(answer(PAGE, 200, HTML), answer(PAGE.replace("a</li><li>b", "x</li><li>y"), 200, HTML))
    assert [(d.where, d.times) for d in verdict.differences] == [("body/html/body/ul/li[]/text", 2)]


def test_classes_are_a_set() -> None:
    assert not both('<p class="a b">', '<p class="b  a">')


def test_json_in_a_script_is_compared_as_json() -> None:
    page = '<script type="application/json">{"user": {"id": 1, "name": "ada"}}</script>'
    assert both(page, page.replace('"ada"', "null")) == ['json_type body/script/text.user.name: "ada" ≠ null']


def test_tokens_in_forms_are_noise() -> None:
    page = '<form><input type=hidden name=csrf value="kJ8sD0aLq2ZxPw7R"></form>'
    assert noise(
        answer(page, 200, HTML), answer(page.replace("kJ8sD0aLq2ZxPw7R", "Zp3XmQ9dT1vBn5Ls"), 200, HTML)
    ) == ["html_attribute body/form/input/@value: class token"]


def test_xml() -> None:
    feed = "<feed><entry><id>1</id><title>a</title></entry><entry><id>2</id><title>b</title></entry></feed>"
    assert both(feed, feed.replace("<title>b", "<title>c"), XML) == [
        "xml_text body/feed/entry[]/title/text: b ≠ c"
    ]
    assert both(feed, feed.replace("<title>b</title>", ""), XML) == [
        "xml_missing body/feed/entry[]/title: <title>b ≠ "
    ]
    assert [line.split(" ")[0] for line in both(feed, feed[:-3], XML)] == ["xml_invalid"]


def test_xml_with_entities_is_not_compared() -> None:
    bomb = '<!DOCTYPE l [<!ENTITY a "ha">]><l>&a;%s</l>'
    assert (
        judged(answer(bomb % 1, 200, XML), answer(bomb % 2, 200, XML)).skipped
        == "body: xml that is declaring entities"
    )


pages = st.text(alphabet="<>/ab ='\"&", max_size=60)


@given(pages, pages)
def test_any_pages_are_compared(production: str, target: str) -> None:
    for media in (HTML, XML):
        verdict = judged(answer(production, 200, media), answer(target, 200, media))
        assert production != target or verdict.same
