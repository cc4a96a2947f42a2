"""The uncertainty of a sum over a region is the scatter of such sums."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.interpolate import BSpline

from aia_sequence.calibration import binning
from aia_sequence.calibration.resample import KERNELS, coefficients, interpolate, variance, variances
from aia_sequence.calibration.sums import sum_uncertainty
from aia_sequence.frames.geometry import Geometry, Grid

BASIS = {"cubic-spline": BSpline.basis_element(np.arange(-2.0, 3.0), extrapolate=False)}
# Plate scale, roll: of 171, 211, 1600 and 1700 Å, and rolled spacecraft
GEOMETRIES = [(0.599489, 0.02), (0.600758, -0.06), (0.609373, 0.01), (0.612898, 0.14), (0.6006, 30.0), (0.6129, 90.1)]
NONE = np.empty((0, 2), np.int64)


def keys(x):
    """Keys' convolution, a = -0.5."""
    x = np.abs(x)
    return np.where(x < 1, 1.5 * x**3 - 2.5 * x**2 + 1, np.where(x < 2, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2, 0))


def setting(size, scale, roll, kernel, around=12):
    """A region of `size` pixels, the level-1 frame around it, the map between them, and the header's keywords."""
    side = int(size * 0.6 / scale * (1 if abs(roll) % 90 < 1 else 1.4)) + 2 * around + 2
    geometry = Geometry(side / 2 + 0.237, side / 2 - 0.411, scale, roll)
    grid = Grid(size, size, (size + 1) / 2, (size + 1) / 2)
    header = {"CRPIX1": grid.crpix1, "CRPIX2": grid.crpix2, "REGMETH": kernel}
    header |= {"REG_X": geometry.x0 + 1, "REG_Y": geometry.y0 + 1, "REG_SCL": scale, "REG_ROT": roll}
    return side, geometry.map(grid), header


def weights(side, affine, shape, kernel, wanted=None):
    """Weight of each level-1 pixel in the sum over a region: the interpolation transposed, in double precision."""
    j, i = np.mgrid[: shape[0], : shape[1]]
    x, y = np.tensordot(affine[0], [i, j], axes=1) + affine[1][:, None, None]
    total, keep = np.zeros((side, side)), np.ones(shape) if wanted is None else wanted
    function = keys if kernel == "keys" else lambda t: np.nan_to_num(BASIS[kernel](t))
    for m in range(-1, 3):
        for n in range(-1, 3):
            column, line = np.floor(x).astype(int) + n, np.floor(y).astype(int) + m
            np.add.at(total, (line, column), keep * function(x - column) * function(y - line))
    return total if kernel == "keys" else ndimage.spline_filter(total, order=3, mode="mirror")


def stated(counts, squared, kernel, affine, shape, header, wanted=None):
    """What `sum_uncertainty` makes of a frame's own uncertainty plane."""
    sigma = variance(counts, None, squared, kernel, NONE, *affine, shape=shape)
    if wanted is not None:
        sigma[~wanted] = np.nan
    return sum_uncertainty(sigma, header)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("scale", "roll"), GEOMETRIES)
@pytest.mark.parametrize("size", [5, 12, 50, 400])
def test_it_is_the_input_variances_weighted_by_the_squares_of_the_summed_weights(size, scale, roll, kernel):
    """Of a scene with structure, within 2 %."""
    side, affine, header = setting(size, scale, roll, kernel)
    rng = np.random.default_rng(size)
    counts = (20 + 900 * ndimage.gaussian_filter(rng.gamma(0.5, 2, (side, side)), 3)).astype(np.int16)
    squared = (0.9 * np.arange(16384) + 1.5).astype(np.float32)
    exact = np.sqrt((weights(side, affine, (size, size), kernel) ** 2 * squared[counts]).sum())
    assert stated(counts, squared, kernel, affine, (size, size), header) == pytest.approx(exact, rel=0.02)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("scale", "roll"), [(0.599489, 0.02), (0.612898, 0.14)])
@pytest.mark.parametrize(("size", "regions"), [(5, 80), (40, 12)])
def test_it_is_the_scatter_of_sums_of_noise(size, regions, scale, roll, kernel):
    """Monte Carlo: many regions of frames that hold nothing but noise of a level-1 sigma of 3 DN."""
    shape = (regions * size, regions * size)
    side, affine, _ = setting(shape[0], scale, roll, kernel)
    rng, sums = np.random.default_rng(7), []
    frames = 3 if size == 5 else 130
    for _ in range(frames):
        image = rng.normal(0, 3, (side, side)).astype(np.float32)
        made = interpolate(coefficients(image, kernel), *affine, shape).astype(np.float64)
        sums.append(made.reshape(regions, size, regions, size).sum(axis=(1, 3)).ravel())
    _, affine, header = setting(size, scale, roll, kernel)
    counts, squared = np.zeros((side, side), np.int16), np.full(2, 9, np.float32)
    assert stated(counts, squared, kernel, affine, (size, size), header) == pytest.approx(
        np.sqrt(np.mean(np.square(sums))), rel=0.02
    )


@pytest.mark.parametrize("kernel", KERNELS)
def test_of_a_large_even_region_it_is_the_root_of_its_pixels_times_the_plate_scales_ratio(kernel):
    side, affine, header = setting(300, 0.612898, 0.14, kernel)
    counts, squared = np.zeros((side, side), np.int16), np.full(2, 9, np.float32)
    found = stated(counts, squared, kernel, affine, (300, 300), header)
    assert found == pytest.approx(3 * 300 * 0.612898 / 0.6, rel=0.005)


@pytest.mark.parametrize("kernel", KERNELS)
def test_pixels_can_have_weights_of_their_own(kernel):
    """As along a slit: bilinear weights of places between pixels."""
    side, affine, header = setting(6, 0.600758, 0.06, kernel)
    factors = np.random.default_rng(2).uniform(0, 0.3, (6, 6)).astype(np.float32)
    counts, squared = np.zeros((side, side), np.int16), np.full(2, 9, np.float32)
    exact = 3 * np.sqrt((weights(side, affine, (6, 6), kernel, factors) ** 2).sum())
    sigma = variance(counts, None, squared, kernel, NONE, *affine, shape=(6, 6))
    assert sum_uncertainty(sigma, header, factors) == pytest.approx(exact, rel=0.01)


@pytest.mark.parametrize("kernel", KERNELS)
def test_missing_pixels_are_no_part_of_the_sum(kernel):
    side, affine, header = setting(60, 0.600758, 0.06, kernel)
    counts, squared = np.zeros((side, side), np.int16), np.full(2, 9, np.float32)
    wanted = np.ones((60, 60), bool)
    wanted[20:31, 40:60] = wanted[3, 4] = wanted[:2] = False
    exact = 3 * np.sqrt((weights(side, affine, (60, 60), kernel, wanted) ** 2).sum())
    found = stated(counts, squared, kernel, affine, (60, 60), header, wanted)
    assert found == pytest.approx(exact, rel=0.01)
    assert sum_uncertainty(np.full((4, 4), np.nan, np.float32), header) == 0


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("bins", [2, 4, 8])
def test_a_sum_over_binned_pixels_is_that_over_the_pixels_that_they_are_made_of(bins, kernel):
    """The sum of means is the sum by the number of pixels in each, and so is its uncertainty."""
    side, affine, header = setting(64, 0.612898, 0.14, kernel)
    rng = np.random.default_rng(bins)
    counts = (20 + 900 * ndimage.gaussian_filter(rng.gamma(0.5, 2, (side, side)), 3)).astype(np.int16)
    squared = (0.9 * np.arange(16384) + 1.5).astype(np.float32)
    exact = np.sqrt((weights(side, affine, (64, 64), kernel) ** 2 * squared[counts]).sum())
    made = np.ones((64 // bins, 64 // bins), np.float32)
    sigma = np.empty_like(made)
    padded = variances(counts, None, squared)
    binning.deviations(padded, *affine, kernel == "cubic-spline", bins, 1.0, made, sigma)
    cards = header | {key: (header[key] - 0.5) / bins + 0.5 for key in ("CRPIX1", "CRPIX2")} | {"BINNING": bins}
    assert sum_uncertainty(sigma, cards) * bins**2 == pytest.approx(exact, rel=0.02)
