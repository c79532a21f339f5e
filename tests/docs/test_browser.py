"""The site in a headless browser: no errors, nothing from the network, mathematics, search, pages that fit a phone."""

import functools
import http.server
import shutil
import threading

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Nothing but the pages: browsers ask their makers for news.
OPTIONS = [
    "--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-quic", "--disable-sync",
]  # fmt: skip


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words):
        pass


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright to look at the site with")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"none of {', '.join(BROWSERS)} is there to look at the site with")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=path, args=OPTIONS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def address(site):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def tab(browser):
    """A tab as wide as a phone, and what went wrong in it."""
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.wrong = []
    page.on("console", lambda message: page.wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.on("requestfailed", lambda request: page.wrong.append(f"lost {request.url}") if lost(request) else None)
    yield page
    page.close()


def lost(request):
    """Whether a request failed; one that the next page cut short did not."""
    return request.failure != "net::ERR_ABORTED"


def found(tab, word):
    """The titles and texts that a search finds."""
    tab.set_viewport_size({"width": 1280, "height": 900})
    tab.get_by_role("textbox", name="Search").click()
    tab.keyboard.type(word)
    results = tab.locator(".md-search-result__item")
    results.first.wait_for(timeout=20_000)
    return " ".join(results.all_inner_texts()).lower()


def test_every_page_opens_without_an_error_from_its_own_site_alone_and_fits_a_phone(tab, address, site):
    asked, wide = set(), []
    tab.on("request", lambda request: asked.add(request.url))
    for path in sorted(site.rglob("*.html")):
        tab.goto(f"{address}/{path.relative_to(site)}")
        if tab.evaluate("document.documentElement.scrollWidth") > 390:
            wide.append(path.name)
    assert tab.wrong == []
    assert [url for url in asked if not url.startswith((address, "data:"))] == []
    assert wide == []


def test_formulas_are_shown_as_mathematics(tab, address):
    tab.goto(f"{address}/explanation/two_tokens.html")
    fraction = tab.locator("math[display=block] mfrac").first.bounding_box()
    assert fraction["height"] > 20
    # A raised exponent stands higher than its base.
    base, exponent = (tab.locator("math msup").first.locator("> *").nth(i).bounding_box() for i in (0, 1))
    assert exponent["y"] < base["y"]


def test_search_answers_catalecticant(tab, address):
    tab.goto(f"{address}/index.html")
    assert "glossary" in found(tab, "catalecticant")
    assert tab.wrong == []


def test_search_answers_in_a_site_that_is_opened_from_its_folder(tab, site):
    tab.goto((site / "explanation" / "method.html").as_uri())
    assert "glossary" in found(tab, "catalecticant")
    assert tab.wrong == []


def test_notebooks_show_their_pictures(tab, address):
    for name in ("theorist", "engineer", "teacher"):
        tab.goto(f"{address}/notebooks/{name}.html")
        widths = tab.evaluate("[...document.querySelectorAll('article img')].map(image => image.naturalWidth)")
        assert len(widths) >= 3
        assert min(widths) > 400
