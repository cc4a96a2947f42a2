"""The viewer as a person uses it, in a browser: plays, steps, reads true values, and needs nothing but its file."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from conftest import watched
from small_frames import write_sequence
from test_figures_codes import unpack

from aia_sequence.config.figure import FigureOptions
from aia_sequence.figures.codes import Coding
from aia_sequence.figures.measure import measure
from aia_sequence.figures.sequence import list_frames, read_picture
from aia_sequence.figures.viewer import build_viewer

REGION = {"x": [690, 990], "y": [240, 480]}
COUNT = 6


def build(folder, channel=211, change=lambda points: points, count=COUNT, **options):
    """Make the viewer of a channel in its place in an event's folder."""
    manifests, _ = write_sequence(folder, count, channel=channel, noise=0.5)
    frames = list_frames(manifests)
    points, statistics = measure(frames, REGION, FigureOptions())
    path = folder / "figures" / str(channel) / "viewer.html"
    path.parent.mkdir(parents=True)
    options = FigureOptions(**options)
    about = {"title": "flare", "channel": channel, "channels": [171, 211], "region": REGION, "options": options}
    build_viewer(frames, change(points), statistics, path, **about)
    return path, [read_picture(frame.path, REGION) for frame in frames], points


@pytest.fixture(scope="module")
def viewer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("viewer")
    build(folder, 171)
    return build(folder, marks={"GOES peak": "2021-07-03T14:29:00Z"})


@pytest.fixture(scope="module")
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


def frame_shown(page, number):
    page.wait_for_selector(f'body[data-frame="{number}"]')


def until(page, condition):
    """Wait until a condition holds; the page's policy lets playwright's own way of asking again and again not run."""
    for _ in range(300):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(condition)


def place(page, row, column, panel=0):
    """Where the middle of a pixel of the region is on the page."""
    box = page.locator("#image").bounding_box()
    x, y = page.evaluate(
        "([x, y, n]) => { const p = panels(canvas.clientWidth, canvas.clientHeight)[n]; return [p.toX(x), p.toY(y)]; }",
        [6 * (column + 0.5) - 150, 6 * (row + 0.5) - 120, panel],
    )
    return box["x"] + x, box["y"] + y


def numbers(page, index):
    """The numbers of the shown kind of picture, as the page has them."""
    found = page.evaluate(
        f"pictureOf(first, {index}).then(({{ numbers }}) => Array.from(numbers, (v) => isNaN(v) ? null : v))"
    )
    return np.array(found, float).reshape(40, 50)


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=2e-6, atol=1e-4)


def test_the_value_under_the_pointer_is_level_15(page, viewer, stored):
    for number, row, column in ((0, 5, 7), (0, 20, 24), (3, 20, 24)):
        page.evaluate(f"show({number})")
        page.mouse.move(*place(page, row, column))
        value = float(page.locator("#readout").get_attribute("data-value"))
        assert value == pytest.approx(stored[number, row, column], rel=1e-6)
        assert value == pytest.approx(viewer[1][number].data[row, column], rel=0.1, abs=4)
    left, right, bottom, top = viewer[1][0].extent
    x, y = left + (24 + 0.5) / 50 * (right - left), bottom + (20 + 0.5) / 40 * (top - bottom)
    assert f"x {x:.1f}″, y {y:.1f}″: " in page.locator("#readout").inner_text()


def test_every_pixel_is_read_as_it_is_stored(page, stored):
    for number in range(COUNT):
        close(numbers(page, number), stored[number])


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


@pytest.mark.parametrize("kind", ["running", "base", "ratio"])
def test_differences_and_ratio_are_those_of_the_stored_values(page, stored, kind):
    page.select_option("#kind", kind)
    if kind == "running":
        page.fill("#back-frames", "2")
        page.keyboard.press("Tab")
    else:
        page.evaluate("show(1)")
        page.click("#base-here")
    for number in range(COUNT):
        if kind == "running":
            expected = stored[number] - stored[number - 2] if number >= 2 else np.full((40, 50), np.nan)
        elif kind == "base":
            expected = stored[number] - stored[1]
        else:
            expected = np.where(stored[1] > 0, stored[number] / stored[1], np.nan)
        found = numbers(page, number)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-3)


def points_of(page):
    """Times and values of the shape's light curve."""
    return page.evaluate("state.points.map((point) => point.value)")


def test_a_pixel_has_a_light_curve(page, stored):
    page.mouse.click(*place(page, 20, 24))
    page.wait_for_selector("#measured .dot")
    close(points_of(page), stored[:, 20, 24])
    assert page.locator("#measured .dot title").count() == COUNT
    page.keyboard.press("Escape")
    page.wait_for_selector("#measured-box", state="hidden")


def test_a_pixel_can_be_named_by_its_coordinates(page, viewer, stored):
    left, _, bottom, _ = viewer[1][0].extent
    page.fill("#points", f"{left + 7.5 * 6:.2f}, {bottom + 5.5 * 6:.2f}")
    page.keyboard.press("Tab")
    page.wait_for_selector("#measured .dot")
    value = float(page.locator("#measured-value").get_attribute("data-value"))
    assert value == pytest.approx(stored[0, 5, 7], rel=1e-6)
    page.fill("#points", "2000, 300")
    page.keyboard.press("Tab")
    assert "Outside of the region" in page.locator("#measured-value").inner_text()


def drag(page, *places):
    """Press at the first place, move to the others one by one, and let go."""
    page.mouse.move(*places[0])
    page.mouse.down()
    for at in places[1:]:
        page.mouse.move(*at)
    page.mouse.up()


def test_the_light_curve_of_a_box_is_the_mean_of_its_pixels(page, stored):
    page.check("#tool-box")
    # Between the middles of pixels: a mouse counts whole pixels of the screen.
    drag(page, place(page, 9.5, 7.5), place(page, 18, 15), place(page, 25.5, 30.5))
    page.wait_for_selector("#measured .dot")
    assert page.locator("#measured-title").inner_text() == "Light curve of the box, 368 pixels"
    close(points_of(page), stored[:, 10:26, 8:31].mean(axis=(1, 2)))


def test_the_light_curve_of_an_outline_is_the_mean_of_the_pixels_within(page, stored):
    from matplotlib.path import Path as Outline

    page.check("#tool-outline")
    corners = [(5.3, 6.2), (8.1, 40.4), (30.6, 33.3), (33.2, 12.7)]  # row, column
    drag(page, *(place(page, row, column) for row, column in corners))
    page.wait_for_selector("#measured .dot")
    drawn = np.array(page.evaluate("state.shape.points"))
    rows, columns = np.mgrid[:40, :50]
    middles = np.column_stack([6 * (columns.ravel() + 0.5) - 150, 6 * (rows.ravel() + 0.5) - 120])
    inside = Outline(np.vstack([drawn, drawn[:1]]), closed=True).contains_points(middles).reshape(40, 50)
    assert inside.sum() > 400
    close(points_of(page), stored[:, inside].mean(axis=1))


@pytest.mark.parametrize(("kind", "width"), [("brightness", 6), ("base", 18)])
def test_the_time_distance_picture_is_what_scipy_samples(page, stored, kind, width):
    from scipy.ndimage import map_coordinates

    page.select_option("#kind", kind)
    page.check("#tool-slit")
    page.fill("#width", str(width))
    drag(page, place(page, 8.25, 6.5), place(page, 20, 20), place(page, 31.75, 41))
    page.wait_for_selector("#distance:visible")
    found = np.array(page.evaluate("state.distance.columns"))
    (x0, y0), (x1, y1) = page.evaluate("state.shape.points")
    length = np.hypot(x1 - x0, y1 - y0)
    along = np.linspace(0, length, found.shape[1])
    assert found.shape[1] == round(length / 6) + 1
    across = np.arange(width // 6)[:, np.newaxis] * 6.0 - (width - 6) / 2
    ux, uy = (x1 - x0) / length, (y1 - y0) / length
    column, row = (x0 + along * ux - across * uy + 150) / 6 - 0.5, (y0 + along * uy + across * ux + 120) / 6 - 0.5
    for number in range(COUNT):
        image = stored[number] - (stored[0] if kind == "base" else 0)
        expected = map_coordinates(image, [row, column], order=1).mean(axis=0)
        np.testing.assert_allclose(found[number], expected, rtol=1e-5, atol=2e-3)


def observers():
    """Places from which SDO and others see the Sun: distance in m, radius in m, longitude and latitude in degrees."""
    random = np.random.default_rng(3)
    for _ in range(12):
        distance, longitude = random.uniform(0.98, 1.02) * 1.495978707e11, random.uniform(-180, 180)
        yield {"distance": distance, "radius": 6.96e8, "longitude": longitude, "latitude": random.uniform(-7.25, 7.25)}
    yield {"distance": 1.04e10, "radius": 6.957e8, "longitude": 0.01, "latitude": -60.0}


def test_heliographic_coordinates_are_sunpys(page):
    import astropy.units as u
    from sunpy.coordinates import HeliographicStonyhurst, Helioprojective

    random = np.random.default_rng(4)
    for observer in observers():
        place = (observer["longitude"] * u.deg, observer["latitude"] * u.deg, observer["distance"] * u.m)
        time = "2021-07-03T14:29:00"
        sdo = HeliographicStonyhurst(*place, obstime=time)
        sky = {"observer": sdo, "obstime": time, "rsun": observer["radius"] * u.m}
        limb = np.degrees(np.arcsin(observer["radius"] / observer["distance"])) * 3600
        radius, angle = limb * 0.999 * np.sqrt(random.uniform(0, 1, 40)), random.uniform(0, 2 * np.pi, 40)
        x, y = radius * np.cos(angle), radius * np.sin(angle)
        truth = Helioprojective(x * u.arcsec, y * u.arcsec, **sky).transform_to(HeliographicStonyhurst(obstime=time))
        found = page.evaluate(
            "([points, o]) => points.map(([x, y]) => onSun(x, y, o))", [np.column_stack([x, y]).tolist(), observer]
        )
        np.testing.assert_allclose([at["latitude"] for at in found], truth.lat.deg, atol=1e-6)
        turn = np.array([at["longitude"] for at in found]) - truth.lon.deg
        np.testing.assert_allclose((turn + 180) % 360 - 180, 0, atol=1e-6)
        back = page.evaluate(
            "([points, o]) => points.map((at) => onSky(at.latitude, at.longitude, o))", [found, observer]
        )
        np.testing.assert_allclose(back, np.column_stack([x, y]), atol=1e-5)
        assert page.evaluate("([x, o]) => onSun(x, 0, o)", [limb * 1.001, observer]) is None
        far = page.evaluate("o => onSky(0, o.longitude + 100, o)", observer)
        assert far is None


def test_the_read_out_says_where_on_the_sun_the_pointer_is(page):
    page.mouse.move(*place(page, 15, 10))
    assert re.search(r"DN/s; N\d+\.\d° W\d+\.\d°, Carrington \d+\.\d°$", page.locator("#readout").inner_text())
    page.mouse.move(*place(page, 39, 49))
    assert re.search(r"; 1\.1\d\d solar radii from the disc's centre$", page.locator("#readout").inner_text())


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


def test_it_says_that_the_data_are_synthetic_and_where_they_come_from(page):
    assert "not an observation of the Sun" in page.locator("header").inner_text()
    page.click("summary:has-text('Where this comes from')")
    text = page.locator("#provenance").inner_text()
    assert "All 6 frames are here, at full resolution" in text
    assert "at most half of a pixel's noise" in text


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


def test_image_curve_and_time_distance_are_saved(page, stored):
    with page.expect_download() as download:
        page.click("#save-picture")
    assert download.value.suggested_filename == "flare_211_20210703T142725Z.png"
    assert download.value.path().read_bytes().startswith(b"\x89PNG")
    page.check("#tool-box")
    page.fill("#points", "700,250 800,300")
    page.keyboard.press("Tab")
    page.wait_for_selector("#measured .dot")
    with page.expect_download() as download:
        page.click("#save-curve")
    lines = [line for line in download.value.path().read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "T_OBS,EXPTIME_s,mean_DN_per_s,pixels,saturated_fraction"
    close([float(line.split(",")[2]) for line in lines[1:]], points_of(page))


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
