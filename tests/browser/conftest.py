"""Pages opened as a person opens them: from disk, in Debian's Chromium."""

import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def browser():
    """A browser for the tests of one file: as long as it is there, its event loop runs, and no other can be started."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if executable is None:
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@contextmanager
def watched(browser, *paths, **options):
    """A page that opens files; a message on the console, an error or a request beyond the named files is a fault."""
    context = browser.new_context(viewport={"width": 1200, "height": 1000}, **options)
    page = context.new_page()
    complaints, requests, addresses = [], [], {Path(path).as_uri() for path in paths}
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url.split("#")[0]))

    def open_file(path, view=""):
        addresses.add(path.as_uri())
        page.goto(path.as_uri() + view)
        return page

    yield open_file
    context.close()
    assert complaints == []
    assert set(requests) <= addresses


@pytest.fixture
def opened(browser):
    """Open a file, see `watched`."""
    with watched(browser) as open_file:
        yield open_file


@pytest.fixture(scope="module")
def axe(root):
    """A function that tells what the accessibility checker finds on a page."""
    script = root / ".tools" / "node_modules" / "axe-core" / "axe.min.js"
    if not script.exists():
        pytest.skip("no axe-core here: npm install --prefix .tools axe-core")

    def find(page):
        page.evaluate(script.read_text(encoding="utf-8"))
        found = page.evaluate("axe.run().then(({ violations }) => violations)")
        return [f"{fault['id']}: {node['html']}" for fault in found for node in fault["nodes"]]

    return find
