"""A cutout is a part of the full disk: every pixel, whatever the channel, the kernel and what the archive cut out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from aia_sequence.calibration import prefilter
from aia_sequence.calibration.corrections import Corrections
from aia_sequence.calibration.level15 import calibrate
from aia_sequence.calibration.resample import KERNELS
from aia_sequence.config.calibration import CalibrationOptions
from aia_sequence.config.cutouts import KERNEL, SHIFT, footprint, im_patch, whole_bins
from aia_sequence.config.region import within_sight
from aia_sequence.frames.geometry import FULL_DISK, Geometry, Grid
from aia_sequence.times import iso, read_time
from synthetic_jsoc import tables, times
from synthetic_jsoc.holdings import catalogue, frames
from synthetic_jsoc.holdings.patch import cut_out, read_patch
from synthetic_jsoc.instrument import CHANNELS

REFERENCE = "2021-07-03T14:00:00Z"
FLARE = times.parse_time("2021-07-03T14:28:35Z")
SINCE_1993 = FLARE - times.parse_time("1993.01.01_00:00:00_TAI")
STEPS = {"aia.lev1_euv_12s": 12, "aia.lev1_uv_24s": 24, "aia.lev1_vis_1h": 3600}


@pytest.fixture(scope="module")
def sky():
    """Counts of a full-disk frame: structure down to a pixel, flare kernels up to saturation, dark sky."""
    rng = np.random.default_rng(7)
    counts = ndimage.zoom(rng.gamma(1, 300, (513, 513)), 8, order=1)[:4096, :4096].astype(np.float32)
    counts *= rng.gamma(4, 0.25, counts.shape).astype(np.float32)
    for row, column in rng.integers(0, 4092, (20_000, 2)):
        counts[row : row + 3, column : column + 2] += 13000
    return np.clip(counts - 8, -8, 16383).astype(np.int16)


def level1_header(channel, **changes):
    """Header of the synthetic instrument's frame in a channel, of the minute of the worked example's flare."""
    series = CHANNELS[channel].series
    slot = round(SINCE_1993 / STEPS[series])
    cards = frames.header(catalogue.records(series, slot, slot, [channel])[0])
    cards.update(changes)
    return cards


def pointed(cards, shift=(0.0, 0.0), scale=None):
    """Geometry of a frame whose pointing, by the table, differs from the header's."""
    own = Geometry.of_header(cards)
    return Geometry(own.x0 + shift[0], own.y0 + shift[1], scale or own.scale, own.roll)


def both(sky, cards, region, shift=(0.0, 0.0), begin=REFERENCE, seconds=0.0, **options):
    """The region from the full disk, and from what the archive cuts out for it in a block that begins at a time."""
    options = CalibrationOptions(**{"degradation": False, "region": region, "uncertainty": True} | options)
    sigma = np.sqrt(np.arange(16384) * 0.9 + 2).astype(np.float32)
    whole = calibrate(sky, cards, Corrections(pointed(cards, shift)), options, sigma=sigma)
    (arguments,) = im_patch(region, read_time(begin), seconds).values()
    own = cards.copy()
    part = cut_out(read_patch(arguments), sky, own)
    own["BLANK"] = -32768
    return whole, calibrate(part, own, Corrections(pointed(own, shift)), options, sigma=sigma), part


def assert_equal(cutout, whole):
    assert cutout.grid == whole.grid
    assert cutout.saturated == whole.saturated
    np.testing.assert_array_equal(cutout.flags, whole.flags)
    for ours, theirs in ((cutout.image, whole.image), (cutout.uncertainty, whole.uncertainty)):
        np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6 * np.nanpercentile(theirs, 99))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("channel", CHANNELS)
def test_a_cutout_equals_the_full_disk_in_every_pixel(sky, channel, kernel):
    """Ten channels with their scales, centres and rolls, each pointed anew by the table that is fetched later."""
    cards, region = level1_header(channel), {"x": [700.0, 900.0], "y": [250.0, 410.0]}
    told = tables.pointing(channel, FLARE)
    shift = float(told["X0"][0]) - cards["X0_MP"], float(told["Y0"][0]) - cards["Y0_MP"]
    whole, cutout, _ = both(sky, cards, region, shift, interpolation=kernel)
    assert np.isfinite(cutout.image).all()
    assert (cutout.grid.nx, cutout.grid.ny) == (333, 266)
    assert cutout.saturated > 0
    assert_equal(cutout, whole)


@given(
    channel=st.sampled_from(list(CHANNELS)),
    kernel=st.sampled_from(KERNELS),
    middle=st.tuples(st.floats(-1300, 1300), st.floats(-1300, 1300)),
    size=st.tuples(st.floats(0.6, 300), st.floats(0.6, 300)),
    shift=st.tuples(st.floats(-SHIFT, SHIFT), st.floats(-SHIFT, SHIFT)),
    roll=st.one_of(st.floats(-0.45, 0.45), st.sampled_from([0.0, 180.0, 179.8])),
)
@settings(max_examples=60, deadline=None)
def test_so_it_does_wherever_on_the_disk_beyond_the_limb_or_off_the_detector(
    sky, channel, kernel, middle, size, shift, roll
):
    bounds = [sorted((c - s / 2, c + s / 2)) for c, s in zip(middle, size, strict=True)]
    if any(low > 1227 or high < -1227 for low, high in bounds):
        bounds = [[-1225.0, -1200.0], [1190.0, 1225.0]]
    region = dict(zip("xy", bounds, strict=True))
    whole, cutout, _ = both(sky, level1_header(channel, CROTA2=roll), region, shift, interpolation=kernel)
    assert_equal(cutout, whole)


@pytest.mark.parametrize("kernel", KERNELS)
def test_missing_rows_that_run_through_a_cutout_change_nothing_but_themselves(sky, kernel):
    torn = sky.copy()
    torn[2500:2564] = -32768
    torn[2600:2611, 3300:3330] = -32768
    whole, cutout, _ = both(
        torn, level1_header(211, BLANK=-32768), {"x": [650.0, 1050.0], "y": [150.0, 550.0]}, interpolation=kernel
    )
    assert 20_000 < np.isnan(cutout.image).sum() < 60_000
    assert_equal(cutout, whole)


@pytest.mark.parametrize("roll", [3.0, 45.0, 90.0])
def test_what_a_rolled_camera_leaves_out_is_missing_and_not_guessed(sky, roll):
    """The archive cuts along rows and columns, and of a frame that is rolled further than a mounting is too little."""
    whole, cutout, _ = both(sky, level1_header(193, CROTA2=roll), {"x": [-600.0, -100.0], "y": [0.0, 200.0]})
    known = np.isfinite(cutout.image)
    assert 0.2 < known.mean() < 1
    np.testing.assert_array_equal(known, np.isfinite(cutout.uncertainty))
    np.testing.assert_allclose(cutout.image[known], whole.image[known], rtol=1e-5, atol=1e-3)


def test_the_full_disks_own_grid_has_the_same_pixels(sky):
    cards, region = level1_header(335), {"x": [-500.0, -480.0], "y": [300.0, 330.0]}
    whole, cutout, _ = both(sky, cards, region)
    full = calibrate(sky, cards, Corrections(pointed(cards)), CalibrationOptions(degradation=False))
    assert full.grid == FULL_DISK
    left, bottom = (int(2048.5 - c) for c in (cutout.grid.crpix1, cutout.grid.crpix2))
    part = full.image[bottom : bottom + cutout.grid.ny, left : left + cutout.grid.nx]
    np.testing.assert_allclose(cutout.image, part, rtol=1e-5, atol=1e-3)
    assert whole.grid == Grid(33, 50, 2048.5 - left, 2048.5 - bottom)


def test_the_archive_is_asked_for_little_more_than_the_region(sky):
    _, _, part = both(sky, level1_header(171), {"x": [650.0, 1050.0], "y": [150.0, 550.0]})
    assert part.size < 1.2 * 667**2


def test_the_margin_holds_what_the_kernels_reach():
    assert prefilter.TAPS + 2 == KERNEL


def test_a_region_ends_where_the_detector_does_in_what_is_asked_for():
    (x, width), (y, height) = footprint({"x": [1000, 2400], "y": [-2500, 2500]}).values()
    assert (x, y) == (pytest.approx((1000 + 1228.8) / 2), 0)
    assert width == pytest.approx(228.8 + 2 * 23 * 0.62 + 21.4, abs=1)
    assert height == pytest.approx(2457.6 + 2 * 23 * 0.62 + 2, abs=1)


BLOCK = "2021-07-03T12:00:00Z"


def observed(channel, hours):
    """Header of a frame some hours into the block."""
    series = CHANNELS[channel].series
    since = times.parse_time(BLOCK) + 3600 * hours - times.parse_time("1993.01.01_00:00:00_TAI")
    return frames.header(catalogue.records(series, *[round(since / STEPS[series])] * 2, [channel])[0])


@pytest.mark.parametrize("bins", [1, 4])
@pytest.mark.parametrize("place", [[-30, 20], [60, -35], [75, 23], [5, 60]])
@pytest.mark.parametrize("hours", [0, 7, 24])
def test_a_region_that_follows_is_carried_along_by_the_archive(sky, hours, place, bins):
    """In a block of a day no pixel is missing, although the archive turns the Sun as a rigid body and we do not."""
    cards, begin = observed(193, hours), read_time(BLOCK)
    region = {"follow": place, "at": BLOCK, "width": 120.0, "height": 96.0}
    region = within_sight(region, begin, begin + 86400)
    patch = im_patch(whole_bins({"region": region, "calibration": {"bin": bins}}), begin, 86400)["im_patch"]
    assert patch["t"] == "01"["until" in region]
    whole, cutout, part = both(sky, cards, region, begin=BLOCK, seconds=86400.0, bin=bins)
    assert np.isfinite(cutout.image).all()
    assert_equal(cutout, whole)
    assert max(part.shape) < 450


def test_the_grid_moves_by_whole_pixels_and_has_as_many_in_every_frame(sky):
    region = {"follow": [-30, 20], "at": BLOCK, "width": 61.0, "height": 48.0}
    grids = []
    for hours in (0, 1, 5, 6):
        made, _, _ = both(sky, observed(171, hours), region, begin=BLOCK, seconds=86400.0, uncertainty=False)
        grids.append(made.grid)
    assert len({(grid.nx, grid.ny) for grid in grids}) == 1
    moved = np.diff([(grid.crpix1, grid.crpix2) for grid in grids], axis=0)
    np.testing.assert_array_equal(moved, np.rint(moved))
    assert -19 < moved[0, 0] < -10, "nine arcsec an hour"


def test_where_its_place_turns_away_a_region_is_not_carried_along():
    region = {"follow": [85, 0], "at": BLOCK, "width": 60.0, "height": 60.0}
    begin = read_time(BLOCK)
    region = within_sight(region, begin, begin + 86400)
    assert "until" in region
    early = im_patch(region, begin, 600)["im_patch"]
    late = im_patch(region, read_time(region["until"]) - 300, 600)["im_patch"]
    assert (early["t"], late["t"]) == ("0", "1")
    assert late["t_ref"] == iso(read_time(region["until"]) - 300).removesuffix("Z")
