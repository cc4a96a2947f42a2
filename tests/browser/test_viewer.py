"""The viewer as a person uses it, in a browser: plays, steps, shows what it holds, and needs nothing but its file."""

import re
from dataclasses import replace

import numpy as np
import pytest
from viewer_page import frame_shown, until


def test_arrow_keys_home_and_end_step(page):
    for key, number in (("ArrowRight", 1), ("End", 5), ("ArrowRight", 5), ("ArrowLeft", 4), ("Home", 0)):
        page.keyboard.press(key)
        frame_shown(page, number)
    assert "14:27:25" in page.locator("#clock").inner_text()
    assert "Frame 1 of 6" in page.locator("#status").text_content()


def played(page, count):
    """Numbers of the frames that follow each other when it plays."""
    step = "() => { const next = following(); if (next !== null) state.index = next; return next; }"
    return page.evaluate(f"Array.from({{ length: {count} }}, {step})")


@pytest.mark.parametrize(
    ("loop", "expected"),
    [("repeat", [1, 2, 3, 1, 2, 3]), ("swing", [1, 2, 3, 2, 1, 2]), ("once", [1, 2, 3, None, None, None])],
)
def test_a_range_of_frames_is_played_again_back_or_once(page, loop, expected):
    page.fill("#from", "2")
    page.fill("#to", "4")
    page.keyboard.press("Tab")
    page.select_option("#loop", loop)
    assert played(page, 6) == expected


def test_it_plays_and_pauses(page):
    page.select_option("#speed", "20")
    page.click("#play")
    assert page.locator("#play").get_attribute("aria-pressed") == "true"
    frame_shown(page, 3)
    frame_shown(page, 1)  # it begins again after the last frame
    page.click("#play")
    assert page.evaluate("state.playing") is False
    assert page.locator("#play").inner_text() == "Play"


def test_the_slider_and_the_light_curve_lead_to_a_frame(page):
    page.locator("#slider").fill("2")
    frame_shown(page, 2)
    box = page.locator("#curve").bounding_box()
    page.mouse.click(box["x"] + box["width"] - 22, box["y"] + 60)
    frame_shown(page, 5)
    assert page.locator("#slider").input_value() == "5"


def colours(page):
    """Mean red of the picture."""
    return page.evaluate(
        "() => { const c = document.getElementById('image'), copy = document.createElement('canvas');"
        " copy.width = c.width; copy.height = c.height;"
        " const to = copy.getContext('2d', { willReadFrequently: true }); to.drawImage(c, 0, 0);"
        " const { box } = panels(c.clientWidth, c.clientHeight)[0];"
        " const d = to.getImageData(box.x, box.y + 60, box.wide, box.high - 120).data;"
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
def test_a_curve_that_hardly_changes_has_labels_that_differ(page, viewer, mean, step):
    points = [replace(point, mean=mean + number * step) for number, point in enumerate(viewer[2])]
    page.evaluate(
        "(means) => chart($('curve'), curveTimes,"
        " about.curve.map((point, i) => ({ ...point, value: means[i] })), 'Mean (DN/s)', 6)",
        [point.mean for point in points],
    )
    labels = page.locator("#curve .rung").all_text_contents()
    values = [float(label.replace("\u2009", "")) for label in labels]
    assert len(set(labels)) == len(labels) >= 2
    np.testing.assert_allclose(np.diff(values), values[1] - values[0], rtol=1e-4)
    assert min(values) <= mean + 5 * step
    assert mean <= max(values)
    titles = page.locator("#curve .dot title").all_text_contents()
    assert len({title.split(": ")[1] for title in titles}) == (6 if step else 1)
    # The longest label keeps clear of the axis's name, which is turned and stands 13 pixels from the edge.
    lefts = page.evaluate("[...document.querySelectorAll('#curve .rung')].map(e => e.getBBox().x)")
    assert min(lefts) > 18


@pytest.mark.parametrize("limits", [[110, 190], [1000, 1004], [0, 8500]])
def test_the_brightness_scale_has_labels_that_differ_whatever_its_range(page, limits):
    labels = page.evaluate("(limits) => scaleTicks(limits, 0.04).map(([text]) => text)", limits)
    values = [float(label.replace("\u2009", "")) for label in labels]
    assert len(set(values)) == len(values) >= 3
    assert all(limits[0] <= value <= limits[1] for value in values)


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


def test_the_header_is_the_shown_frames_as_it_is_in_its_file(page):
    page.click("summary:has-text('Where this comes from')")
    for number, exposure in ((0, "0.58"), (2, "1.2")):
        page.evaluate(f"show({number})")
        until(
            page, f"document.getElementById('header').textContent.includes('O_EXPTIM=                 {exposure:>4}')"
        )
        assert re.search(r"NAXIS1 +=  +400\b", page.locator("#header").inner_text())


def test_it_says_that_the_data_are_synthetic_and_where_they_come_from(page):
    assert "not an observation of the Sun" in page.locator("header").inner_text()
    page.click("summary:has-text('Where this comes from')")
    text = page.locator("#provenance").inner_text()
    assert "All 6 frames are here, at full resolution" in text
    assert "at most half of a pixel's noise" in text


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        ("2021-07-03T14:27:25.126Z", "2021-07-03 14:27:25.13"),
        ("2021-07-03T14:27:05.129Z", "2021-07-03 14:27:05.13"),
        ("2021-07-03T14:27:59.999Z", "2021-07-03 14:27:59.99"),
        ("2021-07-03T14:27:25.1Z", "2021-07-03 14:27:25.1"),
        ("2021-07-03T14:27:25Z", "2021-07-03 14:27:25"),
    ],
)
def test_times_are_rounded_to_hundredths_of_a_second(page, time, shown):
    assert page.evaluate("time => clockOf(time)", time) == shown


def test_saturated_pixels_are_filled_outlined_or_left(page):
    edges = page.evaluate(
        "() => { const lines = [], real = Path2D;"
        " window.Path2D = function () { this.moveTo = (x, y) => lines.push([x, y]); this.lineTo = () => {}; };"
        " edgesOf([0, 0, 0, 0, 1, 1, 0, 0, 0], 3, 3); window.Path2D = real; return lines; }"
    )
    assert len(edges) == 6  # two pixels beside each other have six outer sides
    for choice in ("outline", "none", "fill"):
        page.select_option("#saturated", choice)
        until(page, f"state.saturated === '{choice}'")
