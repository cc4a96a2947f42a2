"""Brightnesses in the viewer's file: rounded far below their noise, whatever they are, and restored exactly."""

import base64
import zlib

import astropy.units as u
import numpy as np
import pytest
from aiapy.calibrate import estimate_error
from aiapy.calibrate.utils import get_error_table
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from aia_sequence.figures import codes
from aia_sequence.figures.codes import Coding
from aia_sequence.figures.sequence import Picture
from aia_sequence.instrument import CHANNELS

EXPOSURE, DEGRADATION = 0.58, 0.8


def coding(values, channel=211, factor=1):
    """The coding of a picture of one row."""
    header = fits.Header({"DEGCORR": DEGRADATION})
    row = np.atleast_2d(np.asarray(values, np.float32))
    picture = Picture(row, (0, 1, 0, 1), (0, 0), np.zeros(row.shape, bool), header)
    return Coding.of(picture, row, factor, channel, EXPOSURE)


@pytest.fixture(scope="module")
def errors(shared_data):
    return get_error_table(shared_data / "tables" / "aia_V3_error_table.txt")


@pytest.mark.parametrize("channel", sorted(CHANNELS))
def test_a_step_is_at_most_half_of_the_noise_that_aiapy_estimates(channel, errors):
    chosen = coding([0, 16383 / EXPOSURE / DEGRADATION], channel)
    numbers = np.arange(1, int(chosen.encode(np.array([16383 / EXPOSURE / DEGRADATION]))[0]) + 1)
    steps = chosen.decode(numbers + 0.5) - chosen.decode(numbers - 0.5)
    counts = chosen.decode(numbers) * EXPOSURE * DEGRADATION
    noise = estimate_error(counts * u.DN / u.pix, channel * u.angstrom, error_table=errors).value
    # Registration leaves four fifths of the noise of a level-1 pixel.
    assert (steps * EXPOSURE * DEGRADATION / (0.8 * noise)).max() <= 0.5
    if channel < 1000:  # at 1600 and longer on-board compression makes more noise, which the steps leave out
        assert (steps * EXPOSURE * DEGRADATION / noise).min() > 0.3


@given(st.lists(st.floats(-900, 1e6, width=32), min_size=1, max_size=20), st.integers(1, 12))
def test_a_brightness_is_stored_to_a_fifth_of_its_noise(values, factor):
    values = np.array(values, np.float32)
    chosen = coding(values, factor=factor)
    noise = chosen.noise(values) / factor
    found = chosen.decode(chosen.encode(values))
    # Half a step where the noise is that of the value; the noise changes within a step, most of all at zero.
    assert (np.abs(found - values) <= chosen.step / codes.STEP * factor * 0.22 * noise).all()


def test_rounding_adds_a_hundredth_to_the_noise_at_most():
    random = np.random.default_rng(5)
    for brightness in (0.0, 1.0, 30.0, 2000.0, 25000.0):
        chosen = coding([-50, 30000])
        noise = float(chosen.noise(np.float64(brightness)))
        values = brightness + noise * random.standard_normal(100_000)
        found = chosen.decode(chosen.encode(values))
        assert found.std() / values.std() == pytest.approx(1, abs=0.0125)
        assert abs(np.mean(found - values)) < 0.005 * noise


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=9), st.booleans())
def test_any_value_has_a_code_and_missing_pixels_stay_missing(values, missing):
    values = np.array([np.nan, *values] if missing else values)
    chosen = coding(values)
    found = chosen.encode(values)
    assert ((found == codes.MISSING) == np.isnan(values)).all()
    inside = np.clip(values, codes.LOWEST, codes.HIGHEST)
    error = np.abs(chosen.decode(found) - inside)
    assert (error[np.isfinite(values)] <= 0.6 * chosen.step * chosen.noise(inside[np.isfinite(values)]) + 1e-3).all()


def unpack(text, shape):
    """The codes of packed ones, one after the other, as JPEG-LS describes it."""
    low, high = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8).reshape(2, -1).astype(int)
    rows, columns = shape
    found = np.zeros((rows + 1, columns + 1), int)
    for place, difference in enumerate(low | high << 8):
        row, column = place // columns + 1, place % columns + 1
        left, above, corner = found[row, column - 1], found[row - 1, column], found[row - 1, column - 1]
        if corner >= max(left, above):
            expected = min(left, above)
        elif corner <= min(left, above):
            expected = max(left, above)
        else:
            expected = left + above - corner
        signed = -(difference + 1) // 2 if difference % 2 else difference // 2
        found[row, column] = (expected + signed) % 2**16
    return found[1:, 1:]


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**32 - 1), st.sampled_from([1, 7, 0xFFFF]))
def test_packed_codes_are_restored_exactly(rows, columns, seed, most):
    content = np.random.default_rng(seed).integers(0, most, (rows, columns), np.uint16, endpoint=True)
    np.testing.assert_array_equal(unpack(codes.pack(content), content.shape), content)


def test_noise_is_packed_at_least_as_well_as_where_zlib_looks_for_strings_in_it():
    electrons = np.random.default_rng(1).poisson(np.linspace(5, 5000, 200)[:, np.newaxis], (200, 200))
    numbers = coding(electrons.astype(np.float32).ravel()).encode(electrons.astype(np.float32))
    content = zlib.decompress(base64.b64decode(codes.pack(numbers)))
    assert len(codes.pack(numbers)) <= len(base64.b64encode(zlib.compress(content, 9)))
