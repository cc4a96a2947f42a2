"""The viewer by mouse, fingers, keyboard and screen reader, in windows of any size, by links, beside other channels."""

import re

import pytest
from conftest import watched
from viewer_page import drag, frame_shown, place, until


def test_zooming_keeps_the_pixel_under_the_pointer(page):
    x, y = place(page, 20, 24)
    page.mouse.move(x, y)
    before = page.locator("#readout").get_attribute("data-value")
    for _ in range(4):
        page.mouse.wheel(0, -100)
    until(page, "state.zoom > 2.4")
    page.mouse.move(x, y)
    assert page.locator("#readout").get_attribute("data-value") == before
    page.keyboard.press("0")
    assert page.evaluate("state.zoom") == 1


def test_dragging_and_the_keyboard_move_a_zoomed_picture(page):
    page.click("#zoom-in")
    page.click("#zoom-in")
    x, y = place(page, 20, 24)
    drag(page, (x, y), (x - 40, y), (x - 80, y))
    moved = page.evaluate("state.x")
    assert moved > 0
    assert page.evaluate("state.shape") is None
    page.keyboard.press("Shift+ArrowLeft")
    assert page.evaluate("state.x") < moved
    assert page.evaluate("state.index") == 0


def tab_to(page, name):
    """Press Tab until an element has the focus, as somebody without a mouse does."""
    for _ in range(60):
        if page.evaluate("document.activeElement.id") == name:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{name} cannot be reached with the Tab key")


def test_it_can_be_used_with_the_keyboard_alone(page, viewer, stored):
    page.keyboard.press("Space")
    assert page.locator("#play").inner_text() == "Pause"
    page.keyboard.press("Space")
    assert page.locator("#play").inner_text() == "Play"
    tab_to(page, "last")
    page.keyboard.press("Enter")
    frame_shown(page, 5)
    tab_to(page, "slider")
    page.keyboard.press("ArrowLeft")
    frame_shown(page, 4)
    page.keyboard.press("+")
    assert page.evaluate("state.zoom") == 1.5
    tab_to(page, "stretch")
    page.keyboard.press("l")
    assert page.locator("#stretch").input_value() == "log"
    left, _, bottom, _ = viewer[1][4].extent
    tab_to(page, "points")
    page.keyboard.type(f"{left + 45:.2f},{bottom + 33:.2f}")
    page.keyboard.press("Tab")
    page.wait_for_selector("#measured .dot")
    value = float(page.locator("#measured-value").get_attribute("data-value"))
    assert value == pytest.approx(stored[4, 5, 7], rel=1e-6)


def test_a_screen_reader_is_told_what_is_shown(page):
    page.keyboard.press("ArrowRight")
    frame_shown(page, 1)
    told = page.locator("body").aria_snapshot()
    words = "Frame 2 of 6, 2021-07-03 14:27:49.09 UTC, exposure 0.830 s"
    for line in (
        '- heading "flare SDO/AIA 211 Å" [level=1]',
        "SYNTHETIC DATA",
        f'- img "flare, SDO/AIA 211 Å. {words}"',
        '- button "Next frame"',
        '- slider "Frame": "1"',
        '- combobox "Stretch"',
        '- spinbutton "Black DN/s"',
        '- img "Light curve of the region"',
        f"- status: {words}",
    ):
        assert line in told, f"{line} is not in:\n{told}"
    assert page.locator("#slider").get_attribute("aria-valuetext") == words


def test_a_link_restores_the_view(page):
    page.select_option("#kind", "ratio")
    page.check("#grid")
    page.check("#tool-box")
    drag(page, place(page, 10, 8), place(page, 18, 15), place(page, 25, 30))
    page.evaluate("show(3)")
    page.click("#zoom-in")
    page.click("#copy-link")
    until(page, "document.getElementById('status').textContent.includes('copied')")
    link = page.evaluate("navigator.clipboard.readText()").split("#")[1]
    points = "state.shape.points.map((point) => point.map(rounded))"
    kept = f"JSON.stringify([state.index, state.zoom, state.kind, state.grid, state.shape.tool, {points}])"
    before = page.evaluate(kept)
    page.evaluate("restoreView('')")
    until(page, "state.index === 0 && state.shape === null && state.kind === 'brightness'")
    page.evaluate("(link) => restoreView(link)", link)
    page.wait_for_selector("#measured .dot")
    assert page.evaluate(kept) == before


@pytest.mark.parametrize(
    "link",
    [
        "zoom=x",
        "time=never",
        "kind=nonsense&base=-7",
        "box=1,2;a,b",
        "slit=1,1;1,1",
        "second=999&show=side",
        "limits=5,1",
        "%",
    ],
)
def test_a_link_that_makes_no_sense_shows_a_fresh_view(page, link):
    page.evaluate("(link) => restoreView(link)", link)
    frame_shown(page, 0)
    assert page.evaluate("viewText().replace(/slit=[^&]*/, '')") == ""


def test_another_channel_is_seen_beside_this_one(page):
    page.evaluate("show(2)")
    page.select_option("#second", "171")
    until(page, "state.show === 'side' && state.second?.shown")
    other = page.evaluate("Array.from(state.second.shown.numbers).slice(0, 5)")
    frame = page.evaluate("state.second.about.frames[2].record")
    assert frame.endswith("[171]")
    assert page.evaluate("panels(800, 500).map((panel) => panel.sequence.about.channel)") == [211, 171]
    page.mouse.move(*place(page, 0, 0, panel=1))
    assert float(page.locator("#readout").get_attribute("data-value")) == pytest.approx(other[0], rel=1e-6)
    for show in ("divided", "second", "blink"):
        page.select_option("#show", show)
        until(page, f"state.show === '{show}'")
    page.select_option("#show", "first")
    page.keyboard.press("b")
    assert page.evaluate("shown().map(({ sequence }) => sequence.about.channel)") == [171]
    page.keyboard.press("b")
    assert page.evaluate("shown().map(({ sequence }) => sequence.about.channel)") == [211]


def test_a_channel_whose_viewer_is_not_there_is_said_to_be_missing(browser, viewer, tmp_path):
    alone = tmp_path / "figures" / "211" / "viewer.html"
    alone.parent.mkdir(parents=True)
    alone.write_bytes(viewer[0].read_bytes())
    page = browser.new_page()
    page.goto(alone.as_uri())
    page.wait_for_selector("body[data-ready=true]")
    page.select_option("#second", "171")
    until(page, "document.getElementById('message').textContent.startsWith('There is no')")
    assert page.locator("#message").inner_text() == "There is no viewer of 171 Å beside this file."
    assert page.locator("#second").input_value() == ""
    page.close()


@pytest.mark.parametrize("show", ["side", "divided", "second"])
def test_a_link_brings_the_second_channel_along(page, show):
    page.evaluate("state.second = null; opened.clear()")
    # The window may be drawn anew before the other page has answered.
    page.evaluate(f"{{ const done = restoreView('second=171&show={show}'); draw(); done; }}")
    until(page, f"state.show === '{show}' && Boolean(state.second?.shown)")
    assert page.evaluate("shown().some(({ sequence }) => sequence.about.channel === 171)")


def test_other_channels_pages_open_with_the_same_view(page):
    page.evaluate("show(4)")
    page.click("#zoom-in")
    until(page, "document.querySelector('a.channel').hash.includes('zoom=1.5')")
    link = page.locator("a.channel").get_attribute("href")
    assert re.search(r"171/viewer\.html#time=2021-07-03T14:29:01\.09Z&zoom=1\.5$", link)


SIZES = [(390, 844), (1280, 640), (1920, 1080)]


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_image_and_light_curve_are_in_the_window_at_once(page, width, height):
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_timeout(100)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for name in ("#image", "#play", "#curve"):
        box = page.locator(name).bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= height
    if width < 400:
        assert page.evaluate("panels(canvas.clientWidth, canvas.clientHeight)[0].box.wide") == width


def test_the_image_is_as_large_as_the_window_lets_it(page):
    page.set_viewport_size({"width": 1280, "height": 640})
    page.wait_for_timeout(100)
    scale = page.evaluate("panels(canvas.clientWidth, canvas.clientHeight)[0].scale")
    assert 240 * scale > 0.6 * 640


def test_two_fingers_zoom_and_move(browser, viewer):
    with watched(browser, has_touch=True) as open_file:
        page = open_file(viewer[0])
        page.wait_for_selector("body[data-ready=true]")
        x, y = place(page, 20, 25)
        touch = page.context.new_cdp_session(page)

        def fingers(kind, *points):
            touch.send(
                "Input.dispatchTouchEvent",
                {"type": kind, "touchPoints": [{"x": px, "y": py, "id": n} for n, (px, py) in enumerate(points)]},
            )

        fingers("touchStart", (x - 40, y), (x + 40, y))
        for reach in (50, 60, 80):
            fingers("touchMove", (x - reach, y), (x + reach, y))
        assert page.evaluate("state.zoom") == pytest.approx(2, rel=0.02)
        fingers("touchMove", (x - 50, y), (x + 110, y))
        assert page.evaluate("state.x") < -1
        fingers("touchEnd")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_accessibility_checker_finds_nothing(page, axe, scheme):
    page.emulate_media(color_scheme=scheme)
    page.check("#tool-slit")
    page.fill("#points", "700,250 800,300")
    page.keyboard.press("Tab")
    page.wait_for_selector("#distance:visible")
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true;")
    for width, height in SIZES[:2]:
        page.set_viewport_size({"width": width, "height": height})
        assert axe(page) == []
