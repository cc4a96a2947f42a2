"""Calibration recovers the truth: level 1.5 of a synthetic frame is the scene that the frame was made of.

Disc centre, limb radius, roll and brightness, in all ten channels; what is compared is the whole chain from the
instrument's own tables through aiapy's pointing update to the registered, degradation-corrected, exposure-normalised
image.
"""

from dataclasses import dataclass

import astropy.units as u
import numpy as np
import pytest
from astropy.table import QTable
from astropy.time import Time

from aia_sequence.calibration.corrections import of_frame
from aia_sequence.calibration.level15 import calibrate
from aia_sequence.calibration.lookup import Tables
from aia_sequence.config.calibration import CalibrationOptions
from synthetic_jsoc import keywords, tables, times
from synthetic_jsoc.holdings import catalogue, frames
from synthetic_jsoc.instrument import CHANNELS, SATURATION_DN
from synthetic_jsoc.sun import flares, looks, scene, truth
from synthetic_jsoc.sun.view import View

# The response table ends in 2030, of which nobody knows yet the leap seconds.
pytestmark = pytest.mark.filterwarnings("ignore:.*dubious year:erfa.core.ErfaWarning")

CENTRE = 2047.5  # of the level-1.5 grid, from 0
DISTANCE = 218.5  # of the observer in July, solar radii

# Records of normal exposure after the flare of the worked example, when its kernel no longer saturates.
MOMENTS = {
    94: "15:20:11", 131: "15:20:23", 171: "15:05:11", 193: "15:20:23", 211: "15:20:11", 304: "14:40:11",
    335: "15:00:11", 1600: "14:30:11", 1700: "14:30:11", 4500: "14:00:00",
}  # fmt: skip


# Exposures averaged, of the faint channels, whose single frames' noise alone moves a fitted limb by some hundredths.
REPEATS = {94: 6, 131: 3, 335: 3}


def record_of(channel, clock):
    series = CHANNELS[channel].series
    step = keywords.LEVEL1_STEPS[series]
    slot = int((times.parse_time(f"2021-07-03T{clock}Z") - catalogue.EPOCH_TAI + step / 2) // step)
    return catalogue.record(series, slot, channel)


@pytest.fixture(scope="module")
def calibration_tables():
    """The instrument's own tables, as aiapy reads them from the archive."""
    start = times.parse_time("2021-07-03T00:00:00Z")
    pointing = QTable(tables.master_pointing(start, start + 86400))
    response = QTable(sorted(tables.response(), key=lambda r: (r["VER_NUM"], r["WAVE_STR"], r["T_START"])))
    for table in (pointing, response):
        table.meta.update(archive="synthetic", source="model", sha256="0" * 64)
        for name in ("T_START", "T_STOP"):
            table[name] = Time([times.format_time(tai, "ISO", 3).rstrip("Z") for tai in table[name]])
    for name in pointing.colnames:
        unit = {"X0": u.pix, "Y0": u.pix, "IMSCALE": u.arcsec / u.pix, "INSTROT": u.deg}.get(name.split("_")[-1])
        if unit:
            pointing[name].unit = unit
    response["EFF_AREA"].unit = u.cm**2
    for name in ("WAVELNTH", "EFF_WVLN"):
        response[name].unit = u.angstrom
    return Tables.of(pointing, response)


@dataclass
class Pair:
    """A calibrated frame and its truth, both DN/s on the level-1.5 grid, and the record."""

    record: dict
    calibrated: np.ndarray
    truth: np.ndarray

    @property
    def radius(self):
        """RSUN_OBS in pixels."""
        return self.record["RSUN_OBS"] / 0.6


def pair_of(channel, clock, calibration_tables):
    record = record_of(channel, clock)
    header = frames.header(record)
    repeats = REPEATS.get(channel, 1)
    image = frames.image(record)
    if repeats > 1:
        image = image.astype(np.float32)
        for realisation in range(1, repeats):
            image += frames.image(record, realisation)
        image /= repeats
    corrections = of_frame(header, calibration_tables, CalibrationOptions())
    calibrated = calibrate(image, header, corrections, CalibrationOptions()).image
    return Pair(record, calibrated, scene.truth(channel, record["T_OBS"]))


@pytest.fixture(scope="module", params=CHANNELS)
def pair(request, calibration_tables):
    """One channel after the other, each frame made once for all statements about it."""
    return pair_of(request.param, MOMENTS[request.param], calibration_tables)


def displacement(pair):
    """
    Shift (columns, rows), relative scale, and turn (degrees) that carry the truth into the calibrated image.

    Least squares over the disc on the truth's own gradients, weighted by the noise, bright regions left out.
    """
    step = 2
    rows = np.arange(400, 3696, step)
    moments = np.zeros((5, 5)), np.zeros(5)
    for first in range(0, rows.size, 128):
        band = rows[first : first + 128]
        piece = pair.truth[band[0] - 1 : band[-1] + 2].astype(float)
        dy = (piece[2::step] - piece[:-2:step])[:, 1:-1] / 2
        middle = piece[1:-1:step]
        dx = (middle[:, 2:] - middle[:, :-2]) / 2
        y, x = np.meshgrid(band - CENTRE, np.arange(1, 4095) - CENTRE, indexing="ij")
        value, seen = middle[:, 1:-1], pair.calibrated[band, 1:-1]
        used = (np.hypot(x, y) < 1.03 * pair.radius) & (value < 8 * np.median(value[np.hypot(x, y) < pair.radius]))
        used &= np.isfinite(seen)
        weight = 1 / (value[used] + 0.02 * value[used].mean())
        basis = np.stack([dx, dy, x * dx + y * dy, x * dy - y * dx, value])[:, used]
        moments[0][:] += (basis * weight) @ basis.T
        moments[1][:] += (basis * weight) @ (seen[used] - value[used])
    dx, dy, scale, turn, _ = -np.linalg.solve(*moments)
    return dx, dy, scale, np.degrees(turn)


def limb(pair):
    """
    Radius of the limb in the truth, pixels, from the profiles across it.

    On either side the brightness follows the model's law there, times a level and slopes that structure leaves free.
    Of 160 sectors of the limb, away from the flare, the median counts.
    """
    r = pair.radius + np.arange(-4.5, 4.51, 0.125)
    angle = np.radians(np.arange(45, 365, 0.4))[:, None]
    channel, tai = pair.record["WAVELNTH"], pair.record["T_OBS"]
    seen = truth.brightness(scene.Scene(channel, tai), 0.6 * r * np.cos(angle), 0.6 * r * np.sin(angle))
    profiles = seen.reshape(160, 5, r.size).mean(axis=1)
    profiles /= profiles.mean(axis=1)[:, None]
    trials = pair.radius + np.arange(-0.4, 0.41, 0.02)
    misfit = np.array([_misfit(r, profiles, trial, pair.record["WAVELNTH"]) for trial in trials])
    best = np.clip(np.argmin(misfit, axis=0), 1, trials.size - 2)
    a, b, c = (misfit[best + k, np.arange(best.size)] for k in (-1, 0, 1))
    return float(np.median(trials[best] + 0.02 * (a - c) / (2 * (a - 2 * b + c))))


def _misfit(r, profiles, radius, channel):
    """Sum of squares that the best fit to each profile leaves with the limb at a radius."""
    inside, outside, _ = looks.laws(channel, radius, (r / radius) ** 2)
    # Structure on the disc changes with the distance along its surface, which is the cosine towards the observer, seen
    # from as near as we are.
    rest, beyond = 1 - (r / radius) ** 2, r - radius
    even = 0.5 * (rest + np.sqrt(rest**2 + 4 / radius**2))
    near = np.sqrt(even + 2 * (np.sqrt(even) + 0.5 / DISTANCE) / DISTANCE)
    free = inside, inside * near, inside * near**2, outside, outside * beyond, outside * beyond**2
    basis = np.stack(free, axis=1)
    solution, *_ = np.linalg.lstsq(basis, profiles.T, rcond=None)
    return np.sum((basis @ solution - profiles.T) ** 2, axis=0)


def limb_shift(pair):
    """How far the calibrated limb lies outside the truth's, pixels: least squares on the truth's slope across it."""
    row, column = np.ogrid[:4096, :4096]
    square = (row - CENTRE) ** 2 + (column - CENTRE) ** 2
    y, x = np.nonzero((square > (pair.radius - 4) ** 2) & (square < (pair.radius + 4) ** 2))
    truth = pair.truth.astype(float)
    across = (truth[y, x + 1] - truth[y, x - 1]) * (x - CENTRE) + (truth[y + 1, x] - truth[y - 1, x]) * (y - CENTRE)
    slope = across / (2 * np.hypot(y - CENTRE, x - CENTRE))
    excess = pair.calibrated[y, x] - truth[y, x]
    quiet = truth[y, x] < 4 * np.median(truth[y, x])
    return float(-np.sum(excess[quiet] * slope[quiet]) / np.sum(slope[quiet] ** 2))


@pytest.mark.slow
def test_the_disc_lies_in_the_middle_at_its_size_and_upright(pair):
    dx, dy, scale, turn = displacement(pair)
    assert abs(dx) < 0.02
    assert abs(dy) < 0.02
    assert abs(scale * pair.radius) < 0.02
    assert abs(turn) < 0.001


@pytest.mark.slow
def test_the_limb_is_where_rsun_obs_says(pair):
    # Loops that stand beyond the limb shift what is fitted by up to two hundredths.
    assert limb(pair) == pytest.approx(pair.radius, abs=0.03)
    # Noise alone moves the limb of the faintest channel by some hundredths.
    assert abs(limb_shift(pair)) < (0.05 if pair.record["WAVELNTH"] == 94 else 0.02)


@pytest.mark.slow
def test_the_quiet_sun_has_the_scene_s_brightness(pair):
    boxes = [(y, x) for y in (1100, 1600, 2100, 2600) for x in (1000, 1500, 2000, 2500)]
    pieces = [(slice(y, y + 300), slice(x, x + 300)) for y, x in boxes]
    seen = np.array([pair.calibrated[piece].mean(dtype=float) for piece in pieces])
    true = np.array([pair.truth[piece].mean(dtype=float) for piece in pieces])
    assert seen.mean() == pytest.approx(true.mean(), rel=0.005)
    assert seen == pytest.approx(true, rel=0.02)


def kernel_of(record):
    """Square of 80 pixels around the flare."""
    (flare,) = [flare for flare in flares.flares() if flare.region == 12838]
    longitude = np.degrees(View.at(record["T_OBS"]).longitude) + flare.longitude
    column, row, *_ = View.at(record["T_OBS"]).project(flare.latitude, longitude, 1.015)
    return slice(int(row) - 40, int(row) + 40), slice(int(column) - 40, int(column) + 40)


@pytest.mark.slow
def test_the_flare_s_kernel_has_the_scene_s_brightness(pair):
    kernel = kernel_of(pair.record)
    assert pair.calibrated[kernel].mean(dtype=float) == pytest.approx(pair.truth[kernel].mean(dtype=float), rel=0.005)
    if pair.record["WAVELNTH"] < 1000:
        assert pair.truth[kernel].mean() > 3 * np.median(pair.truth[1000:3000, 1000:3000])


@pytest.mark.slow
def test_brightness_does_not_depend_on_exposure(calibration_tables):
    """The kernel in frames of 0.15 and 2.0 s, before the flare saturates and late in it."""
    pairs = [pair_of(193, clock, calibration_tables) for clock in ("14:34:47", "14:24:59")]
    assert pairs[1].record["EXPTIME"] > 10 * pairs[0].record["EXPTIME"]
    for pair in pairs:
        kernel = kernel_of(pair.record)
        left = tables.degradation(193, pair.record["T_OBS"])
        assert pair.truth[kernel].max() * pair.record["EXPTIME"] * left < SATURATION_DN
        assert pair.calibrated[kernel].mean(dtype=float) == pytest.approx(
            pair.truth[kernel].mean(dtype=float), rel=0.005
        )
