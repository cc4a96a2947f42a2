"""Pages opened as a person opens them: from disk, in Debian's Chromium."""

import shutil

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


@pytest.fixture
def opened(browser):
    """Open a file; a message on the console, an error or a request beyond the file fails the test."""
    page = browser.new_page(viewport={"width": 1200, "height": 1000})
    complaints, requests, addresses = [], [], []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))

    def open_file(path):
        addresses.append(path.as_uri())
        page.goto(path.as_uri())
        return page

    yield open_file
    page.close()
    assert complaints == []
    assert requests == addresses
