"""Pages opened as a person opens them: from disk, in Debian's Chromium."""

import json
import re
import shutil
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from test_figures_codes import unpack
from viewer_page import COUNT, build, frame_shown

from aia_sequence.figures.codes import Coding


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


@pytest.fixture(scope="session")
def viewer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("viewer")
    build(folder, 171)
    return build(folder, marks={"GOES peak": "2021-07-03T14:29:00Z"})


@pytest.fixture(scope="session")
def stored(viewer):
    """The values in the file, shape (frame, row, column), as Python reads them."""
    text = viewer[0].read_text(encoding="utf-8")
    about = json.loads(re.search(r'id="about">(.*?)</script>', text)[1])
    packed = [re.search(rf'id="frame{number}">([^<]*)', text)[1] for number in range(COUNT)]
    return np.stack([
        Coding(**frame["coding"]).decode(unpack(code, about["shape"]))
        for frame, code in zip(about["frames"], packed, strict=True)
    ])  # fmt: skip


@pytest.fixture(scope="module")
def open_page(browser, viewer):
    """The page that all tests share, see `watched`."""
    neighbour = viewer[0].parents[1] / "171" / "viewer.html"
    with watched(browser, neighbour, permissions=["clipboard-read", "clipboard-write"]) as open_file:
        page = open_file(viewer[0])
        page.wait_for_selector("body[data-ready=true]")
        yield page


@pytest.fixture
def page(open_page):
    """The shared page as it is when it is opened."""
    open_page.set_viewport_size({"width": 1200, "height": 1000})
    open_page.evaluate("play(false); for (const part of document.querySelectorAll('details')) part.open = false;")
    open_page.evaluate(
        "document.activeElement.blur(); state.from = 0; state.to = about.frames.length - 1; state.chosen = {}"
    )
    open_page.evaluate("state.limits.brightness = freshLimits(); chooseTool('pixel'); scrollTo(0, 0); restoreView('')")
    frame_shown(open_page, 0)
    return open_page
