"""The page as a whole: complete in itself, small, and nobody's but ours, whatever stands in the values."""

import os
import re
import subprocess
import sys
import zipfile
from base64 import b64encode
from hashlib import sha256
from html import unescape
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compare.world import FOUND
from report.page import large, sample
from report.page.test_html import Parsed, anything
from report.page.test_traffic import observed
from shadowtap.errors import UsageError
from shadowtap.report.page import Report, Traffic, account_from, page, parts, policy
from shadowtap.report.page.html import visible

ROOT = Path(__file__).parents[3]
SECTIONS = ["top", "traffic", "latency", "differences", "endpoints", "noise", "account"]


@pytest.fixture(scope="module")
def html():
    """The page of the small world, with planted regressions."""
    return page(sample.report())


def scripts(markup):
    return re.findall(r"<script>(.*?)</script>", markup, re.DOTALL)


def assert_sound(markup):
    """One script and one style, those of the policy; no other place where something could run or be loaded."""
    found = Parsed(markup)
    names = [name for name, _ in found.elements]
    assert names.count("script") == 1
    assert names.count("style") == 1
    assert not {"iframe", "object", "embed", "img", "link", "base", "form", "video", "image", "use"} & set(
        names
    )
    for name, attributes in found.elements:
        assert not any(
            key.startswith("on") or key in ("style", "src", "srcset", "action") for key in attributes
        ), name
        if name == "a":
            assert re.fullmatch(r"#[a-z]+", attributes["href"])
    digest = b64encode(sha256(scripts(markup)[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy(live=False)
    return found


def test_figures_of_several_targets_name_them_and_a_sample_is_told():
    targets = [
        {"target": f"http://{name}:80", "compared": 40, "mismatched": 4, "replayed": 100, "left_out": 60}
        for name in ("one", "two")
    ]
    told = Parsed(page(Report(findings={"targets": targets, "judgements": [], "noise": []}))).words
    assert "Differ, one:80" in told
    assert "Differ, two:80" in told
    assert told.count("a sample of 40 %: 60 there was no time for") == 2


def test_everything_is_on_it(html):
    found = assert_sound(html)
    said = found.words
    for words in (
        "Failed",
        "mismatch > 0.1% or p99 > 1.5x",
        "Every request is accounted for.",
        "lost_packets 3",
        "kernel drops",
        "header x-frame-options",
        "body.weight",
        "replay: bound",
        "GET /products/{id}",
        "curl -i",
    ):
        assert words in said, words
    ids = {attributes.get("id") for name, attributes in found.elements if name == "section"}
    assert ids == {"verdict", *SECTIONS[1:]}


def test_each_regression_is_a_group_and_nothing_else(html):
    keys = [attributes.get("data-key", "") for name, attributes in Parsed(html).elements if name == "details"]
    assert {tuple(key.split(" ", 3)[1:]) for key in keys if key} == {
        (endpoint.split(" ")[0], endpoint.split(" ")[1], f"{kind} {where}") for endpoint, kind, where in FOUND
    }


def test_nothing_is_loaded_from_anywhere(html):
    assert_sound(html)
    assert "default-src 'none'" in unescape(html)
    assert "url(" not in html
    assert "@import" not in html


def test_a_page_of_nothing():
    assert_sound(page(Report()))
    seen = Traffic().seen()
    assert_sound(page(Report(traffic=seen, account=account_from(seen), findings={})))


def test_a_page_of_one_exchange():
    traffic = Traffic()
    traffic.add(observed())
    seen = traffic.seen()
    assert "GET /" in page(Report(traffic=seen, account=account_from(seen)))


def test_parts_are_what_a_live_page_asks_for():
    report = sample.report()
    sections = parts(report)
    assert list(sections) == SECTIONS
    assert page(report, sections=sections) == page(report)


def test_more_of_everything_than_fits():
    """The browser's test has a hundred thousand exchanges; it is not they that make a page large."""
    report = large.report(5_000)
    html = page(report)
    print(f"{len(html.encode()) / 1e6:.2f} MB")
    assert len(html.encode()) < 5_000_000
    assert "are left out" in html
    assert_sound(html)


short = st.text(max_size=40) | anything


@given(st.data())
@settings(max_examples=40)
def test_hostile_values_anywhere(data):
    """Whatever stands in any value of account, findings and traffic, the page is sound and shows it as text."""
    draw = lambda: data.draw(short)  # noqa: E731
    mark = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
    shown = {"head": draw() + mark, "body": draw() + mark, "status": 200}
    example = {
        "request": shown, "production": shown, "target": shown, "production_value": draw() + mark,
        "target_value": draw(), "curl": draw() + mark, "latency_ns": {"production": 1},
    }  # fmt: skip
    names = {name: draw() + mark for name in ("endpoint", "kind", "where")}
    target = {
        "target": draw() + mark, "compared": 5, "mismatched": 5, "skipped": {draw(): 1}, "noise_by_rule": {draw() + mark: 3},
        "differences": [{**names, "answers": 1, "examples": [example]}], "latency_by_endpoint": {draw(): {"ratio": 2.0}}, "slower": [draw() + mark],
    }  # fmt: skip
    findings = {
        "judgements": [{"target": draw(), "condition": draw() + mark, "state": draw(), "reasons": [draw() + mark]}],
        "targets": [target, {"target": draw()}],
        "noise": [{**names, "source": draw(), "pairs": 3, "example": [draw() + mark, draw()]}],
    }  # fmt: skip
    traffic = Traffic()
    traffic.add(
        observed(
            path="/" + "<script>alert(1)</script>", target=draw() + mark, fate=f"filtered: {draw()}{mark}"
        )
    )
    seen = traffic.seen()
    account = {
        **account_from(seen),
        "sources": [draw() + mark],
        "exit_reason": draw() + mark,
        "imbalances": [draw() + mark],
    }
    html = page(
        Report(
            title=draw() + mark,
            origin=draw() + mark,
            notes=(draw() + mark,),
            account=account,
            findings=findings,
            traffic=seen,
        )
    )
    html.encode()
    assert visible(mark) in assert_sound(html).words


@pytest.mark.parametrize(
    "findings", [{"targets": 5}, {"judgements": [1]}, {"targets": [{"compared": "many"}]}]
)
def test_what_is_no_findings_is_refused(findings):
    with pytest.raises(UsageError, match="these are no findings"):
        page(Report(findings=findings))


def test_what_is_no_account_is_refused():
    with pytest.raises(UsageError, match="this is no account"):
        page(Report(account={"requests": 5}))


def test_a_wheel_brings_style_and_script_along(tmp_path):
    """What pip installs has the files that the page is made with."""
    if find_spec("Cython") is None:
        pytest.skip("Cython is not installed; scripts/setup test installs it")
    code = f"from setuptools.build_meta import build_wheel; print(build_wheel({str(tmp_path)!r}))"
    built = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "SHADOWTAP_PURE": "1"},
        cwd=ROOT,
    )
    wheel = tmp_path / built.stdout.split()[-1]
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(tmp_path / "installed")
    made = "from shadowtap.report.page import Report, page; print(len(page(Report())))"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "installed")}
    told = subprocess.run(
        [sys.executable, "-c", made],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        cwd=tmp_path,
    )
    assert int(told.stdout) > 10_000
