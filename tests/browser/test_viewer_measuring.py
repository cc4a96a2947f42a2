"""The viewer reads true values: of pixels, boxes, outlines and lines, and where on the Sun they are."""

import re

import numpy as np
import pytest
from viewer_page import COUNT, close, drag, numbers, place


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
