"""One headless Chromium for all tests of pages, driven from outside. It asks nobody on the network for anything."""

import shutil

import pytest

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"]  # fmt: skip
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="package")
def browser():
    """The browser, with a profile of its own that is thrown away."""
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("there is no Chromium; scripts/setup test installs it")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        pytest.skip("playwright is not installed; scripts/setup test installs it")
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=program, args=FLAGS)
        yield started
        started.close()


class Shown:
    """A page in a window of its own, and everything that it complained about."""

    def __init__(self, context, url):
        self.complaints = []
        self.asked = []
        self.page = context.new_page()
        self.page.on(
            "console",
            lambda said: self.complaints.append(said.text) if said.type in ("error", "warning") else None,
        )
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on(
            "dialog", lambda dialog: (self.complaints.append(f"dialog: {dialog.message}"), dialog.dismiss())
        )
        self.page.goto(url)

    def __getattr__(self, name):
        return getattr(self.page, name)


@pytest.fixture
def show(browser):
    """Shows a URL or an HTML text; at the end nothing may have complained."""
    contexts, shown = [], []

    def one(url, *, complaints=False, **window):
        context = browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | window))
        contexts.append(context)
        found = Shown(context, url)
        if not complaints:
            shown.append(found)
        return found

    yield one
    told = [found.complaints for found in shown]
    for context in contexts:
        context.close()
    assert not any(told), told
