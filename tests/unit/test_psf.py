"""Deconvolution, in small: aiapy's iteration on a kernel of ours, and what is left out."""

import numpy as np
import pytest
from astropy.io import fits

from aia_sequence.calibration import psf
from aia_sequence.errors import ConfigError, FrameError

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
    assert told["source"].startswith("aiapy.psf.calculate_psf ")
    assert len(told["sha256"]) == 64
