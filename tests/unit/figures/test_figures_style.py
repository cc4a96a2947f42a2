"""Colours, brightness scales, ticks, limb and grid, and files that are the same every time."""

from itertools import pairwise
from types import SimpleNamespace

import astropy.units as u
import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from sunpy.coordinates import HeliographicStonyhurst, Helioprojective
from sunpy.visualization.colormaps import cm

from aia_sequence.config.figure import FigureOptions, check_figure
from aia_sequence.errors import ConfigError
from aia_sequence.figures import overlay, pictures, style
from aia_sequence.figures.channels import GAP, LETTER

CHANNELS = (94, 131, 171, 193, 211, 304, 335, 1600, 1700, 4500)
STRETCHES = [style.Stretch(kind, 3.0, 8000.0) for kind in ("asinh", "log", "power")]


@pytest.mark.parametrize("channel", CHANNELS)
def test_colours_are_sunpys_own(channel):
    level = np.linspace(0, 1, 256)
    np.testing.assert_array_equal(style.colour_map(channel)(level), cm.cmlist[f"sdoaia{channel}"](level))


@pytest.mark.parametrize("channel", CHANNELS)
def test_saturated_and_missing_pixels_stand_out_from_the_colour_map(channel):
    table = style.colour_map(channel)(np.linspace(0, 1, 256))[:, :3]
    saturated = np.array(style.saturated_colour(channel))
    assert np.abs(table - saturated).sum(axis=1).min() > 0.2
    assert np.abs(saturated - style.MISSING).sum() > 0.3


@pytest.mark.parametrize("stretch", STRETCHES, ids=lambda stretch: stretch.kind)
@given(st.floats(3, 8000))
def test_a_stretch_and_its_inverse_cancel(stretch, value):
    assert stretch.inverse(stretch.forward(value)) == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("stretch", STRETCHES, ids=lambda stretch: stretch.kind)
def test_a_stretch_rises_from_black_to_white_and_clips(stretch):
    values = stretch.forward(np.linspace(-10, 9000, 500))
    assert (values[0], values[-1]) == (0, 1)
    assert (np.diff(values) >= 0).all()


@given(st.floats(0, 100), st.floats(0.1, 1e6), st.sampled_from(["asinh", "log", "power"]))
def test_ticks_of_a_colour_bar_are_round_and_apart(low, span, kind):
    stretch = style.Stretch(kind, low, low + span)
    ticks = stretch.ticks(0.1)
    assert all(low <= tick <= low + span for tick in ticks)
    assert (np.diff(stretch.forward(np.array(ticks))) >= 0.1 - 1e-9).all()


@given(st.floats(0, 1e4), st.floats(1, 1e5), st.sampled_from(["asinh", "log", "power"]))
def test_a_colour_bar_has_two_labels_at_least_however_narrow_its_range(low, span, kind):
    ticks = style.Stretch(kind, low, low + span).ticks(0.09)
    assert len({f"{tick:,.10g}" for tick in ticks}) == len(ticks) >= 2


def test_painting_shows_missing_pixels_grey_and_a_line_around_saturated_ones():
    stretch = style.Stretch("asinh", 0, 100)
    data = np.array([[0, 100, np.nan, 90, 100, 0, 100]])
    picture = style.paint(data, np.array([[False] * 4 + [True] + [False] * 2]), stretch, 211)[0]
    table = np.round(255 * style.colour_map(211)(np.array([0.0, 1.0]))[:, :3])
    np.testing.assert_array_equal(picture[[0, 1]], table)
    np.testing.assert_array_equal(picture[2], np.round(255 * np.array(style.MISSING)))
    line = np.round(255 * np.array(style.saturated_colour(211)))
    np.testing.assert_array_equal(picture[[3, 5]], [line, line])
    np.testing.assert_array_equal(picture[[4, 6]], table[[1, 1]])  # what is saturated keeps its brightness


@given(arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))), st.integers(1, 3))
def test_a_line_goes_all_around_what_is_saturated_and_hides_none_of_it(flags, width):
    line = style.around(flags, width)
    rows, columns = np.indices(flags.shape)
    for row, column in zip(rows.flat, columns.flat, strict=True):
        near = flags[max(0, row - width) : row + width + 1, max(0, column - width) : column + width + 1].any()
        assert line[row, column] == (near and not flags[row, column])


@pytest.mark.parametrize("ground", [0, 128, 255], ids=["dark", "grey", "bright"])
def test_limb_and_grid_are_seen_on_any_ground(ground):
    with matplotlib.rc_context(style.RC):
        figure = style.new_figure(60, 60, dpi=200)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.imshow(np.full((2, 2, 3), ground, np.uint8), extent=(-500, 500, -500, 500))
        picture = SimpleNamespace(header=header(), origin=(0.0, 0.0))
        assert overlay.draw(axes, picture, with_limb=True, grid=20)
        figure.canvas.draw()
        shown = np.asarray(figure.canvas.buffer_rgba())[..., 0].astype(int)
    # Every line of pixels crosses a meridian or more: where it does, it is lighter or darker than the ground.
    assert (np.abs(shown - ground).max(axis=1) > 45).mean() > 0.75  # grid lines are dashed


@given(st.floats(0, 1e5), st.floats(0.05, 1e6), st.sampled_from(["asinh", "log", "power"]), st.floats(20, 85))
@settings(max_examples=25)
def test_labels_side_by_side_do_not_touch_and_stay_above_their_bar(low, span, kind, length):
    """As they are drawn: the letters' boxes, on bars as long as a panel is wide."""
    stretch = style.Stretch(kind, low, low + span)
    with matplotlib.rc_context(style.RC):
        figure = style.new_figure(120, 20, dpi=100)
        axes = figure.add_axes((10 / 120, 0.3, length / 120, 0.2))
        bar = pictures.draw_scale(axes, stretch, style.colour_map(211), 0.16, LETTER / length)
        bar.ax.tick_params(labelsize=5.5)
        figure.canvas.draw()
        boxes = [label.get_window_extent() for label in bar.ax.get_xticklabels() if label.get_text()]
    boxes = sorted((box.x0, box.x1) for box in boxes)
    assert boxes
    assert all(right < left for (_, right), (left, _) in pairwise(boxes))
    edge = (GAP / 2) / 25.4 * 100  # what sticks out further meets the neighbour's
    ends = axes.get_window_extent()
    assert ends.x0 - edge <= boxes[0][0]
    assert boxes[-1][1] <= ends.x1 + edge


@pytest.mark.parametrize(
    ("value", "words"), [(0, "0"), (0.4876, "0.488"), (4246.5, "4\u2009250"), (-3.14159, "\u22123.14"), (99.96, "100")]
)
def test_brightnesses_are_written_with_three_digits(value, words):
    assert style.quantity(value) == words


@given(st.floats(-1200, 1000), st.floats(20, 2400), st.floats(10, 90))
def test_tick_labels_of_neighbouring_panels_do_not_touch(low, span, length):
    ticks = style.round_ticks(low, low + span, length)
    # A digit is 1.35 mm wide; what sticks out on either side of a panel is the neighbour's only by a part of a label.
    for tick in ticks:
        half = 0.5 * 1.35 * len(f"{tick:.0f}")
        place = (tick - low) / span * length
        assert min(place, length - place) >= 0.8 * half


def header(tilt=5.0):
    return {"RSUN_OBS": 943.9, "RSUN_REF": 696e6, "DSUN_OBS": 152.1e9, "CRLT_OBS": tilt}


def test_heliographic_coordinates_are_projected_as_sunpy_does():
    longitude, latitude = np.array([0.0, -60, 45, 20]), np.array([0.0, 30, -45, 80])
    observer = HeliographicStonyhurst(0 * u.deg, 5 * u.deg, 152.1e9 * u.m, obstime="2021-07-03")
    place = HeliographicStonyhurst(longitude * u.deg, latitude * u.deg, 696e6 * u.m, obstime="2021-07-03")
    seen = place.transform_to(Helioprojective(observer=observer, obstime="2021-07-03"))
    x, y = overlay.project(latitude, longitude, 5.0, 152.1e9 / 696e6)
    np.testing.assert_allclose(x, seen.Tx.to_value("arcsec"), atol=0.01)
    np.testing.assert_allclose(y, seen.Ty.to_value("arcsec"), atol=0.01)


def test_the_far_side_is_not_drawn():
    assert np.isnan(overlay.project(np.array([0.0]), np.array([120.0]), 0.0, 215.0)).all()


def test_the_grid_stays_inside_the_limb():
    angles = np.linspace(-90, 90, 91)
    x, y = overlay.project(np.full_like(angles, 30.0), angles, 7.0, 152.1e9 / 696e6)
    assert np.nanmax(np.hypot(x, y)) < np.hypot(*overlay.limb(header())).max() + 1


def shown(image, extent, window, size):
    """The pixels that a page shows of an image, south first, in axes that fill it."""
    with matplotlib.rc_context(style.RC):
        figure = style.new_figure(size[0] / 100 * 25.4, size[1] / 100 * 25.4, dpi=100)
        axes = figure.add_axes((0, 0, 1, 1))
        raster = pictures.Raster(axes, origin="lower", extent=extent)
        raster.set_data(image)
        axes.add_image(raster)
        axes.set(xlim=window[:2], ylim=window[2:])
        axes.axis("off")
        figure.canvas.draw()
        return np.asarray(figure.canvas.buffer_rgba())[::-1, :, :3].astype(float)


@given(st.integers(60, 400), st.integers(60, 400), st.floats(0, 60), st.floats(0, 60))
@settings(max_examples=25, deadline=None)
def test_a_pixel_of_the_page_has_the_colour_of_its_place_on_the_sun(wide, high, cut_left, cut_top):
    """Brightness rises from east to west and from south to north, linearly; the axes cut the image's edges."""
    x, y = np.meshgrid(np.arange(150) + 0.5, np.arange(100) + 0.5)  # arcsec, two to a pixel
    image = np.stack([1.6 * x, 2.4 * y, np.full_like(x, 77)], axis=-1)
    extent, window = (0, 300, 0, 200), (cut_left, 300, 0, 200 - cut_top)
    page = shown(np.round(image).astype(np.uint8), extent, window, (wide, high))
    high, wide = page.shape[:2]
    across = window[0] + (np.arange(wide) + 0.5) / wide * (window[1] - window[0])
    up = window[2] + (np.arange(high) + 0.5) / high * (window[3] - window[2])
    inner = np.ix_((up > 6) & (up < 194), (across > 6) & (across < 294))  # outside, windows are cut
    expected = np.stack([*np.meshgrid(0.8 * across, 1.2 * up), np.full((high, wide), 77.0)], axis=-1)
    assert np.abs(page - expected)[inner].max() <= 1.6  # two roundings, and half a pixel at the axes' edges
    assert (page[..., 2] == 77).all()


@pytest.mark.parametrize("suffix", ["png", "pdf"])
def test_a_figure_saved_twice_is_the_same_file(tmp_path, suffix):
    for name in ("one", "two"):
        figure = style.new_figure(88, 40)
        figure.add_axes((0.1, 0.2, 0.8, 0.7)).plot([0, 1], [1, 3])
        style.write_heading(figure, 10, "Flare", synthetic=True)
        style.save(figure, tmp_path / f"{name}.{suffix}", 100)
    assert (tmp_path / f"one.{suffix}").read_bytes() == (tmp_path / f"two.{suffix}").read_bytes()


def test_a_png_states_its_resolution(tmp_path):
    style.save(style.new_figure(88, 40), tmp_path / "figure.png", 300)
    with Image.open(tmp_path / "figure.png") as image:
        assert image.size == (int(88 / 25.4 * 300), int(40 / 25.4 * 300))
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_a_pdf_embeds_its_fonts_and_keeps_its_text(tmp_path):
    figure = style.new_figure(88, 40)
    style.write_heading(figure, 10, "Flare at 211 Å", synthetic=False)
    style.save(figure, tmp_path / "figure.pdf", 300)
    content = (tmp_path / "figure.pdf").read_bytes()
    assert b"/FontFile2" in content
    assert b"/Subtype /Type3" not in content
    assert b"CreationDate" not in content


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"strech": "asinh"}, "figure.strech.*no such option"),
        ({"stretch": "cubic"}, "'cubic' is not one of asinh, log, power"),
        ({"percentiles": [99, 1]}, "must rise"),
        ({"limits": [10, 10]}, r"limits: \[10, 10\]"),
        ({"panels": 0}, "neither `all` nor a positive"),
        ({"marks": {"GOES peak": "noon"}}, "'noon' is not a time"),
        ({"rgb": [211, 193, 171]}, "171 is not among the channels.*193, 211"),
    ],
)
def test_options_that_cannot_be_drawn_are_refused(section, words):
    with pytest.raises(ConfigError, match=words):
        check_figure(section, [193, 211])


def test_marks_of_any_zone_become_utc():
    marks = FigureOptions(marks={"a": "2021-07-03T16:29:00+02:00", "b": "2021-07-03 14:29"}).marks
    assert set(marks.values()) == {"2021-07-03T14:29:00Z"}


def test_options_have_the_defaults_of_the_schema(root):
    import yaml

    schema = yaml.safe_load((root / "config" / "config.schema.yaml").read_text(encoding="utf-8"))
    described = schema["$defs"]["options"]["properties"]["figure"]["properties"]
    options = FigureOptions()
    assert set(described) == set(FigureOptions.__dataclass_fields__)
    for name, entry in described.items():
        value = getattr(options, name)
        assert (list(value) if isinstance(value, tuple) else value) == entry.get("default"), name
