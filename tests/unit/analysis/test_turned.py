"""Level-1 frames turned to one time, against a Sun of which everything is known: places and times are sunpy's."""

import re

import astropy.units as u
import level1_frames
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from level1_frames import SCALE, X0, Y0, header, write
from scipy.ndimage import map_coordinates
from sunpy.coordinates import (
    HeliographicCarrington,
    HeliographicStonyhurst,
    Helioprojective,
    get_earth,
    propagate_with_solar_surface,
)
from sunpy.map.sources import AIAMap

from aia_sequence.analysis.turned import Reference, Source, turn, turned
from aia_sequence.calibration import statistics
from aia_sequence.calibration.corrections import Corrections
from aia_sequence.calibration.header import make_header
from aia_sequence.calibration.level15 import calibrate
from aia_sequence.config.calibration import CalibrationOptions
from aia_sequence.errors import FrameError
from aia_sequence.files import sha256
from aia_sequence.frames.geometry import Geometry
from aia_sequence.projection import RSUN

NOON = "2021-07-03T14:00:00"
TIMES = ("2021-07-03T08:00:00", NOON, "2021-07-03T20:00:00")
REGION = {"x": (-130.0, -70.0), "y": (170.0, 230.0)}  # arcsec, at noon
OPTIONS = CalibrationOptions(pointing=False, degradation=False)
EXPOSURE = 2.0
PIXEL = 6.3e-4  # heliographic radians that a pixel covers there


def seen_from(time):
    """Where SDO is, here at the Earth's centre, and its frame."""
    observer = get_earth(time)
    return observer, Helioprojective(observer=observer, obstime=time, rsun=RSUN * u.m)


def brightness(lon, lat):
    """DN / s of a place on the Sun, by its place at noon: waves of five pixels and more, and a bright dot."""
    waves = 120 * np.cos(2 * np.pi * lon / (7 * PIXEL)) * np.cos(2 * np.pi * lat / (9 * PIXEL))
    waves += 40 * np.sin(2 * np.pi * (lon + lat) / (5 * PIXEL) + 1)
    waves += 60 * np.sin(2 * np.pi * (lon - lat) / (31 * PIXEL))
    return 600 + waves + 3000 * np.exp(-((lon - DOT[0]) ** 2 + (lat - DOT[1]) ** 2) / (2 * (2.5 * PIXEL) ** 2))


def places(time, tx, ty):
    """Stonyhurst longitude and latitude at noon (radians) of what is seen at a time in some directions (arcsec)."""
    _, frame = seen_from(time)
    there = SkyCoord(tx * u.arcsec, ty * u.arcsec, frame=frame).make_3d()
    with propagate_with_solar_surface():
        found = there.transform_to(HeliographicStonyhurst(obstime=NOON))
    return found.lon.to_value("rad"), found.lat.to_value("rad")


DOT = tuple(float(value[0]) for value in places(NOON, np.array([-103.4]), np.array([198.1])))


def level1(time):
    """Level-1 counts and header of a cutout of the Sun at a time: where sunpy sees what lies at each pixel."""
    observer, _ = seen_from(time)
    carrington = observer.transform_to(HeliographicCarrington(observer=observer, obstime=time))
    hours = (np.datetime64(time) - np.datetime64(NOON)) / np.timedelta64(1, "h")
    left, bottom = round(X0 + (-160 + 9.3 * hours) / SCALE), round(Y0 + 140 / SCALE)
    cards = header(exposure=EXPOSURE, x=left, y=bottom)
    cards.update({
        "T_REC": f"{time}Z", "T_OBS": f"{time}Z", "DATE-OBS": time, "CRLN_OBS": carrington.lon.to_value("deg"),
        "CRLT_OBS": observer.lat.to_value("deg"), "HGLT_OBS": observer.lat.to_value("deg"), "HGLN_OBS": 0.0,
        "DSUN_OBS": observer.radius.to_value("m"),
    })  # fmt: skip
    rows, columns = np.indices((200, 200))
    angle = np.radians(cards["CROTA2"])
    u_, v = SCALE * (columns + 1 - cards["CRPIX1"]), SCALE * (rows + 1 - cards["CRPIX2"])
    tx, ty = np.cos(angle) * u_ - np.sin(angle) * v, np.sin(angle) * u_ + np.cos(angle) * v
    return np.rint(EXPOSURE * brightness(*places(time, tx, ty))).astype(np.int16), cards


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Frames of half a day turned to noon; the truth at noon; directions of their pixels; level 1 by time."""
    folder, frames, turned = tmp_path_factory.mktemp("block"), {}, {}
    for time in TIMES:
        counts, cards = frames[time] = level1(time)
        path = folder / f"{time[11:13]}.fits"
        write(path, counts, cards)
    reference = Reference.of_frame({**frames[NOON][1], "NAXIS1": 200, "NAXIS2": 200}, REGION)
    for time in TIMES:
        path = folder / f"{time[11:13]}.fits"
        turned[time] = turn(Source(folder, [], OPTIONS), {"file": path.name, "sha256": sha256(path)}, reference)
    rows, columns = np.indices((reference.grid.ny, reference.grid.nx))
    tx, ty = 0.6 * (columns + 1 - reference.grid.crpix1), 0.6 * (rows + 1 - reference.grid.crpix2)
    return turned, brightness(*places(NOON, tx, ty)), (tx, ty), frames


@pytest.mark.parametrize("time", TIMES)
def test_every_frame_shows_the_sun_of_noon(made, time):
    """To less than a hundredth of its waves, whose shortest has five pixels, and with the same mean to 1e-4."""
    turned, truth, _, _ = made
    difference = turned[time]["data"] - truth
    assert np.isfinite(difference).all()
    assert np.sqrt(np.mean(difference**2)) < 0.8
    assert np.mean(turned[time]["data"]) == pytest.approx(np.mean(truth), rel=1e-4)


def test_a_dot_stays_where_it_is_over_half_a_day(made):
    turned, _, (tx, ty), _ = made
    near = np.hypot(tx + 103.4, ty - 198.1) < 8
    found = []
    for time in TIMES:
        light = np.where(near, turned[time]["data"] - 600, 0).clip(400) - 400
        found.append(((light * tx).sum() / light.sum() / 0.6, (light * ty).sum() / light.sum() / 0.6))
    assert np.ptp(found, axis=0).max() < 0.05


def test_light_that_is_spread_over_more_pixels_is_counted_by_their_area(made):
    """Brightness is kept; brightness times the area that a pixel covers in level 1 is the flux that was measured."""
    turned, _, (tx, ty), _ = made
    near = np.hypot(tx + 103.4, ty - 198.1) < 9
    for time in TIMES:
        there = brightness(*places(NOON, tx[near], ty[near])) * turned[time]["area"][near]
        found = turned[time]["data"][near] * turned[time]["area"][near]
        assert found.sum() == pytest.approx(there.sum(), rel=1e-3)
        assert turned[time]["area"].mean() == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize(("wide", "high"), [(0.6, 0.5), (0.6, 6.0), (6.0, 0.6), (1.2, 1.2)])
def test_a_region_of_a_pixel_or_of_a_row_of_them_is_turned_as_in_a_larger_one(made, tmp_path, wide, high):
    turned, _, (tx, ty), frames = made
    counts, cards = frames[TIMES[0]]
    write(tmp_path / "x.fits", counts, cards)
    region = {"x": [-100.0, -100.0 + wide], "y": [200.0, 200.0 + high]}
    reference = Reference.of_frame({**frames[NOON][1], "NAXIS1": 200, "NAXIS2": 200}, region)
    row = {"file": "x.fits", "sha256": sha256(tmp_path / "x.fits")}
    small = turn(Source(tmp_path, [], OPTIONS), row, reference)
    inside = np.ix_(
        *((one >= low) & (one <= above) for one, (low, above) in ((ty[:, 0], region["y"]), (tx[0], region["x"])))
    )
    for name in ("data", "area", "mask"):
        np.testing.assert_allclose(small[name], turned[TIMES[0]][name][inside], rtol=1e-5)


@pytest.fixture(scope="module")
def resampled(made, tmp_path_factory):
    """A frame at noon's place once and twice resampled, as the Sun has it, and how much of a camera's noise is left."""
    turned, _, directions, frames = made
    counts, cards = frames[TIMES[0]]
    noise = np.rint(100 * np.random.default_rng(2).standard_normal(counts.shape)).astype(np.int16)
    path = tmp_path_factory.mktemp("noisy") / "noisy.fits"
    write(path, counts + noise, cards)
    reference = Reference.of_frame({**frames[NOON][1], "NAXIS1": 200, "NAXIS2": 200}, REGION)
    once = turn(Source(path.parent, [], OPTIONS), {"file": path.name, "sha256": sha256(path)}, reference)["data"]
    quiet = {"once": turned[TIMES[0]]["data"], **resampled_twice(counts, cards, reference, directions)}
    noisy = {"once": once, **resampled_twice(counts + noise, cards, reference, directions)}
    return quiet, {way: np.std(noisy[way] - quiet[way]) / (np.std(noise) / EXPOSURE) for way in quiet}


def resampled_twice(counts, cards, reference, directions):
    """Level 1.5 mapped to noon: by scipy's cubic spline to where sunpy sees each place, and by sunpy's reproject_to."""
    corrections = Corrections(Geometry.of_header(cards))
    pixels = calibrate(counts, cards, corrections, OPTIONS)
    made = make_header(cards, pixels, statistics.statistics(pixels.image), corrections, OPTIONS, {})
    level15 = AIAMap(pixels.image, dict(made))
    observer, frame = seen_from(NOON)
    there = SkyCoord(*(directions * u.arcsec), frame=frame).make_3d()
    target = {
        **reference.header, "DATE-OBS": NOON, "NAXIS1": reference.grid.nx, "NAXIS2": reference.grid.ny,
        "RSUN_REF": RSUN, "HGLN_OBS": 0.0, "HGLT_OBS": observer.lat.to_value("deg"),
        "DSUN_OBS": observer.radius.to_value("m"),
    }  # fmt: skip
    with propagate_with_solar_surface():
        bilinear = level15.reproject_to(target, order="bilinear").data
        then = there.transform_to(seen_from(TIMES[0])[1])
    column, row = (
        place.to_value("arcsec") / 0.6 + level15.meta[f"crpix{axis}"] - 1
        for axis, place in ((1, then.Tx), (2, then.Ty))
    )
    return {"spline": map_coordinates(level15.data.astype(float), [row, column], order=3), "bilinear": bilinear}


@pytest.mark.filterwarnings("ignore:'datfix' made the change")
@pytest.mark.parametrize(
    ("way", "rms", "noise"), [("once", 0.36, 0.90), ("spline", 1.0, 0.71), ("bilinear", 12.0, 0.54)]
)
def test_a_second_resampling_costs_what_the_documentation_says(made, resampled, way, rms, noise):
    """Distance from the truth (DN/s) and noise that is left, of the three ways in docs/analysis.md."""
    _, truth, _, _ = made
    images, left = resampled
    assert np.sqrt(np.mean((images[way] - truth) ** 2)) == pytest.approx(rms, rel=0.03)
    assert left[way] == pytest.approx(noise, abs=0.02)


@pytest.mark.filterwarnings("ignore:'datfix' made the change")
def test_one_resampling_is_ten_times_nearer_to_the_truth_than_level_15_and_bilinear_reprojection(made, resampled):
    _, truth, _, _ = made
    images, _ = resampled
    errors = {way: np.sqrt(np.mean((image - truth) ** 2)) for way, image in images.items()}
    assert errors["bilinear"] > 10 * errors["once"]
    assert errors["spline"] > errors["once"]


@pytest.mark.parametrize("choice", ["fail", "skip"])
def test_a_frame_that_does_not_say_from_where_it_was_seen_is_refused_or_left_out(tmp_path, choice):
    rows = level1_frames.block(tmp_path, exposures=(2.0, 2.0, 2.0))
    folder = tmp_path / "level1"
    with fits.open(folder / rows[1]["file"], mode="update") as hdus:
        del hdus[1].header["CRLN_OBS"]
    rows[1]["sha256"] = sha256(folder / rows[1]["file"])
    source = Source(folder, rows, CalibrationOptions(pointing=False, degradation=False, on_bad_frame=choice))
    region = {"x": [-660, -630], "y": [-380, -350]}
    first = {**level1_frames.header(), "NAXIS1": 150, "NAXIS2": 120}
    frames = turned([source], Reference.of_frame(first, region))
    if choice == "skip":
        assert [entry.known["record"] for entry in frames] == [rows[0]["record"], rows[2]["record"]]
    else:
        with pytest.raises(FrameError, match=rf"{re.escape(rows[1]['record'])}: .*CRLN_OBS.*on_bad_frame: skip"):
            list(frames)
