"""Half a day of the embedded archive's turning Sun, derotated: granules stay where they are."""

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from scipy.ndimage import gaussian_filter
from sunpy.coordinates import HeliographicStonyhurst, Helioprojective, get_earth
from sunpy.sun.models import differential_rotation

from aia_sequence.analysis.derotation import View, places, sample
from aia_sequence.calibration.resample import coefficients
from aia_sequence.config.ephemeris import law_of
from aia_sequence.frames.geometry import Geometry, Grid
from aia_sequence.projection import RSUN
from aia_sequence.times import read_time
from synthetic_jsoc.sun.ephemeris import observer
from synthetic_jsoc.sun.scene import Scene
from synthetic_jsoc.sun.view import CENTRE

NOON = "2011-02-15T02:00:00Z"
HOURS = (-6, 0, 6)
SIZE = 160  # pixels of what is compared
# The photosphere: at 4500 Å the model shows nothing above it, and turns its granules rigidly, at Carrington's rate.
CHANNEL = 4500
WHERE = [(-100, -500), (200, 100), (100, 300)]  # arcsec
LEVEL1 = Geometry(2045.3, 2050.1, 0.6007, 0.05)


def header(tai):
    found = observer([tai])
    return {key: float(found[key][0]) for key in ("CRLN_OBS", "CRLT_OBS", "DSUN_OBS")}


def view(hours):
    cards = header(read_time(NOON) + 3600 * hours)
    angles = np.radians([cards["CRLN_OBS"], cards["CRLT_OBS"]])
    return View(read_time(NOON) + 3600 * hours, *angles, cards["DSUN_OBS"] / RSUN)


def level1(hours, x, y, size=320):
    """Whole counts of a cutout around a place (arcsec), as a camera with its own pointing, scale and roll has it."""
    angle = np.radians(LEVEL1.roll)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) / LEVEL1.scale
    left, bottom = np.rint(turn @ [x, y] + [LEVEL1.x0, LEVEL1.y0]).astype(int) - size // 2
    geometry = Geometry(LEVEL1.x0 - left, LEVEL1.y0 - bottom, LEVEL1.scale, LEVEL1.roll)
    steps = np.linalg.inv(turn) / 0.6
    first = steps @ [-geometry.x0, -geometry.y0] + CENTRE
    scene = Scene(CHANNEL, read_time(NOON) + 3600 * hours)
    return np.rint(scene.on([*first, *steps[:, 0], *steps[:, 1]], (size, size)) / 8), geometry


def shift(image, other):
    """How far (pixels, along x and y) an image's structure lies from another's: the peak of their correlation."""
    fine = [one - gaussian_filter(one, 4) for one in (image, other)]
    window = np.outer(np.hanning(SIZE), np.hanning(SIZE))
    spectra = [np.fft.fft2(one * window) for one in fine]
    found = np.fft.fftshift(np.fft.ifft2(spectra[0] * spectra[1].conj()).real)
    row, column = np.unravel_index(found.argmax(), found.shape)
    around = [found[row, column - 1 : column + 2], found[row - 1 : row + 2, column]]
    part = [(low - high) / (2 * (low - 2 * middle + high)) for low, middle, high in around]
    return np.array([column, row]) + part - SIZE // 2


def turned(place, law):
    """The frames around noon as the surface looked at noon, by a law of rotation."""
    x, y = place
    corner = [2048.5 - round(2048 + where / 0.6) + SIZE // 2 for where in place]
    grid, found = Grid(SIZE, SIZE, *corner), {}
    for hours in HOURS:
        image, geometry = level1(hours, x + 8 * hours, y)
        out = np.empty((SIZE, SIZE), np.float32)
        at = places(view(0), view(hours), grid, geometry, law)
        sample(coefficients(image.astype(np.float32)).padded, *at, np.float32(1), out)
        found[hours] = out
    assert all(np.isfinite(one).all() for one in found.values())
    return found


@pytest.mark.parametrize("place", WHERE)
def test_granules_stay_to_a_twentieth_of_a_pixel_over_half_a_day(place):
    found = turned(place, law_of("rigid"))
    for hours in (-6, 6):
        assert np.abs(shift(found[hours], found[0])).max() < 0.05


@pytest.mark.parametrize("place", WHERE)
def test_by_another_law_they_drift_by_what_the_laws_differ(place):
    """By Howard's, as sunpy has it, in place of the model's own: what is shown comes from elsewhere on the parallel."""
    found, time = turned(place, law_of("howard")), NOON.removesuffix("Z")
    seen = Helioprojective(observer=get_earth(time), obstime=time, rsun=RSUN * u.m)
    there = SkyCoord(*place * u.arcsec, frame=seen).transform_to(HeliographicStonyhurst(obstime=time))
    rates = [differential_rotation(1 * u.day, there.lat, model=model).to_value("deg") for model in ("rigid", "howard")]
    for hours in (-6, 6):
        ahead = (rates[0] - rates[1]) * hours / 24 * u.deg
        gone = SkyCoord(there.lon + ahead, there.lat, there.radius, frame=there.frame).transform_to(seen)
        drift = np.array([gone.Tx.to_value("arcsec") - place[0], gone.Ty.to_value("arcsec") - place[1]]) / 0.6
        # The map shows its middle's drift; across it the latitude changes by two degrees.
        assert shift(found[hours], found[0]) == pytest.approx(drift, abs=0.2)
