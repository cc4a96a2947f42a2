"""Level 1.5: one grid for all, cutouts included; corrections that are read off again; noise carried through."""

from itertools import pairwise

import numpy as np
import pytest
from aiapy.calibrate import respike as aiapy_respike
from astropy import units as u
from hypothesis import given
from hypothesis import strategies as st
from level1_frames import SCALE, X0, Y0, counts, header
from scipy import ndimage
from sunpy.map.mapbase import PixelPair
from sunpy.map.sources import AIAMap

from aia_sequence.calibration import fetch, tables
from aia_sequence.calibration.corrections import Corrections
from aia_sequence.calibration.level15 import calibrate, respike
from aia_sequence.calibration.lookup import sigma_of_counts
from aia_sequence.calibration.workspace import Workspace
from aia_sequence.config.calibration import CalibrationOptions
from aia_sequence.errors import FrameError
from aia_sequence.frames.geometry import FULL_DISK, Geometry, grid_of
from aia_sequence.instrument import SIDE

PLAIN = CalibrationOptions(pointing=False, degradation=False, exposure=False)


def corrected(cards, factor=None):
    return Corrections(Geometry.of_header(cards), degradation=factor)


def run(image, cards, factor=None, **options):
    options = CalibrationOptions(**{"pointing": False, "degradation": factor is not None, "exposure": False} | options)
    return calibrate(image, cards, corrected(cards, factor), options)


@given(st.floats(0.1, 20), st.floats(0.05, 1.2), st.sampled_from(["cubic-spline", "keys"]))
def test_degradation_and_exposure_commute_with_the_registration(exposure, factor, kernel):
    """Both are numbers by which an image is divided, before registration or after."""
    image, cards = counts((40, 50)), header(exposure=exposure)
    bare = run(image, cards, interpolation=kernel).image
    both = run(image, cards, factor, exposure=True, interpolation=kernel).image
    np.testing.assert_allclose(both, bare / (factor * exposure), rtol=1e-5)
    divided = run((image / (factor * exposure)).astype(np.float32), cards, interpolation=kernel).image
    np.testing.assert_allclose(both, divided, rtol=1e-4, atol=1e-3 / (factor * exposure))


def test_exposures_of_one_scene_give_one_brightness():
    scene = counts((60, 60)).astype(np.float32)
    images = [
        run((scene * seconds).astype(np.float32), header(exposure=seconds), exposure=True).image
        for seconds in (0.1, 2.0)
    ]
    np.testing.assert_allclose(images[0], images[1], rtol=1e-4, atol=1e-3)


def test_the_full_disk_has_one_grid_whatever_the_channel():
    for scale in (0.599489, 0.600758, 0.609373, 0.612898):
        geometry = Geometry(2045.0, 2049.0, scale, 0.02)
        assert grid_of((4096, 4096), geometry) == FULL_DISK


def test_a_cutout_lies_on_the_full_disks_pixels():
    """The same light through the same code: full disk and cutout laid over each other agree pixel by pixel."""
    scene = np.zeros((4096, 4096), np.int16)
    patch = (slice(1200, 1600), slice(2300, 2800))
    scene[patch] = counts((400, 500))
    full = run(scene, header(x=0, y=0))
    cards = header(x=2300, y=1200)
    cutout = run(scene[patch].copy(), cards)
    left, bottom = (int(2048.5 - c) for c in (cutout.grid.crpix1, cutout.grid.crpix2))
    assert (cutout.grid.crpix1 + left, cutout.grid.crpix2 + bottom) == (2048.5, 2048.5)
    same = full.image[bottom : bottom + cutout.grid.ny, left : left + cutout.grid.nx]
    inside = ndimage.binary_erosion(np.isfinite(cutout.image), iterations=14)
    assert inside.sum() > 0.85 * 400 * 500
    np.testing.assert_allclose(cutout.image[inside], same[inside], atol=1e-5 * np.percentile(same[inside], 99))


def test_cutouts_of_one_region_share_a_grid_although_the_ccd_moves():
    region = {"x": (-600.0, -560.0), "y": (-300.0, -270.0)}
    grids, images = [], []
    for x, y in ((1020, 1525), (1023, 1523)):
        cards = header(x=x, y=y)
        pixels = run(counts((110, 130)), cards, region=region)
        grids.append(pixels.grid)
        images.append(pixels.image)
    assert grids[0] == grids[1]
    assert (grids[0].nx, grids[0].ny) == (67, 50)
    # The outermost pixels' centres lie within the region, and the next ones do not.
    first, last = (0.6 * (pixel - grids[0].crpix1) for pixel in (1, grids[0].nx))
    assert -600 <= first < -599.4
    assert -560.6 < last <= -560
    assert all(np.isfinite(image).all() for image in images)


def test_a_cutout_beyond_the_full_disk_is_refused():
    with pytest.raises(FrameError, match="lies beyond the full disk's frame"):
        grid_of((50, 50), Geometry(-3000.0, 10.0, 0.6, 0.0))


def test_a_nonzero_reference_value_moves_the_disc_centre():
    cards = header()
    moved = header()
    # The same frame, with a reference pixel 100 pixels to the right of the disc centre along solar x
    angle = np.radians(cards["CROTA2"])
    moved["CRPIX1"] += 100 * np.cos(angle)
    moved["CRPIX2"] -= 100 * np.sin(angle)
    moved["CRVAL1"] = 100 * SCALE
    first, second = Geometry.of_header(cards), Geometry.of_header(moved)
    assert (second.x0, second.y0) == pytest.approx((first.x0, first.y0), abs=1e-9)


@pytest.mark.parametrize("roll", [0.0, 90.0, 180.0, -90.0, 360.0])
def test_quarter_turns_are_exact(roll):
    matrix, _ = Geometry(2047.5, 2047.5, 0.6, roll).map(FULL_DISK)
    assert set(np.abs(matrix).ravel()) == {0.0, 1.0}


@pytest.mark.parametrize(("changes", "text"), [
    ({"LVL_NUM": 1.5}, "LVL_NUM is 1.5; only level 1.0"),
    ({"LVL_NUM": 0.5}, "LVL_NUM is 0.5; only level 1.0"),
    ({"LVL_NUM": None}, "only level 1.0"),
    ({"BUNIT": "DN / s"}, "normalised already"),
    ({"DEGCORR": 0.8}, "twice would be wrong"),
    ({"EXPNORM": 2.0}, "twice would be wrong"),
    ({"EXPTIME": 0.0}, "EXPTIME is 0.0; a number from 0.0001 to 100 s is allowed"),
    ({"EXPTIME": 1e-300}, "EXPTIME is 1e-300"),
    ({"EXPTIME": -1.0}, "EXPTIME is -1.0"),
    ({"EXPTIME": None}, "EXPTIME is None; the image cannot be normalised"),
    ({"CROTA2": None}, "CROTA2 is missing"),
    ({"CDELT1": 2.4}, "binned or resampled"),
])  # fmt: skip
def test_what_cannot_be_calibrated_is_refused(changes, text):
    cards = header()
    cards.update(changes)
    with pytest.raises(FrameError, match=text):
        run(counts((20, 20)), cards, exposure=True)


def spikes_around(x, y):
    """Spikes on the CCD: two inside a cutout that begins at (x, y), one far away."""
    places = [(y + 3, x + 5), (y + 10, x + 20), (4000, 4000)]
    return np.array([row * 4096 + column for row, column in places]), np.array([1200, 999, 5])


def test_spikes_go_back_where_aiapy_puts_them():
    image, cards = counts((40, 50)), header(x=900, y=1400)
    indices, values = spikes_around(900, 1400)
    ours, number = respike(image, cards, (indices, values))
    smap = AIAMap(image, {key.lower(): value for key, value in cards.items() if value is not None})
    coords = PixelPair(np.array([5, 20]) * u.pix, np.array([3, 10]) * u.pix)
    np.testing.assert_array_equal(ours, aiapy_respike(smap, spikes=(coords, values[:2])).data)
    assert number == 2
    assert ours[3, 5] == 1200 != image[3, 5]


def test_spikes_of_the_full_disk_keep_their_places():
    image = np.zeros((4096, 4096), np.int16)
    ours, number = respike(image, header(), spikes_around(900, 1400))
    assert (ours[1403, 905], ours[4000, 4000], number) == (1200, 5, 3)
    assert not image.any()


def test_a_frame_without_its_spikes_file_is_refused_unless_it_had_no_spikes():
    cards = header()
    with pytest.raises(FrameError, match="spikes file is missing"):
        respike(counts(), cards, None)
    cards["NSPIKES"] = 0
    assert respike(counts(), cards, None)[1] == 0


@pytest.mark.parametrize("kernel", ["cubic-spline", "keys"])
def test_the_scatter_of_repeated_exposures_is_the_uncertainty(kernel):
    """Photon and read noise of 400 exposures of one scene, through registration and scaling."""
    rng, cards = np.random.default_rng(4), header(exposure=0.5)
    scene = ndimage.gaussian_filter(rng.gamma(1, 300, (48, 56)), 2) + 5
    variances = np.arange(16384) * 0.88 + 1.2**2 + 1 / 12
    options = CalibrationOptions(pointing=False, uncertainty=True, interpolation=kernel)
    images, claimed = [], []
    for _ in range(400):
        image = np.round(rng.poisson(scene / 0.88) * 0.88 + rng.normal(0, 1.2, scene.shape)).astype(np.int16)
        pixels = calibrate(image, cards, corrected(cards, 0.6), options, sigma=np.sqrt(variances))
        images.append(pixels.image[8:-8, 8:-8].copy())
        claimed.append(pixels.uncertainty[8:-8, 8:-8].copy())
    scatter = np.std(images, axis=0, ddof=1)
    expected = np.sqrt(np.mean(np.square(claimed), axis=0))
    assert np.median(scatter / expected) == pytest.approx(1, abs=0.02)
    # Also where it is faint and where it is bright
    for part in (expected < np.percentile(expected, 25), expected > np.percentile(expected, 75)):
        assert np.median((scatter / expected)[part]) == pytest.approx(1, abs=0.05)


def test_missing_pixels_have_no_uncertainty_either():
    image, cards = counts((60, 60)), header()
    image[20:24, 30:34] = cards["BLANK"] = -32768
    options = CalibrationOptions(pointing=False, degradation=False, uncertainty=True)
    pixels = calibrate(image, cards, corrected(cards), options, sigma=np.full(16384, 2.0))
    np.testing.assert_array_equal(np.isnan(pixels.image), np.isnan(pixels.uncertainty))
    assert 60 < np.isnan(pixels.image[15:30, 25:40]).sum() < 100


def test_arrays_of_a_process_are_reused_without_a_trace_of_the_frame_before():
    space, cards = Workspace(), header()
    big, small = counts((120, 150)), counts((40, 50), seed=9)
    fresh = calibrate(small, cards, corrected(cards), PLAIN).image.copy()
    calibrate(big, cards, corrected(cards), PLAIN, space=space)
    np.testing.assert_array_equal(calibrate(small, cards, corrected(cards), PLAIN, space=space).image, fresh)


def test_saturated_pixels_of_the_level_1_frame_are_counted():
    image = counts((30, 30))
    image[3, 4:7] = 16383
    assert run(image, header()).saturated == 3


def test_the_disc_centre_comes_to_rest_on_the_reference_pixel():
    image = np.zeros((60, 60), np.float32)
    y, x = np.mgrid[:60, :60]
    cards = header(x=int(X0) - 30, y=int(Y0) - 30)
    geometry = Geometry.of_header(cards)
    image += 1000 * np.exp(-0.5 * ((x - geometry.x0) ** 2 + (y - geometry.y0) ** 2) / 9).astype(np.float32)
    pixels = run(image, cards)
    weight = np.nan_to_num(pixels.image)
    rows, columns = np.mgrid[: pixels.grid.ny, : pixels.grid.nx]
    centre = [(columns * weight).sum() / weight.sum() + 1, (rows * weight).sum() / weight.sum() + 1]
    assert centre == pytest.approx([pixels.grid.crpix1, pixels.grid.crpix2], abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["cubic-spline", "keys"])
def test_repeated_synthetic_exposures_scatter_as_their_uncertainty_says(repeated_exposures, kernel):
    """The model's noise against aiapy's estimate of it, from counts to DN/s, on disc, limb and corona."""
    cards, images, sigma = repeated_exposures
    options = CalibrationOptions(pointing=False, uncertainty=True, interpolation=kernel)
    results = [calibrate(image, cards, corrected(cards, 0.62), options, sigma=sigma) for image in images]
    inside = np.all([np.isfinite(result.image) for result in results], axis=0)
    scatter = np.var([result.image[inside] for result in results], axis=0, ddof=1, dtype=float)
    expected = np.mean([np.square(result.uncertainty[inside]) for result in results], axis=0)
    edges = np.percentile(expected, [0, 25, 50, 75, 100])
    for low, high in pairwise(edges):
        part = (expected >= low) & (expected <= high)
        assert np.sqrt(scatter[part].mean() / expected[part].mean()) == pytest.approx(1, abs=0.05)


@pytest.fixture(scope="module")
def repeated_exposures(tmp_path_factory):
    """Header, six images of one scene with different noise, and the errors that the instrument states of itself.

    A part at the western limb is cut out of them, as all of a frame would take long.
    """
    from synthetic_jsoc.holdings import catalogue, frames
    from synthetic_jsoc.tables import error_table

    record = catalogue.records("aia.lev1_euv_12s", 117033128, 117033128, [211])[0]
    cards = frames.header(record)
    first, last = (1700, 3300), (2300, 3900)
    cards["CRPIX1"] -= first[1]
    cards["CRPIX2"] -= first[0]
    part = (slice(first[0], last[0]), slice(first[1], last[1]))
    images = [frames.image(record, realisation=number)[part].copy() for number in range(6)]
    path = tmp_path_factory.mktemp("errors") / "errors.ecsv"
    table, source = fetch.errors(error_table())
    tables.freeze(path, table, "synthetic", source)
    return cards, images, sigma_of_counts(211, tables.thaw(path))


def test_arrays_of_one_name_share_memory_as_far_as_it_is_large_enough():
    space = Workspace()
    first = space.array("image", (16, 16))
    first[:] = 7.0
    assert np.shares_memory(first, space.array("image", (8, 8), np.int16))
    assert not np.shares_memory(first, space.array("coefficients", (16, 16)))
    assert np.shares_memory(first, space.array("image", (SIDE, SIDE)))  # counts come first, pixels in their place
    larger = space.array("image", (SIDE + 2, SIDE + 2))
    assert (larger.shape, larger.dtype) == ((SIDE + 2, SIDE + 2), np.float32)
    assert not np.shares_memory(first, larger)
    assert (first == 7.0).all()
