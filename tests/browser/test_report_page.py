"""The page of a report in a real browser: it loads without a complaint, its charts hold figures, filters work, it is to be
read in the dark, on a phone and on paper, a live one goes on, and nothing that is planted in a value runs."""

import json
import socket
import threading
from contextlib import suppress

import pytest

from replay.ports import free_port
from report.page import large, sample
from report.page.test_html import HOSTILE
from report.page.test_traffic import observed
from runner.traffic import Mirror, conversation, get
from shadowtap.compare import Comparison
from shadowtap.config import Settings
from shadowtap.report.page import Report, Traffic, account_from, page
from shadowtap.runner import Reporter, Runner

CONTRAST = """() => {
  const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] > 0.99) return colour;
    }
    return [255, 255, 255];
  };
  const worst = {};
  for (const one of document.querySelectorAll("body *")) {
    if (one.closest("svg, script, [hidden]") || !one.checkVisibility()) continue;
    if (![...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim())) continue;
    const [a, b] = [light(parse(getComputedStyle(one).color)), light(ground(one))].sort((x, y) => y - x);
    const name = one.tagName + "." + one.className, ratio = (a + 0.05) / (b + 0.05);
    worst[name] = Math.min(worst[name] ?? 99, ratio);
  }
  for (const one of document.querySelectorAll("svg text")) {
    const [a, b] = [light(parse(getComputedStyle(one).fill)), light(ground(one.closest("section")))].sort((x, y) => y - x);
    worst["text"] = Math.min(worst["text"] ?? 99, (a + 0.05) / (b + 0.05));
  }
  return worst;
}"""


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """The page of the small world as a file's URL."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(page(sample.report()))
    return f"file://{path}"


def written(tmp_path, report):
    path = tmp_path / "report.html"
    path.write_text(page(report))
    return f"file://{path}"


# -- a file ----------------------------------------------------------------------------------------------------------


def test_it_loads_and_asks_for_nothing_else(show, file):
    shown = show(file)
    assert shown.title() == "shadowtap report"
    assert shown.locator("section").count() == 7
    assert shown.asked == [file]


def test_charts_hold_their_figures(show, file):
    shown = show(file)
    seen = sample.report().traffic
    charts = [
        json.loads(text)
        for text in shown.eval_on_selector_all("[data-chart]", "all => all.map((one) => one.dataset.chart)")
    ]
    assert len(charts) == 5
    for chart in charts[:3]:
        assert len(chart["x"]) == len(seen.moments)
        assert all(len(values) == len(chart["x"]) for _, _, values in chart["series"])
    assert charts[0]["series"][0][2].count("–") < len(seen.moments) / 10
    shapes = shown.eval_on_selector_all(
        "svg.chart path", "all => all.map((one) => [one.getAttribute('d').length, one.getBBox().width])"
    )
    assert len(shapes) >= 9
    assert all(length > 500 and width > 500 for length, width in shapes[:2])


def test_pointing_at_a_chart_tells_what_is_there(show, file):
    shown = show(file)
    chart = shown.locator("[data-chart]").first
    box = chart.bounding_box()
    shown.mouse.move(box["x"] + box["width"] / 2, box["y"] + 60)
    tip = shown.locator(".tip")
    assert tip.is_visible()
    assert "answered 1xx–3xx" in tip.inner_text()
    assert "/s" in tip.inner_text()
    assert shown.locator(".cursor").count() == 1
    shown.mouse.move(5, 5)
    assert tip.is_hidden()


def test_filters(show, file):
    shown = show(file)
    groups = shown.locator("details.group:visible")
    whole = groups.count()
    assert whole == 5
    box = shown.get_by_label("Filter differences")
    box.fill("products body.weight")
    assert groups.count() == 1
    assert "1 of 5 groups" in shown.locator("#differences .shown").inner_text()
    box.fill("nothing like it")
    assert groups.count() == 0
    assert shown.locator("#differences .nothing").is_visible()
    box.fill("")
    shown.get_by_label("Filter by kind").select_option("json_type")
    assert groups.count() == 1
    assert "GET /prices/{id}" in groups.first.inner_text()
    shown.get_by_label("Filter endpoints").fill("post")
    assert shown.locator("#endpoints tbody tr:visible").count() == 2


def test_endpoints_are_sorted(show, file):
    shown = show(file)
    heads = shown.locator("#endpoints th[data-sort]")
    rows = shown.locator("#endpoints tbody th")
    heads.filter(has_text="Endpoint").click()
    names = rows.all_inner_texts()
    assert names == sorted(names, key=str.lower)
    heads.filter(has_text="Ratio").focus()
    shown.keyboard.press("Enter")
    assert rows.first.inner_text() == "GET /search"
    assert shown.locator("#endpoints [aria-sort=descending]").inner_text().startswith("Ratio")


def test_a_difference_opens_side_by_side(show, file):
    shown = show(file)
    group = shown.locator("details.group", has_text="body.weight")
    group.locator("summary").click()
    example = group.locator(".example").first
    sides = [side.bounding_box() for side in example.locator(".side").all()]
    assert len(sides) == 3
    assert len({round(side["y"]) for side in sides}) == 1
    assert "weight" in example.locator(".production mark").first.inner_text()
    assert example.locator(".curl pre").inner_text().startswith("curl ")
    example.get_by_text("Copy").click()
    assert example.locator(".copy").inner_text() in ("Copied", "Selected", "Copy")


def test_it_works_without_its_script(show, file):
    shown = show(file, java_script_enabled=False)
    assert shown.locator("details.group").count() == 5
    assert shown.locator(".filters:visible").count() == 0
    shown.locator("details.group summary").first.click()
    assert shown.locator(".example").first.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read(show, file, scheme):
    shown = show(file, color_scheme=scheme)
    shown.locator("details.group summary").first.click()
    shown.locator("details.counters summary").click()
    ground = shown.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(14, 17, 22)") == (scheme == "dark")
    worst = shown.evaluate(CONTRAST)
    assert len(worst) > 20
    assert {name: ratio for name, ratio in worst.items() if ratio < 4.5} == {}


def test_dark_or_light_can_be_chosen(show, file):
    shown = show(file, color_scheme="light")
    shown.get_by_role("button", name="Dark").click()
    assert shown.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(14, 17, 22)"
    shown.get_by_role("button", name="Light").click()
    assert shown.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(246, 247, 248)"


@pytest.mark.parametrize("width", [320, 390, 768])
def test_a_phone_scrolls_in_one_direction(show, file, width):
    shown = show(file, viewport={"width": width, "height": 800})
    for summary in shown.locator("details.group > summary").all():
        summary.click()
    shown.locator("details.counters summary").click()
    assert shown.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [width, width]
    smallest = shown.evaluate(
        "Math.min(...[...document.querySelectorAll('svg text')].map((one) => one.getBoundingClientRect().height))"
    )
    assert smallest > 10, "labels of charts do not shrink"


def test_paper(show, file):
    shown = show(file, color_scheme="dark")
    pdf = shown.pdf(format="A4")
    assert pdf.startswith(b"%PDF")
    pages = pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ")
    assert 3 <= pages <= 20
    shown.emulate_media(media="print", color_scheme="dark")
    assert shown.evaluate("getComputedStyle(document.body).color") == "rgb(26, 31, 38)", (
        "dark ink, whatever the screen has"
    )
    assert shown.locator("nav").is_hidden()


# -- large and hostile -----------------------------------------------------------------------------------------------


def test_a_hundred_thousand_exchanges_are_a_page_like_any_other(show, tmp_path):
    """What a browser has to do does not grow with the exchanges: octets to read, elements to show and to filter."""
    shown = show(written(tmp_path, large.report()))
    assert (tmp_path / "report.html").stat().st_size < 4_000_000
    shown.locator("#account").wait_for()
    assert shown.evaluate("document.getElementsByTagName('*').length") < 20_000
    whole = shown.locator("#differences details.group").count()
    shown.get_by_label("Filter differences").fill("endpoint7")
    assert f"of {whole} groups" in shown.locator("#differences .shown").inner_text()


def test_a_planted_script_does_not_run(show, tmp_path):
    """Neither from a value, where it is text, nor from a hole in that, where the policy forbids it."""
    attack = "</script><script>document.title='owned';alert(1)</script><img src=x onerror=\"document.title='owned'\">"
    values = attack + "".join(HOSTILE)
    shown = {"head": f"HTTP/1.1 200 OK\r\nX: {values}", "body": f'{{"a": "{attack}"}}', "status": 200}
    example = {
        "request": shown,
        "production": shown,
        "target": shown,
        "production_value": values,
        "target_value": values,
        "curl": values,
    }
    group = {"endpoint": values, "kind": values, "where": values, "answers": 1, "examples": [example]}
    findings = {
        "targets": [
            {
                "target": attack,
                "compared": 1,
                "mismatched": 1,
                "differences": [group],
                "noise_by_rule": {values: 1},
            }
        ]
    }
    traffic = Traffic()
    traffic.add(observed(path="/<script>alert(1)</script>", target=attack, fate=f"filtered: {attack}"))
    seen = traffic.seen()
    report = Report(title="fine", origin=values, account=account_from(seen), findings=findings, traffic=seen)
    page_shown = show(written(tmp_path, report))
    page_shown.locator("details.group summary").click()
    assert page_shown.title() == "fine"
    assert page_shown.evaluate("document.scripts.length") == 1
    assert "<script>" in page_shown.locator(".example").inner_text()
    box = page_shown.locator("[data-chart]").first.bounding_box()
    page_shown.mouse.move(box["x"] + 5, box["y"] + 60)
    assert page_shown.title() == "fine"


def test_the_policy_stops_what_would_get_in(show, tmp_path):
    broken = page(sample.report()).replace(
        "<main>",
        "<main><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">",
        1,
    )
    (tmp_path / "broken.html").write_text(broken)
    shown = show(f"file://{tmp_path}/broken.html", complaints=True)
    assert shown.title() == "shadowtap report"
    assert any("Content Security Policy" in text for text in shown.complaints)


# -- live ------------------------------------------------------------------------------------------------------------


class Watched:
    """A view that remembers how a run described itself."""

    def __init__(self):
        self.described = []
        self.ready = threading.Event()

    def start(self, ledger, describe):
        self.described = describe
        self.ready.set()

    def tick(self, ledger, now_ns):
        pass

    event = stop = lambda self, *_: None


@pytest.fixture
def run():
    """A run in a thread that shows itself; the mirror, and the URL of the page."""
    import asyncio

    view, loops = Watched(), []
    with Mirror(free_port(socket.SOCK_DGRAM)) as mirror:
        settings = Settings(sources=(mirror.url,), ui="0")
        comparison = Comparison()
        runner = Runner(settings, view, comparison, Reporter(settings, comparison))

        async def main():
            loops.append(asyncio.get_running_loop())
            await runner.run()

        thread = threading.Thread(target=asyncio.run, args=(main(),))
        thread.start()
        assert view.ready.wait(10)
        url = next(line for line in view.described if "http://" in line).rpartition(" ")[2]
        try:
            yield mirror, url, lambda: loops[0].call_soon_threadsafe(runner.interrupt)
        finally:
            with suppress(RuntimeError):  # it is over already
                loops[0].call_soon_threadsafe(runner.interrupt)
            thread.join(20)


def test_a_live_page_goes_on(show, run):
    from playwright.sync_api import expect

    mirror, url, interrupt = run
    shown = show(url, complaints=True)
    figure = shown.locator(".tile .figure").first
    assert shown.locator(".live").inner_text() == "live"
    assert figure.inner_text() == "0"
    mirror.send(conversation(1, [get(f"/items/{n}") for n in range(3)]))
    expect(figure).to_have_text("3", timeout=15_000)
    shown.get_by_label("Filter endpoints").fill("items")
    shown.locator("details.counters summary").click()
    mirror.send(conversation(2, [get(f"/items/{n}") for n in range(4)]))
    expect(figure).to_have_text("7", timeout=15_000)
    assert shown.get_by_label("Filter endpoints").input_value() == "items"
    assert shown.locator("details.counters").get_attribute("open") is not None
    assert shown.complaints == []
    interrupt()
    expect(shown.locator(".live")).to_have_class("live over", timeout=15_000)
    assert figure.inner_text() == "7", "what was known last stays"
