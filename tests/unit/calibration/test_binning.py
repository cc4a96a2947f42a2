"""Binned level 1.5: means of pixels on one grid for all frames, with the uncertainty that such means have."""

from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits
from level1_frames import counts, header
from scipy import ndimage
from sunpy.map.sources import AIAMap

from aia_sequence.calibration import binning, statistics
from aia_sequence.calibration.corrections import Corrections
from aia_sequence.calibration.header import check_level15, make_header
from aia_sequence.calibration.level15 import calibrate
from aia_sequence.calibration.resample import variances
from aia_sequence.config.calibration import CalibrationOptions
from aia_sequence.config.cutouts import whole_bins
from aia_sequence.frames.companions import NEAR_SATURATED, SATURATED
from aia_sequence.frames.geometry import FULL_DISK, Geometry, Grid

PLAIN = CalibrationOptions(pointing=False, degradation=False, exposure=False)
SIGMA = np.sqrt(0.9 * np.arange(16384) + 1.5)


def run(image, cards, **options):
    """Calibrate a frame, and bring the image's flags along."""
    return calibrate(image, cards, Corrections(Geometry.of_header(cards)), replace(PLAIN, **options), sigma=SIGMA)


def blocks(image, size):
    """The pixels of each square, of squares that begin with the first pixel."""
    ny, nx = (n // size * size for n in image.shape)
    return image[:ny, :nx].reshape(ny // size, size, nx // size, size).swapaxes(1, 2)


@pytest.mark.parametrize("size", [2, 4, 8])
@pytest.mark.parametrize("kernel", ["cubic-spline", "keys"])
def test_a_binned_pixel_is_the_mean_of_pixels_counted_from_the_full_disks_first(size, kernel):
    image, cards = counts((120, 150)), header()
    whole, binned = (run(image, cards, bin=n, interpolation=kernel) for n in (1, size))
    left, bottom = (round(2048.5 - crpix) for crpix in (whole.grid.crpix1, whole.grid.crpix2))
    first = round(left % size and size - left % size), round(bottom % size and size - bottom % size)
    expected = blocks(whole.image[first[1] :, first[0] :].astype(np.float64), size).mean(axis=(2, 3))
    x, y = (round((2048 / size + 0.5) - crpix) for crpix in (binned.grid.crpix1, binned.grid.crpix2))
    place = (left + first[0]) // size - x, (bottom + first[1]) // size - y
    found = binned.image[place[1] : place[1] + expected.shape[0], place[0] : place[0] + expected.shape[1]]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert binned.grid.scale == pytest.approx(0.6 * size)
    assert np.isfinite(found).any()


def test_the_full_disk_binned_has_its_middle_between_pixels():
    grid = FULL_DISK.binned(4)
    assert (grid.nx, grid.ny, grid.crpix1, grid.crpix2, grid.scale) == (1024, 1024, 512.5, 512.5, 2.4)


def test_flux_is_kept_and_so_is_its_place():
    """A bright source far from the edges has the same flux and centre of light, and sunpy finds it there."""
    y, x = np.mgrid[:200, :240]
    image = np.round(9000 * np.exp(-((x - 131.3) ** 2 + (y - 77.8) ** 2) / 60)).astype(np.int16)
    cards, found = header(), []
    for size in (1, 2, 4, 8):
        made = run(image, cards, bin=size)
        data = np.nan_to_num(made.image.astype(np.float64))
        corrections, options = Corrections(Geometry.of_header(cards)), replace(PLAIN, bin=size)
        cards15 = make_header(cards, made, statistics.statistics(made.image), corrections, options, {})
        ny, nx = made.image.shape
        check_level15({**cards15, "NAXIS1": nx, "NAXIS2": ny, "BITPIX": -32}, options, (ny, nx))
        smap = AIAMap(made.image, dict(cards15))
        rows, columns = np.indices(data.shape)
        place = smap.wcs.pixel_to_world((data * columns).sum() / data.sum(), (data * rows).sum() / data.sum())
        found.append((data.sum() * size**2, place.Tx.arcsec, place.Ty.arcsec))
    flux, tx, ty = np.array(found).T
    np.testing.assert_allclose(flux, flux[0], rtol=1e-4)
    assert np.ptp(tx) < 0.02
    assert np.ptp(ty) < 0.02


def test_a_missing_pixel_makes_its_square_missing():
    image = np.arange(64, dtype=np.float32).reshape(8, 8)
    image[5, 2] = np.nan
    out = np.empty((4, 4), np.float32)
    binning.means(image, 2, out)
    assert np.argwhere(np.isnan(out)).tolist() == [[2, 1]]
    assert out[0, 0] == (0 + 1 + 8 + 9) / 4


@pytest.mark.parametrize("kernel", ["cubic-spline", "keys"])
@pytest.mark.parametrize("size", [2, 4, 8])
def test_the_scatter_of_means_is_their_uncertainty(size, kernel):
    """Monte Carlo with scipy's spline (and an own Keys): frames of noise with a standard deviation of 3."""
    side, out = 150, 128
    geometry = Geometry(side / 2 + 0.237, side / 2 - 0.411, 0.612898, 0.4)
    matrix, offset = geometry.map(Grid(out, out, out / 2, out / 2))
    rng, squares = np.random.default_rng(size), []
    for _ in range(60):
        noise = rng.normal(0, 3, (side, side))
        if kernel == "keys":
            made = keys(noise, matrix, offset, out)
        else:
            made = ndimage.affine_transform(noise, matrix[::-1, ::-1], offset[::-1], (out, out), order=3, mode="mirror")
        squares.append(np.square(blocks(made, size).mean(axis=(2, 3))))
    measured = np.sqrt(np.mean(squares))
    shape = out // size, out // size
    stated = np.empty(shape, np.float32)
    padded = variances(np.zeros((side, side), np.int16), None, np.full(2, 9, np.float32))
    binning.deviations(padded, matrix, offset, kernel != "keys", size, 1.0, np.zeros(shape, np.float32), stated)
    assert np.sqrt(np.mean(np.square(stated))) == pytest.approx(measured, rel=0.02)


def keys(image, matrix, offset, side):
    """Cubic convolution, a = -0.5, in double precision."""
    j, i = np.mgrid[:side, :side]
    x, y = np.tensordot(matrix, [i, j], axes=1) + offset[:, None, None]

    def weight(t):
        t = np.abs(t)
        return np.where(t < 1, 1.5 * t**3 - 2.5 * t**2 + 1, np.where(t < 2, -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2, 0))

    total = np.zeros((side, side))
    for m in range(-1, 3):
        for n in range(-1, 3):
            column, line = np.floor(x).astype(int) + n, np.floor(y).astype(int) + m
            total += weight(x - column) * weight(y - line) * image[line, column]
    return total


def test_uncertainty_and_flags_are_of_the_squares():
    image = counts((120, 150)).astype(np.int16)
    image[60, 70] = 16000
    made = run(image, header(), bin=4, uncertainty=True)
    assert made.uncertainty.shape == made.image.shape
    assert np.array_equal(np.isnan(made.uncertainty), np.isnan(made.image))
    single = run(image, header(), uncertainty=True)
    assert np.nanmedian(made.uncertainty) < 0.4 * np.nanmedian(single.uncertainty)
    bits = set(made.flags["FLAGS"].tolist())
    assert SATURATED | NEAR_SATURATED in bits
    assert 1 <= sum(run["LAST"] - run["FIRST"] + 1 for run in made.flags if run["FLAGS"] & SATURATED) <= 4


def test_a_cutouts_region_is_widened_to_whole_squares():
    options = {"region": {"x": (-10.0, 9.0), "y": (100.1, 130.0)}, "calibration": {"bin": 4}}
    widened = whole_bins(options)
    assert widened["x"] == pytest.approx((-12.0, 9.6))
    assert widened["y"] == pytest.approx((98.4, 132.0))
    assert whole_bins({"region": options["region"]}) is options["region"]


def test_a_binned_frame_says_so():
    cards = header()
    made = run(counts((120, 150)), cards, bin=2)
    corrections = Corrections(Geometry.of_header(cards))
    found = make_header(cards, made, statistics.statistics(made.image), corrections, replace(PLAIN, bin=2), {})
    assert (found["BINNING"], found["CDELT1"]) == (2, 1.2)
    assert "binning: mean of 2 x 2 pixels" in str(fits.Header.fromstring(found.text())["HISTORY"])


@pytest.mark.filterwarnings("error:Card is too long")
@pytest.mark.parametrize("options", [{"bin": 8}, {"compression": "rice"}, {"exposure": False, "interpolation": "keys"}])
def test_what_a_card_says_fits_into_it(options):
    cards, chosen = header(), replace(PLAIN, **options)
    made = run(counts((120, 150)), cards, **options)
    corrections = Corrections(Geometry.of_header(cards))
    found = make_header(cards, made, statistics.statistics(made.image), corrections, chosen, {})
    assert len(fits.Header.fromstring(found.text())) == len(found.text()) // 80
