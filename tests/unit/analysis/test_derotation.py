"""Derotated pixels show the same place on the Sun, where sunpy says that it is; brightness is what it was."""

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from sunpy.coordinates import HeliographicCarrington, Helioprojective, get_earth, propagate_with_solar_surface
from sunpy.sun.models import differential_rotation

from aia_sequence.analysis import derotation
from aia_sequence.analysis.derotation import View, area, places
from aia_sequence.calibration import resample
from aia_sequence.config.ephemeris import law_of
from aia_sequence.errors import FrameError
from aia_sequence.frames.geometry import Geometry, Grid
from aia_sequence.projection import RSUN

START = "2021-07-03T14:00:00"
LEVEL1 = Geometry(2046.3, 2050.1, 0.6007, 0.07)
SIDE = 40


def header(time, observer):
    seen = observer.transform_to(HeliographicCarrington(observer=observer, obstime=time))
    return {
        "T_OBS": f"{time}Z",
        "CRLN_OBS": seen.lon.to_value("deg"),
        "CRLT_OBS": observer.lat.to_value("deg"),
        "DSUN_OBS": observer.radius.to_value("m"),
    }


def grid_at(x, y):
    """Pixels of the level-1.5 grid whose first has its centre near a place, arcsec."""
    return Grid(SIDE, SIDE, 2048.5 - round(2048 + x / 0.6), 2048.5 - round(2048 + y / 0.6))


def tan(scale, crpix, roll=0.0):
    return WCS({
        "CTYPE1": "HPLN-TAN", "CTYPE2": "HPLT-TAN", "CUNIT1": "arcsec", "CUNIT2": "arcsec", "CDELT1": scale,
        "CDELT2": scale, "CRPIX1": crpix[0], "CRPIX2": crpix[1], "CROTA2": roll,
    })  # fmt: skip


@pytest.mark.parametrize(
    "time", ["2021-07-03T08:00:00", "2021-07-03T14:05:00", "2021-07-03T18:00:00", "2021-07-04T02:00:00"]
)
@pytest.mark.parametrize("place", [(-150, -150), (500, 300), (-600, 200), (0, 700), (100, -800)])
def test_every_pixel_shows_the_place_that_sunpy_finds(time, place):
    one, two = get_earth(START), get_earth(time)
    grid = grid_at(*place)
    x, y = places(View.of_header(header(START, one)), View.of_header(header(time, two)), grid, LEVEL1)
    columns, rows = (axis.ravel() for axis in np.meshgrid(np.arange(SIDE), np.arange(SIDE)))
    lon, lat = tan(0.6, (grid.crpix1, grid.crpix2)).wcs_pix2world(columns, rows, 0)
    frames = [Helioprojective(observer=see, obstime=at, rsun=RSUN * u.m) for see, at in ((one, START), (two, time))]
    there = SkyCoord(((lon + 180) % 360 - 180) * u.deg, lat * u.deg, frame=frames[0]).make_3d()
    with propagate_with_solar_surface():
        seen = there.transform_to(frames[1])
    level1 = tan(LEVEL1.scale, (LEVEL1.x0 + 1, LEVEL1.y0 + 1), LEVEL1.roll)
    right = level1.wcs_world2pix(seen.Tx.to_value("deg"), seen.Ty.to_value("deg"), 0)
    np.testing.assert_allclose(x.ravel(), right[0], atol=1e-4)
    np.testing.assert_allclose(y.ravel(), right[1], atol=1e-4)


@pytest.mark.parametrize("name", ["howard", "snodgrass", "allen", "rigid"])
def test_laws_of_rotation_are_sunpys(name):
    latitudes = np.arange(-80.0, 81, 8) * u.deg
    turned = differential_rotation(1 * u.day, latitudes, model=name).to_value("deg")
    powers = np.sin(latitudes)[:, np.newaxis].value ** [0, 2, 4]
    np.testing.assert_allclose(powers @ law_of(name), turned, atol=1e-4)
    with pytest.raises(ValueError, match="did you mean howard"):
        law_of("howards")
    with pytest.raises(ValueError, match="three numbers"):
        law_of([2.894, -0.428, -0.370])  # micro-rad/s


def test_places_follow_the_law_that_is_asked_for():
    """Half a day apart at the disc centre: rates differ by so many degrees, of which each is 16.5 arcsec there."""
    one, two = get_earth(START), get_earth("2021-07-04T02:00:00")
    views = View.of_header(header(START, one)), View.of_header(header("2021-07-04T02:00:00", two))
    howard, rigid = (places(*views, grid_at(0, 0), LEVEL1, law_of(name))[0].mean() for name in ("howard", "rigid"))
    latitude = one.lat.to_value("rad")  # of the disc centre
    ahead = 0.5 * (law_of("howard") @ np.sin(latitude) ** [0, 2, 4] - law_of("rigid")[0])
    arcsec = np.degrees(RSUN / (one.radius.to_value("m") - RSUN)) * 3600 * np.radians(ahead)
    assert howard - rigid == pytest.approx(arcsec / LEVEL1.scale, rel=0.05)


def test_at_the_reference_time_derotation_is_registration():
    view, grid = View.of_header(header(START, get_earth(START))), grid_at(300, 200)
    x, y = places(view, view, grid, LEVEL1)
    matrix, offset = LEVEL1.map(grid)
    columns, rows = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    np.testing.assert_allclose(x, matrix[0, 0] * columns + matrix[0, 1] * rows + offset[0], atol=1e-6)
    np.testing.assert_allclose(y, matrix[1, 0] * columns + matrix[1, 1] * rows + offset[1], atol=1e-6)
    np.testing.assert_allclose(area(x, y), (0.6 / LEVEL1.scale) ** 2, rtol=1e-6)


def test_what_lies_beyond_the_limb_or_has_turned_behind_it_has_no_place():
    view = View.of_header(header(START, get_earth(START)))
    later = View.of_header(header("2021-07-04T14:00:00", get_earth("2021-07-04T14:00:00")))
    for grid, at in ((grid_at(1000, 0), view), (grid_at(925, -10), later)):
        x, y = places(view, at, grid, LEVEL1)
        assert np.isnan(x).all()
        assert np.isnan(y).all()
    assert not np.isnan(places(view, view, grid_at(900, -10), LEVEL1)[0]).any()


def test_values_between_pixels_are_those_of_the_registrations_spline():
    random = np.random.default_rng(3)
    image = random.integers(0, 4000, (60, 70)).astype(np.int16)
    source = resample.coefficients(image)
    matrix, offset = np.array([[0.98, 0.03], [-0.03, 0.98]]), np.array([5.2, 7.9])
    shape = (30, 40)
    expected = resample.interpolate(source, matrix, offset, shape, gain=0.5)
    columns, rows = np.meshgrid(np.arange(shape[1]), np.arange(shape[0]))
    x, y = (matrix[n, 0] * columns + matrix[n, 1] * rows + offset[n] for n in (0, 1))
    out = np.empty(shape, np.float32)
    derotation.sample(source.padded, x, y, np.float32(0.5), out)
    np.testing.assert_allclose(out, expected, rtol=2e-5, atol=0.02)
    x[3, 4], y[5, 6] = np.nan, 59.5
    derotation.sample(source.padded, x, y, np.float32(0.5), out)
    assert np.argwhere(np.isnan(out)).tolist() == [[3, 4], [5, 6]]


def test_the_uncertainty_is_that_of_many_noisy_images():
    """Monte Carlo over a turned grid; the spline's weights are of both signs."""
    random = np.random.default_rng(5)
    x, y = np.meshgrid(10 + 0.97 * np.arange(12) + 0.3, 9 + 1.02 * np.arange(11) + 0.7)
    out, images = np.empty(x.shape, np.float32), []
    for _ in range(1500):
        noisy = (1000 + 20 * random.standard_normal((40, 40))).astype(np.float32)
        derotation.sample(resample.coefficients(noisy).padded, x, y, np.float32(1), out)
        images.append(out.copy())
    variances = np.full((44, 44), 400, np.float32)
    derotation.sample_variance(variances, x, y, out)
    np.testing.assert_allclose(np.std(images, axis=0).mean(), np.sqrt(out).mean(), rtol=0.01)


def test_pixels_near_a_marked_one_are_found_along_both_axes():
    marked = np.zeros((20, 20), bool)
    marked[10, 7] = True
    x, y = np.meshgrid(np.arange(20) + 0.25, np.arange(20) - 0.25)
    out = np.zeros((20, 20), np.uint8)
    derotation.touched(marked, x, y, 1.0, out, np.uint8(1))
    assert np.argwhere(out).tolist() == [[10, 6], [10, 7], [11, 6], [11, 7]]


def test_a_header_without_its_observer_is_refused():
    with pytest.raises(FrameError, match="CRLN_OBS"):
        View.of_header({"T_OBS": f"{START}Z", "CRLT_OBS": 3.0, "DSUN_OBS": 1.5e11})
