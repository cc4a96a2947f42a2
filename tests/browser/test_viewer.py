"""The viewer as a person uses it, in a browser: plays, steps, reads true values, and needs nothing but its file."""

from dataclasses import replace

import numpy as np
import pytest
from small_frames import write_sequence

from aia_sequence.config.figure import FigureOptions
from aia_sequence.figures.measure import measure
from aia_sequence.figures.sequence import list_frames, read_picture
from aia_sequence.figures.viewer import build_viewer

REGION = {"x": [690, 990], "y": [240, 480]}
MARGIN = {"left": 56, "right": 84, "top": 8}  # of the image in its canvas, as in viewer.js


@pytest.fixture(scope="module")
def viewer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("viewer")
    manifests, _ = write_sequence(folder, 6)
    frames = list_frames(manifests)
    points, statistics = measure(frames, REGION, FigureOptions())
    options = FigureOptions(marks={"GOES peak": "2021-07-03T14:29:00Z"})
    path = folder / "viewer.html"
    build_viewer(frames, points, statistics, path, title="flare", channel=211, region=REGION, options=options)
    return path, [read_picture(frame.path, REGION) for frame in frames], points


@pytest.fixture
def page(opened, viewer):
    """The opened viewer, see `opened`."""
    page = opened(viewer[0])
    page.wait_for_selector("body[data-ready=true]")
    return page


def frame_shown(page, number):
    page.wait_for_selector(f'body[data-frame="{number}"]')


def place(page, picture, row, column):
    """Where the middle of a pixel is on the page, with the whole region in view."""
    box = page.locator("#image").bounding_box()
    rows, columns = picture.data.shape
    scale = (box["width"] - MARGIN["left"] - MARGIN["right"]) / columns
    x = box["x"] + MARGIN["left"] + (column + 0.5) * scale
    return x, box["y"] + MARGIN["top"] + (rows - row - 0.5) * scale


def test_the_value_under_the_pointer_is_level_15(page, viewer):
    pictures = viewer[1]
    for number, row, column in ((0, 5, 7), (0, 20, 24), (3, 20, 24)):
        while page.evaluate("Number(document.body.dataset.frame)") < number:
            page.keyboard.press("ArrowRight")
            page.wait_for_timeout(100)
        page.mouse.move(*place(page, pictures[number], row, column))
        page.wait_for_timeout(100)
        value = float(page.locator("#readout").get_attribute("data-value"))
        assert value == pytest.approx(pictures[number].data[row, column], rel=1.1e-3)
    left, right, bottom, top = pictures[0].extent
    text = page.locator("#readout").inner_text()
    x = left + (24 + 0.5) / 50 * (right - left)
    y = bottom + (20 + 0.5) / 40 * (top - bottom)
    assert f"x {x:.1f}″, y {y:.1f}″" in text
    assert text.endswith("DN/s")


def test_arrow_keys_home_and_end_step(page):
    frame_shown(page, 0)
    page.keyboard.press("ArrowRight")
    frame_shown(page, 1)
    page.keyboard.press("End")
    frame_shown(page, 5)
    page.keyboard.press("ArrowRight")
    frame_shown(page, 5)
    page.keyboard.press("ArrowLeft")
    frame_shown(page, 4)
    page.keyboard.press("Home")
    frame_shown(page, 0)
    assert "14:27:25" in page.locator("#clock").inner_text()
    assert "Frame 1 of 6" in page.locator("#status").inner_text()


def test_it_plays_and_pauses(page):
    page.select_option("#speed", "20")
    page.click("#play")
    assert page.locator("#play").get_attribute("aria-pressed") == "true"
    frame_shown(page, 3)
    frame_shown(page, 1)  # it begins again after the last frame
    page.click("#play")
    at = page.evaluate("document.body.dataset.frame")
    page.wait_for_timeout(300)
    assert page.evaluate("document.body.dataset.frame") == at
    assert page.locator("#play").inner_text() == "Play"


def test_the_slider_and_the_light_curve_lead_to_a_frame(page):
    page.locator("#slider").fill("2")
    frame_shown(page, 2)
    box = page.locator("#curve").bounding_box()
    page.mouse.click(box["x"] + box["width"] - 22, box["y"] + 60)
    frame_shown(page, 5)
    assert page.locator("#slider").input_value() == "5"


def test_a_pinned_pixel_has_a_history(page, viewer):
    pictures = viewer[1]
    page.mouse.click(*place(page, pictures[0], 20, 24))
    page.wait_for_selector("#history .dot")
    titles = page.locator("#history .dot title").all_text_contents()
    values = [float(title.split(": ")[1].removesuffix(" DN/s").replace("\u2009", "")) for title in titles]
    np.testing.assert_allclose(values, [picture.data[20, 24] for picture in pictures], rtol=6e-3)
    page.click("#unpin")
    assert not page.locator("#history-box").is_visible()


def test_a_pixel_can_be_named_by_its_coordinates(page, viewer):
    picture = viewer[1][0]
    left, _, bottom, _ = picture.extent
    page.fill("#probe-x", f"{left + 7.5 * 6:.2f}")
    page.fill("#probe-y", f"{bottom + 5.5 * 6:.2f}")
    page.keyboard.press("Tab")
    page.wait_for_selector("#history .dot")
    value = float(page.locator("#probe-value").get_attribute("data-value"))
    assert value == pytest.approx(picture.data[5, 7], rel=1.1e-3)
    page.fill("#probe-x", "2000")
    page.keyboard.press("Tab")
    assert "outside" in page.locator("#probe-value").inner_text()


def colours(page):
    """Mean red of the picture."""
    return page.evaluate(
        "() => { const c = document.getElementById('image'), copy = document.createElement('canvas');"
        " copy.width = c.width; copy.height = c.height;"
        " const to = copy.getContext('2d', { willReadFrequently: true }); to.drawImage(c, 0, 0);"
        " const d = to.getImageData(60, 12, c.width - 150, 300).data;"
        " let s = 0; for (let i = 0; i < d.length; i += 4) s += d[i]; return s / d.length * 4; }"
    )


def test_the_stretch_and_limits_change_the_picture_and_reset_restores_it(page):
    before = colours(page)
    page.select_option("#stretch", "linear")
    page.wait_for_timeout(100)
    assert colours(page) < before - 10
    page.select_option("#stretch", "asinh")
    page.fill("#high", "300")
    page.keyboard.press("Tab")
    page.wait_for_timeout(100)
    assert colours(page) > before + 10
    page.click("#reset-limits")
    page.wait_for_timeout(100)
    assert colours(page) == pytest.approx(before, abs=0.5)


@pytest.mark.parametrize(("mean", "step"), [(172.8, 1e-3), (172.8, 0.3), (123456, 1), (0.002, 1e-6), (250.0, 0.0)])
def test_a_curve_that_hardly_changes_has_labels_that_differ(opened, tmp_path, mean, step):
    manifests, _ = write_sequence(tmp_path, 6)
    frames = list_frames(manifests)
    points, statistics = measure(frames, REGION, FigureOptions())
    points = [replace(point, mean=mean + number * step) for number, point in enumerate(points)]
    path = tmp_path / "viewer.html"
    build_viewer(frames, points, statistics, path, title="flare", channel=211, region=REGION, options=FigureOptions())
    page = opened(path)
    page.wait_for_selector("#curve .dot")
    labels = page.locator("#curve text[text-anchor=end]").all_text_contents()
    values = [float(label.replace("\u2009", "")) for label in labels]
    assert len(set(labels)) == len(labels) >= 2
    np.testing.assert_allclose(np.diff(values), values[1] - values[0], rtol=1e-4)
    assert min(values) <= mean + 5 * step
    assert mean <= max(values)
    titles = page.locator("#curve .dot title").all_text_contents()
    assert len({title.split(": ")[1] for title in titles}) == (6 if step else 1)
    # The longest label keeps clear of the axis's name, which is turned and stands 13 pixels from the edge.
    lefts = page.evaluate("[...document.querySelectorAll('#curve text[text-anchor=end]')].map(e => e.getBBox().x)")
    assert min(lefts) > 18


@pytest.mark.parametrize("limits", [(110, 190), (1000, 1004), (0, 8500)])
def test_the_brightness_scale_has_labels_that_differ_whatever_its_range(page, limits):
    for name, value in zip(("low", "high"), limits, strict=True):
        page.fill(f"#{name}", str(value))
    page.keyboard.press("Tab")
    labels = page.evaluate(
        "() => { const seen = [], fill = context.fillText; context.fillText = (text) => seen.push(text);"
        " drawScale(geometry(), 'black'); context.fillText = fill; return seen.slice(0, -1); }"
    )
    values = [float(label.replace("\u2009", "")) for label in labels]
    assert len(set(values)) == len(values) >= 3
    assert all(limits[0] <= value <= limits[1] for value in values)


def test_zooming_keeps_the_pixel_under_the_pointer(page, viewer):
    page.mouse.move(*place(page, viewer[1][0], 20, 24))
    page.wait_for_timeout(100)
    before = page.locator("#readout").get_attribute("data-value")
    for _ in range(4):
        page.mouse.wheel(0, -100)
    page.mouse.move(*place(page, viewer[1][0], 20, 24))
    page.wait_for_timeout(200)
    assert page.locator("#readout").get_attribute("data-value") == before
    page.keyboard.press("0")
    assert page.evaluate("state.zoom") == 1


def test_dragging_pans_a_zoomed_picture(page, viewer):
    page.click("#zoom-in")
    page.click("#zoom-in")
    x, y = place(page, viewer[1][0], 20, 24)
    start = page.evaluate("state.x")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 80, y, steps=4)
    page.mouse.up()
    assert page.evaluate("state.x") > start
    assert page.evaluate("state.probe") is None


def test_the_table_explains_quality_and_its_buttons_show_frames(page, viewer):
    page.click("summary:has-text('Frames')")
    row = page.locator("#table tbody tr").nth(3)
    assert "0x00000000: nominal" in row.inner_text()
    assert "aia.lev1_euv_12s[2021-07-03T14:28:35Z][211]" in row.inner_text()
    means = page.locator("#table tbody td:nth-child(5)").all_text_contents()
    assert means == [f"{point.mean:#.6g}" for point in viewer[2]]
    row.locator("button").click()
    frame_shown(page, 3)
    assert row.get_attribute("aria-current") == "true"


def test_everything_that_can_be_operated_has_a_name(page):
    nameless = page.evaluate(
        "() => [...document.querySelectorAll('button, input, select, canvas, svg[role]')].filter(e =>"
        " !(e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') || e.textContent.trim()"
        " || (e.labels && e.labels.length))).map(e => e.id)"
    )
    assert nameless == []
    for _ in range(4):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") in ("BUTTON", "CANVAS", "INPUT", "SELECT")


def tab_to(page, name):
    """Press Tab until an element has the focus, as somebody without a mouse does."""
    for _ in range(40):
        if page.evaluate("document.activeElement.id") == name:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{name} cannot be reached with the Tab key")


def test_it_can_be_used_with_the_keyboard_alone(page, viewer):
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
    for name, start, pixels in (("probe-x", left, 7.5), ("probe-y", bottom, 5.5)):
        tab_to(page, name)
        page.keyboard.type(f"{start + 6 * pixels:.2f}")
    page.keyboard.press("Tab")
    page.wait_for_selector("#history .dot")
    value = float(page.locator("#probe-value").get_attribute("data-value"))
    assert value == pytest.approx(viewer[1][4].data[5, 7], rel=1.1e-3)


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


def test_it_says_that_the_data_are_synthetic_and_where_they_come_from(page):
    assert "not an observation of the Sun" in page.locator("header").inner_text()
    page.click("summary:has-text('Where this comes from')")
    text = page.locator("#provenance").inner_text()
    assert "All 6 frames are here, at full resolution" in text
    assert "0.1 %" in text
    assert "LVL_NUM" in page.locator("#header").inner_text()


def test_a_narrow_window_needs_no_sideways_scrolling(browser, viewer):
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto(viewer[0].as_uri())
    page.wait_for_selector("body[data-ready=true]")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()
