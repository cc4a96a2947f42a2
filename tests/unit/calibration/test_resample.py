"""Registration's kernel: aiapy's values, IDL's, and what happens at edges and holes."""

import csv

import astropy.units as u
import numpy as np
import pytest
from aiapy.calibrate import register
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from sunpy.image.transform import affine_transform
from sunpy.map.sources import AIAMap

from aia_sequence.calibration import kernels, prefilter, resample, sums, weights
from aia_sequence.frames.geometry import Geometry, Grid

CHANNELS = (94, 131, 171, 193, 211, 304, 335, 1600, 1700, 4500)
SIZE = 320
CENTRED = Grid(SIZE, SIZE, (SIZE + 1) / 2, (SIZE + 1) / 2)


def picture(size=SIZE, seed=1, noise=True):
    """Structure down to the telescope's resolution, with photon noise, a bright point and counts below zero."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    disc = 300 / (1 + np.exp((np.hypot(x - size / 2, y - size / 2) - 0.38 * size) / 2))
    scene = ndimage.gaussian_filter(disc * rng.gamma(1, 1, (size, size)), 1.2)
    scene[size // 3 : size // 3 + 2, size // 3] += 4000
    if noise:
        scene = rng.poisson(scene) + rng.normal(0, 1.2, scene.shape)
    return np.clip(np.round(scene), -32767, 16383).astype(np.int16)


def small_map(image, geometry, kind=np.float32):
    """A full-disk AIA map of a few hundred pixels: the Sun is small because the observer is far away."""
    header = {
        "telescop": "SDO/AIA", "instrume": "AIA_3", "wavelnth": 171, "waveunit": "angstrom", "lvl_num": 1.0,
        "t_obs": "2021-07-03T14:25:05.84", "date-obs": "2021-07-03T14:25:04.84", "exptime": 2.0,
        "ctype1": "HPLN-TAN", "ctype2": "HPLT-TAN", "cunit1": "arcsec", "cunit2": "arcsec", "crval1": 0, "crval2": 0,
        "cdelt1": geometry.scale, "cdelt2": geometry.scale, "crota2": geometry.roll,
        "crpix1": geometry.x0 + 1, "crpix2": geometry.y0 + 1,
        "hgln_obs": 0.0, "hglt_obs": 0.0, "dsun_obs": 30 * 1.496e11, "rsun_ref": 6.96e8, "rsun_obs": 32.0,
    }  # fmt: skip
    return AIAMap(image.astype(kind), header)


def on_our_grid(registered, geometry):
    """Pixels of aiapy's registered map, and ours of the same places."""
    shift = [CENTRED.crpix1 - registered.meta["crpix1"], CENTRED.crpix2 - registered.meta["crpix2"]]
    assert shift == [round(shift[0]), round(shift[1])]
    ny, nx = registered.data.shape
    matrix, offset = geometry.map(CENTRED)
    return matrix, offset + matrix @ np.array(shift), (ny, nx)


@pytest.fixture(scope="module")
def pointing(shared_data):
    """The first real row of the master pointing table."""
    with open(shared_data / "tables" / "master_pointing3h_2rows_excerpt.csv", encoding="utf-8") as file:
        return next(csv.DictReader(file))


@pytest.mark.parametrize("roll", [None, 0.0, 0.14, -0.14, 45.0, 180.0])
@pytest.mark.parametrize("channel", CHANNELS)
def test_the_spline_gives_the_values_of_aiapys_register(pointing, channel, roll):
    row = {key: float(pointing[f"A_{channel:03d}_{key}"]) for key in ("X0", "Y0", "IMSCALE", "INSTROT")}
    # The Sun's centre as far off the middle as it really is
    geometry = Geometry(
        row["X0"] - 2047.5 + (SIZE - 1) / 2,
        row["Y0"] - 2047.5 + (SIZE - 1) / 2,
        row["IMSCALE"],
        row["INSTROT"] if roll is None else roll,
    )
    image = picture(seed=channel)
    theirs = register(small_map(image, geometry), missing=np.nan, order=3, method="scipy")
    ours = resample.resample(image, *on_our_grid(theirs, geometry))
    both = ndimage.binary_erosion(np.isfinite(theirs.data) & np.isfinite(ours), iterations=16)
    assert both.sum() > 0.3 * both.size
    cut = np.clip(ours, image.min(), image.max())  # theirs is
    largest = np.abs(cut - theirs.data)[both].max()
    assert largest < 1e-5 * np.percentile(theirs.data[both], 99)


@pytest.mark.parametrize(("exposure", "degradation"), [(2.0, 0.73), (0.1029, 0.15)])
def test_the_documentations_loop_rounds_whole_counts_and_fills_beyond_the_frame(exposure, degradation):
    """Level-1 files hold int16, and aiapy keeps that type until it divides: half a count is what it differs by.

    The bound that README states, 0.5 / (EXPTIME * degradation), holds and is nearly reached.
    """
    image, geometry = picture(noise=True), Geometry(163.2, 157.9, 0.599489, 0.3)
    whole = small_map(image, geometry, np.int16)
    theirs = register(whole, order=3, method="scipy")
    assert theirs.data.dtype == np.int16
    affine = on_our_grid(theirs, geometry)
    ours = resample.resample(image, *affine, gain=1 / (exposure * degradation))
    beyond = np.isnan(ours)
    far = ndimage.binary_erosion(
        beyond, iterations=3, border_value=True
    )  # nearer, the filling is blended with the frame
    assert far.sum() > 100
    assert (theirs.data[far] == image.min()).all()
    cut = np.clip(ours, image.min() / (exposure * degradation), image.max() / (exposure * degradation))
    inside = ndimage.binary_erosion(~beyond, iterations=16)
    difference = np.abs(cut - theirs.data / (exposure * degradation))[inside]
    bound = 0.5 / (exposure * degradation)
    assert 0.98 * bound < difference.max() < bound * (1 + 1e-3)


def direct_keys(image, x, y):
    """Keys' cubic convolution at one place, from its definition."""

    def weight(d):
        d = abs(d)
        if d < 1:
            return 1.5 * d**3 - 2.5 * d**2 + 1
        return -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2 if d < 2 else 0.0

    i, j = int(np.floor(x)), int(np.floor(y))
    return sum(
        weight(y - row) * weight(x - column) * float(image[row, column])
        for row in range(j - 1, j + 3)
        for column in range(i - 1, i + 3)
    )


@pytest.mark.parametrize("roll", [0.05, -0.14, 45.0, 180.0])
def test_keys_gives_the_values_of_a_direct_evaluation(roll):
    image, geometry = picture(), Geometry(163.2, 157.9, 0.6094, roll)
    matrix, offset = geometry.map(CENTRED)
    ours = resample.resample(image, matrix, offset, (SIZE, SIZE), "keys")
    for column, row in np.random.default_rng(0).integers(100, 220, (200, 2)):
        x, y = matrix @ (column, row) + offset
        assert ours[row, column] == pytest.approx(direct_keys(image, x, y), abs=2e-3)


@pytest.mark.parametrize("kernel", resample.KERNELS)
def test_total_flux_is_kept(kernel):
    y, x = np.mgrid[:SIZE, :SIZE]
    image = np.zeros((SIZE, SIZE), np.float32)
    for n, (i, j) in enumerate(np.random.default_rng(3).uniform(60, 260, (40, 2))):
        image += (50 + n) * np.exp(-0.5 * (np.hypot(x - i, y - j) / (1.2 + n / 10)) ** 2).astype(np.float32)
    geometry = Geometry(160.2, 158.7, 0.599489, -0.14)
    ours = resample.resample(image, *geometry.map(CENTRED), (SIZE, SIZE), kernel)
    area = (0.6 / geometry.scale) ** 2
    assert np.nansum(ours, dtype=float) * area == pytest.approx(image.sum(dtype=float), rel=1e-5)


def test_aiapy_cuts_a_few_pixels_to_the_range_of_the_frame_and_all_others_are_ours():
    image, geometry = picture(), Geometry(160.4, 158.7, 0.6006, 0.02)
    theirs = register(small_map(image, geometry), missing=np.nan, order=3, method="scipy")
    ours = resample.resample(image, *on_our_grid(theirs, geometry))
    inside = ndimage.binary_erosion(np.isfinite(theirs.data), iterations=16)
    beyond = inside & ((ours < image.min()) | (ours > image.max()))
    assert 0 < beyond.sum() < 60
    within = 1e-5 * np.percentile(theirs.data[inside], 99)
    assert np.abs(ours - theirs.data)[inside & ~beyond].max() < within
    assert np.abs(np.clip(ours, image.min(), image.max()) - theirs.data)[inside].max() < within


@pytest.mark.parametrize("kernel", resample.KERNELS)
def test_a_crop_changes_no_pixel_however_bright_its_surroundings(kernel):
    """A saturated flare on a bright background: the spline swings below the darkest pixel of a crop around it."""
    image = np.full((120, 120), 1500, np.int16)
    image[5, 5] = 3  # dark sky far away
    image[58:61, 58:62] = 12000
    matrix, offset = Geometry(57.3, 60.2, 0.599489, 0.14).map(Grid(100, 100, 50.5, 50.5))
    whole = resample.resample(image, matrix, offset, (100, 100), kernel)
    crop = resample.resample(image[30:90, 30:90].copy(), matrix, offset - 30, (100, 100), kernel)
    part = (slice(40, 62), slice(40, 66))
    assert np.nanmin(whole[part]) < 1200
    np.testing.assert_allclose(crop[part], whole[part], rtol=1e-5)


@given(st.integers(0, 2**32 - 1), st.floats(0, 1), st.floats(0, 1), st.sampled_from(resample.KERNELS))
def test_how_far_a_value_lies_beyond_the_pixels_is_bounded(seed, x, y, kernel):
    """Pixels of two brightnesses, in the worst order that chance and the sign of each weight can give."""
    size, middle = 32, 15
    place = np.array([middle + x, middle + y])
    rows = [resample.resample(row[None] * np.ones((size, 1)), np.eye(2), [p, 9], (1, 1), kernel)
            for row in np.eye(size, dtype=np.float32) for p in place]  # fmt: skip
    along, across = np.ravel(rows)[::2], np.ravel(rows)[1::2]
    worst = (np.outer(across, along) > 0).astype(np.float32)
    images = [worst, np.random.default_rng(seed).integers(0, 2, (size, size)).astype(np.float32)]
    highest, random = (float(resample.resample(image, np.eye(2), place, (1, 1), kernel)[0, 0]) for image in images)
    assert random <= highest + 1e-5 <= 1 + resample.OVERSHOOT[kernel] + 2e-5


@pytest.mark.parametrize("kernel", resample.KERNELS)
def test_that_bound_is_reached_midway_between_pixels(kernel):
    sides = np.arange(-15, 17)
    signs = np.where(np.abs(sides - 0.5) < 1, 1, np.where(sides % 2 == 0, 1, -1) * np.where(sides > 0, -1, 1))
    if kernel == "keys":
        signs = np.where(np.abs(sides - 0.5) < 1, 1, -1)
    image = (np.outer(signs, signs) > 0).astype(np.float32)
    value = resample.resample(image, np.eye(2), [15.5, 15.5], (1, 1), kernel)[0, 0]
    assert value == pytest.approx(1 + resample.OVERSHOOT[kernel], abs=2e-3)


@pytest.mark.parametrize("kernel", resample.KERNELS)
@pytest.mark.parametrize(("roll", "turned"), [(0.0, lambda a: a), (180.0, lambda a: a[::-1, ::-1])])
def test_whole_turns_move_pixels_and_change_none(kernel, roll, turned):
    image = picture()
    middle = (SIZE - 1) / 2
    ours = resample.resample(image, *Geometry(middle, middle, 0.6, roll).map(CENTRED), (SIZE, SIZE), kernel)
    np.testing.assert_allclose(ours, turned(image), atol=2e-3)


@given(
    size=st.tuples(st.integers(4, 50), st.integers(4, 50)),
    values=st.lists(st.floats(-1.5, 1.5), min_size=6, max_size=6),
    seed=st.integers(0, 99),
)
def test_any_affine_map_agrees_with_scipy(size, values, seed):
    image = np.random.default_rng(seed).normal(100, 30, size).astype(np.float32)
    matrix, offset = np.array(values[:4]).reshape(2, 2), np.array(values[4:]) * 10
    ours = resample.resample(image, matrix, offset, (30, 40))
    theirs = ndimage.affine_transform(image.T, matrix, offset, (40, 30), order=3, cval=np.nan).T
    rows, columns = np.mgrid[:30, :40]
    x = matrix[0, 0] * columns + matrix[0, 1] * rows + offset[0]
    y = matrix[1, 0] * columns + matrix[1, 1] * rows + offset[1]
    to_edge = np.minimum.reduce([abs(x), abs(x - size[1] + 1), abs(y), abs(y - size[0] + 1)])
    sure = to_edge > 1e-6
    np.testing.assert_array_equal(np.isnan(ours)[sure], np.isnan(theirs)[sure])
    np.testing.assert_allclose(ours[sure], theirs[sure], atol=5e-3)


@pytest.mark.parametrize("rows", [4, 5, 12, 13, 14, 40, 47, 48, 49, 60, 61, 62, 95, 96, 97, 109, 110, 200])
@pytest.mark.parametrize("columns", [4, 33, 130])
def test_the_prefilter_is_scipys_at_any_size(rows, columns):
    """Also where a strip of rows ends at the frame's edge, before it, or within what is looked ahead."""
    shape = rows, columns
    image = np.random.default_rng(2).normal(50, 9, shape).astype(np.float32)
    ours = resample.coefficients(image).padded[1:-1, 1:-1]
    np.testing.assert_allclose(ours, ndimage.spline_filter(image, order=3, mode="mirror"), atol=1e-4)


HOLES = [("cubic-spline", 225), ("keys", 169)]


def with_hole(image):
    holed = image.astype(np.float32)
    holed[150:160, 140:150] = np.nan
    return holed


@pytest.mark.parametrize(("kernel", "claimed"), HOLES)
def test_a_hole_claims_what_the_kernel_reaches_and_no_more(kernel, claimed):
    image = picture(noise=False)
    matrix, offset = np.eye(2), np.array([0.3, -0.45])
    holed = resample.resample(with_hole(image), matrix, offset, (SIZE, SIZE), kernel)
    whole = resample.resample(image, matrix, offset, (SIZE, SIZE), kernel)
    lost = np.isnan(holed) & ~np.isnan(whole)
    assert lost.sum() == claimed
    change = np.abs(holed - whole)[~np.isnan(holed)]
    if kernel == "keys":
        assert change.max() == 0
    else:
        far = ndimage.binary_dilation(lost, iterations=12) | np.isnan(holed)
        assert change.max() < 0.02 * np.percentile(image, 99)
        assert np.abs(holed - whole)[~far].max() < 1e-5 * np.percentile(image, 99)


def test_sunpy_claims_the_same_pixels():
    holed = with_hole(picture())
    geometry = Geometry(160.4, 158.7, 0.599489, 0.3)
    matrix, offset = geometry.map(CENTRED)
    theirs = affine_transform(
        holed, matrix, image_center=(geometry.x0, geometry.y0), recenter=True, missing=np.nan, method="scipy"
    )
    ours = resample.resample(holed, matrix, offset, (SIZE, SIZE))
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))


@pytest.mark.parametrize("kernel", resample.KERNELS)
def test_a_blank_integer_is_a_nan(kernel):
    image = picture()
    image[150:160, 140:150] = -32768
    matrix, offset = Geometry(160.4, 158.7, 0.6006, 0.3).map(CENTRED)
    blank = resample.resample(image, matrix, offset, (SIZE, SIZE), kernel, blank=-32768)
    nan = resample.resample(with_hole(picture()), matrix, offset, (SIZE, SIZE), kernel)
    np.testing.assert_array_equal(blank, nan)


def test_an_image_without_a_valid_pixel_stays_so():
    ours = resample.resample(np.full((20, 20), np.nan, np.float32), np.eye(2), np.zeros(2), (20, 20))
    assert np.isnan(ours).all()


def test_byte_order_does_not_matter():
    image = picture()
    matrix, offset = Geometry(160.4, 158.7, 0.6006, 0.02).map(CENTRED)
    swapped = resample.resample(image.astype(">i2"), matrix, offset, (SIZE, SIZE))
    np.testing.assert_array_equal(swapped, resample.resample(image, matrix, offset, (SIZE, SIZE)))


@given(st.floats(-0.5, 1.5), st.floats(-0.02, 0.02))
def test_where_rows_are_cut_into_runs_does_not_matter(offset, tilt):
    image = picture(64)
    matrix = np.array([[1.0 + tilt / 7, tilt], [-tilt, 1.0 + tilt / 7]])
    whole = resample.resample(image, matrix, np.array([offset, 0.2]), (60, 60))
    # The same pixels, one output column at a time: every run has one pixel
    for column in (0, 17, 41):
        alone = resample.resample(image, matrix, matrix @ (column, 0) + (offset, 0.2), (60, 1))
        np.testing.assert_allclose(alone[:, 0], whole[:, column], atol=5e-3)


@pytest.mark.parametrize("kernel", resample.KERNELS)
def test_variances_add_up_with_the_squared_weights_of_the_kernel(kernel):
    size, matrix, offset = 17, np.array([[1.01, 0.02], [-0.02, 1.01]]), np.array([0.37, -0.21])
    impulses = np.zeros((size, size))
    responses = []
    for n in range(size * size):
        impulses.flat[n] = 1
        responses.append(resample.resample(impulses, matrix, offset, (size, size), kernel))
        impulses.flat[n] = 0
    counts = np.random.default_rng(5).integers(0, 50, (size, size)).astype(np.int16)
    squared = np.linspace(1, 9, 50, dtype=np.float32)
    expected = np.sqrt(sum(r**2 * squared[c] for r, c in zip(responses, counts.flat, strict=True)))
    none = np.empty((0, 2), np.int64)
    ours = resample.variance(counts, None, squared, kernel, none, matrix, offset, shape=(size, size), gain=2.0)
    inner = (slice(4, -4), slice(4, -4))
    np.testing.assert_allclose(ours[inner], 2 * expected[inner], rtol=2e-3)


def test_negative_counts_have_the_variance_of_none():
    none = np.empty((0, 2), np.int64)
    counts = np.full((9, 9), -5, np.int16)
    squared = np.array([4, 100], np.float32)
    ours = resample.variance(counts, None, squared, "keys", none, np.eye(2), np.zeros(2), shape=(9, 9))
    np.testing.assert_allclose(ours, 2.0)


def test_sunpy_can_rotate_with_our_kernels():
    resample.add_to_sunpy()
    smap = small_map(picture(), Geometry(160.4, 158.7, 0.6006, 20.0))
    theirs = smap.rotate(10 * u.deg, method="scipy", missing=np.nan)
    ours = smap.rotate(10 * u.deg, method="aia-cubic-spline", missing=np.nan)
    keys = smap.rotate(10 * u.deg, method="aia-keys", missing=np.nan)
    inside = ndimage.binary_erosion(np.isfinite(theirs.data), iterations=16)
    np.testing.assert_allclose(ours.data[inside], theirs.data[inside], atol=1e-5 * np.nanpercentile(theirs.data, 99))
    assert np.abs(keys.data - ours.data)[inside].max() > 0


@pytest.mark.parametrize(("image", "kernel", "text"), [
    (np.zeros((3, 9)), "keys", "4 x 4 pixels are needed"),
    (np.zeros((9, 9)), "bicubic", "allowed are cubic-spline, keys"),
])  # fmt: skip
def test_what_cannot_be_interpolated_is_said(image, kernel, text):
    with pytest.raises(ValueError, match=text):
        resample.resample(image, np.eye(2), np.zeros(2), (9, 9), kernel)


def test_no_kernel_reorders_sums():
    """Fast-math flags would make the values depend on the processor."""
    modules = (kernels, prefilter, sums, weights)
    compiled = [item for module in modules for item in vars(module).values() if hasattr(item, "targetoptions")]
    assert len(compiled) > 20
    assert not any(item.targetoptions.get("fastmath") for item in compiled)


@pytest.mark.parametrize("kernel", resample.KERNELS)
def test_an_image_may_be_of_any_width(kernel):
    image = np.random.default_rng(3).normal(100, 9, (4, 20_000)).astype(np.float32)
    same = resample.resample(image, np.eye(2), np.zeros(2), image.shape, kernel)
    np.testing.assert_allclose(same, image, rtol=1e-5)
