"""Point spread functions are aiapy's; deconvolution, in small, is aiapy's iteration, and says what it leaves out."""

import aiapy.psf
import astropy.units as u
import numpy as np
import pytest
from aiapy.psf.psf import _calculate_mesh_spikes
from astropy.io import fits
from sunpy.map.sources import AIAMap

from aia_sequence.calibration import psf
from aia_sequence.errors import ConfigError, FrameError
from aia_sequence.instrument import EUV

SIZE = 64


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """File of a Gaussian point spread function of a small detector."""
    monkeypatch.setattr(psf, "SHAPE", (SIZE, SIZE))
    y, x = np.mgrid[:SIZE, :SIZE] - SIZE // 2
    spread = np.exp(-0.5 * (x**2 + y**2) / 1.5**2)
    psf.write(tmp_path / "psf.fits", spread / spread.sum(), 171)
    return tmp_path / "psf.fits"


def blurred(points):
    y, x = np.mgrid[:SIZE, :SIZE]
    scene = np.full((SIZE, SIZE), 20.0)
    for row, column in points:
        scene += 5000 * np.exp(-0.5 * ((x - column) ** 2 + (y - row) ** 2) / 1.5**2) / (2 * np.pi * 1.5**2)
    return np.round(scene).astype(np.int16)


@pytest.fixture
def aiapy_deconvolved(kernel):
    """Function of counts and iterations: what `aiapy.psf.deconvolve` makes of them with the same kernel, in float64."""
    header = {
        "telescop": "SDO/AIA", "instrume": "AIA", "wavelnth": 171, "waveunit": "angstrom",
        "date-obs": "2010-05-13T00:00:00", "hgln_obs": 0.0, "hglt_obs": 0.0, "dsun_obs": 1.496e11,
        "ctype1": "HPLN-TAN", "ctype2": "HPLT-TAN", "cunit1": "arcsec", "cunit2": "arcsec", "cdelt1": 0.6,
        "cdelt2": 0.6,
    }  # fmt: skip
    spread = fits.getdata(kernel).astype(float)

    def deconvolved(counts, iterations):
        return aiapy.psf.deconvolve(AIAMap(counts.astype(float), header), psf=spread, iterations=iterations).data

    return deconvolved


def test_the_point_spread_function_is_that_of_aiapy():
    """Of full size, with few orders of diffraction: its sum over orders is linear, and 201 take aiapy three minutes."""
    orders = np.array([-100, -2, 1, 3])  # not symmetric, so that a mirrored one is seen
    expected = aiapy.psf.calculate_psf(211 * u.angstrom, diffraction_orders=orders)
    found = psf.calculate(211, orders)
    assert (found.dtype, found.shape) == (np.float64, (4096, 4096))
    assert np.abs(found - expected).max() <= 1e-15 * expected.max()


@pytest.mark.parametrize("channel", EUV.channels)
@pytest.mark.parametrize("focal_plane", [False, True])
def test_each_filter_of_each_channel_diffracts_as_aiapy_says(channel, focal_plane, monkeypatch):
    size = 256
    monkeypatch.setattr(psf, "SHAPE", (size, size))
    mesh = aiapy.psf.filter_mesh_parameters()[channel * u.angstrom]
    spacing = mesh["spacing_fp" if focal_plane else "spacing_e"]
    angles = psf.FOCAL_ANGLES if focal_plane else mesh["angle_arm"].to_value("rad")
    pixels, centre, width = np.arange(size) + 0.5, size / 2 + 0.5, mesh["width"].to_value("pixel")
    spikes = _calculate_mesh_spikes(
        pixels, pixels, spacing.value * np.cos(angles), spacing.value * np.sin(angles), psf.ORDERS[::4], width,
        (mesh["mesh_pitch"] / mesh["mesh_width"]).decompose().value, centre, centre,
    )  # fmt: skip
    core = np.exp(-width * ((pixels - centre) ** 2 + (pixels[:, None] - centre) ** 2))
    expected = 0.18 * spikes / spikes.sum() + 0.82 * core / core.sum()
    found = psf.filter_spread(mesh, spacing, angles, psf.ORDERS[::4])
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-200)


def test_single_precision_stays_near_aiapy_from_dark_sky_to_a_saturated_flare(kernel, aiapy_deconvolved):
    image = blurred([(30, 20), (30, 26)])
    image[:12] = np.random.default_rng(1).poisson(0.3, (12, SIZE)) - 1  # off the limb: noughts, and below the pedestal
    image[40:44, 40:44] = 16383
    expected = aiapy_deconvolved(image, 25)
    allowed = 2e-5 * np.maximum(expected, np.percentile(expected, 99)) + 1e-7 * expected.max()
    assert (np.abs(psf.Deconvolution(kernel, 25)(image, None) - expected) < allowed).all()


def accelerated_in_double_precision(counts, spread, iterations):
    """Richardson and Lucy's iteration from extrapolated estimates, as Biggs and Andrews (1997) write it."""
    transfer = np.fft.rfft2(np.fft.ifftshift(spread))
    estimates, steps = [counts, counts], []
    for _ in range(iterations):
        along = 0.0
        if len(steps) > 1:
            along = np.clip((steps[-1] * steps[-2]).sum() / (steps[-2] ** 2).sum(), 0, 1)
        start = np.maximum(estimates[-1] + along * (estimates[-1] - estimates[-2]), 0)
        expected = np.fft.irfft2(np.fft.rfft2(start) * transfer)
        factor = np.fft.irfft2(np.fft.rfft2(counts / expected) * transfer.conj())
        estimates.append(start * factor)
        steps.append(estimates[-1] - start)
    return estimates[-1]


def test_accelerated_iterations_are_those_of_biggs_and_andrews(kernel):
    image = blurred([(30, 20), (30, 26), (12, 50)])
    expected = accelerated_in_double_precision(image.astype(float), fits.getdata(kernel), 12)
    found = psf.Deconvolution(kernel, 12, True)(image, None)
    assert (np.abs(found - expected) < 2e-5 * np.maximum(expected, np.percentile(expected, 99))).all()


@pytest.mark.parametrize("iterations", [1, 2])
def test_acceleration_begins_with_the_third_iteration(kernel, iterations):
    """The first two are plain: there is nothing yet to see a direction in."""
    image = blurred([(30, 20)])
    plain, quick = (psf.Deconvolution(kernel, iterations, fast)(image, None) for fast in (False, True))
    np.testing.assert_array_equal(plain, quick)


def test_twelve_accelerated_iterations_do_what_twenty_five_do(kernel, aiapy_deconvolved):
    image = blurred([(30, 20), (30, 26), (12, 50)])
    goal = aiapy_deconvolved(image, 25)
    plain, quick = (psf.Deconvolution(kernel, 12, fast)(image, None) for fast in (False, True))
    assert np.abs(quick - goal).max() < 0.3 * np.abs(plain - goal).max()
    assert quick.sum(dtype=float) == pytest.approx(image.sum(dtype=float), rel=1e-3)
    assert quick.min() >= 0


def test_light_goes_back_to_where_it_came_from(kernel):
    image = blurred([(30, 20), (30, 26)])
    sharp = psf.Deconvolution(kernel, 25)(image, None)
    assert sharp.dtype == np.float32
    assert sharp.sum(dtype=float) == pytest.approx(image.sum(dtype=float), rel=1e-3)
    assert sharp[30, 20] > 3 * image[30, 20]
    assert sharp[30, 23] < image[30, 23]


def test_more_iterations_are_sharper(kernel):
    image = blurred([(30, 20)])
    peaks = [psf.Deconvolution(kernel, iterations)(image, None).max() for iterations in (1, 5, 25)]
    assert image.max() < peaks[0] < peaks[1] < peaks[2]


def test_missing_pixels_are_missing_afterwards_and_nothing_else(kernel):
    image = blurred([(30, 20)])
    image[5:8, 40:44] = -32768
    sharp = psf.Deconvolution(kernel, 5)(image, -32768)
    assert np.isnan(sharp).sum() == 12
    assert np.isnan(sharp[5:8, 40:44]).all()


def test_a_cutout_is_refused(kernel):
    with pytest.raises(FrameError, match="only full-disk frames can be deconvolved"):
        psf.Deconvolution(kernel, 5)(np.zeros((50, 40), np.int16), None)


def test_ultraviolet_channels_have_no_point_spread_function():
    with pytest.raises(ConfigError, match="no point spread function for 1600"):
        psf.calculate(1600)


def test_the_file_tells_its_source_and_is_the_same_whenever_it_is_written(kernel, tmp_path):
    first = kernel.read_bytes()
    with fits.open(kernel, checksum=True) as hdus:
        psf.write(tmp_path / "again.fits", hdus[0].data, 171)
    assert (tmp_path / "again.fits").read_bytes() == first
    told = psf.about(kernel)
    assert told["source"].startswith("as aiapy.psf.calculate_psf ")
    assert len(told["sha256"]) == 64


@pytest.mark.parametrize("content", [b"", b"no FITS", b"SIMPLE  =                    T".ljust(2880)])
def test_a_file_that_holds_no_point_spread_function_is_named(tmp_path, content):
    path = tmp_path / "211.fits"
    path.write_bytes(content)
    with pytest.raises(FrameError, match=r"211\.fits: the file is missing or damaged .*; delete it"):
        psf.Deconvolution(path, 1)
