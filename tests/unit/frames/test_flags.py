"""Saturated level-1 pixels are found again in level 1.5: every one, and nothing else."""

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st
from small_frames import as_table

from aia_sequence.calibration.flags import runs_of, saturation
from aia_sequence.calibration.resample import KERNELS, REACH, resample
from aia_sequence.frames import companions
from aia_sequence.frames.companions import NEAR_SATURATED, SATURATED
from aia_sequence.frames.fits import read_level15
from aia_sequence.frames.geometry import Geometry, Grid
from aia_sequence.frames.level15file import write_level15

SIZE = 40
GRID = Grid(SIZE, SIZE, (SIZE + 1) / 2, (SIZE + 1) / 2)


def flagged(counts, kernel, geometry):
    """Number of saturated pixels and their flags on the level-1.5 grid."""
    number, runs = saturation(counts, kernel, geometry.map(GRID), (SIZE, SIZE))
    return number, companions.read_flags(as_table(companions.flags_table(runs)), slice(0, SIZE), slice(0, SIZE))


def distances(row, column, geometry):
    """How far the level-1.5 pixels lie from a level-1 pixel, along the level-1 axes: their sky positions rotated."""
    y, x = 0.6 * (np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2)
    angle = np.radians(geometry.roll)
    across = (x * np.cos(angle) + y * np.sin(angle)) / geometry.scale + geometry.x0 - column
    upwards = (y * np.cos(angle) - x * np.sin(angle)) / geometry.scale + geometry.y0 - row
    return np.maximum(np.abs(across), np.abs(upwards))


@pytest.mark.parametrize("kernel", KERNELS)
@given(
    scale=st.floats(0.5995, 0.6131),
    roll=st.one_of(st.floats(-0.1, 0.1), st.sampled_from([3.0, 45.0, 179.98])),
    centre=st.tuples(st.floats(18.0, 21.0), st.floats(18.0, 21.0)),
    places=st.lists(st.tuples(st.integers(8, 31), st.integers(8, 31)), min_size=1, max_size=6, unique=True),
)
def test_each_saturated_pixel_flags_what_lies_on_it_and_what_the_kernel_makes_of_it(
    kernel, scale, roll, centre, places
):
    geometry, counts = Geometry(*centre, scale, roll), np.full((SIZE, SIZE), 100, np.int16)
    overlapped, reached = np.zeros((2, SIZE, SIZE), bool)
    sure = np.ones((SIZE, SIZE), bool)
    for row, column in places:
        counts[row, column] = 16383
        distance = distances(row, column, geometry)
        overlapped |= distance < 1
        reached |= distance < REACH[kernel]
        sure &= (np.abs(distance - 1) > 1e-9) & (np.abs(distance - REACH[kernel]) > 1e-9)
    number, flags = flagged(counts, kernel, geometry)
    assert number == len(places)
    np.testing.assert_array_equal(((flags & SATURATED) > 0)[sure], overlapped[sure])
    np.testing.assert_array_equal(((flags & NEAR_SATURATED) > 0)[sure], reached[sure])
    for row, column in places:
        assert overlapped[distances(row, column, geometry) < 0.7].any(), "a saturated pixel has left no mark"


def test_a_keys_value_changes_with_a_saturated_pixel_only_where_it_is_flagged():
    geometry, counts = Geometry(19.3, 19.8, 0.6006, 0.05), np.full((SIZE, SIZE), 100, np.int16)
    plain = resample(counts, *geometry.map(GRID), (SIZE, SIZE), "keys")
    counts[20, 17] = 16383
    changed = np.nan_to_num(resample(counts, *geometry.map(GRID), (SIZE, SIZE), "keys") - plain) != 0
    _, flags = flagged(counts, "keys", geometry)
    np.testing.assert_array_equal(changed, (flags & NEAR_SATURATED) > 0)
    assert 1 <= ((flags & SATURATED) > 0).sum() <= 4


def test_the_limit_leaves_room_for_dark_current_and_flat_field():
    counts = np.full((SIZE, SIZE), 15563, np.int16)
    assert flagged(counts, "keys", Geometry(19.5, 19.5, 0.6, 0.0))[0] == 0
    counts[20, 17] = 15564
    number, flags = flagged(counts, "keys", Geometry(19.5, 19.5, 0.6, 0.0))
    assert number == 1
    assert np.argwhere(flags & SATURATED).tolist() == [[20, 17]]


@given(st.integers(1, 12), st.integers(1, 30), st.integers(0, 999))
def test_runs_hold_the_flags_and_nothing_else(ny, nx, seed):
    flags = np.random.default_rng(seed).choice([0, 0, 2, 3], (ny, nx)).astype(np.uint8)
    table = as_table(companions.flags_table(runs_of(flags)))
    np.testing.assert_array_equal(companions.read_flags(table, slice(0, ny), slice(0, nx)), flags)
    part = slice(ny // 3, ny), slice(nx // 3, max(nx // 2, nx // 3 + 1))
    np.testing.assert_array_equal(companions.read_flags(table, *part), flags[part])


def test_flags_are_read_as_the_documentation_says(tmp_path):
    """With astropy alone, in the words of docs/calibration.md."""
    flags = np.zeros((9, 11), np.uint8)
    flags[3, 2:5], flags[8, 10] = 2, 3
    header = fits.Header({"CRPIX1": 1.0, "CRPIX2": 1.0})
    write_level15(tmp_path / "a.fits", np.zeros((9, 11), np.float32), header, runs_of(flags))
    with fits.open(tmp_path / "a.fits") as hdus:
        found = np.zeros(hdus[0].data.shape, np.uint8)
        for row, first, last, bits in hdus["FLAGS"].data:
            found[row - 1, first - 1 : last] = bits
    np.testing.assert_array_equal(found, flags)
    np.testing.assert_array_equal(read_level15(tmp_path / "a.fits", None, "flags")[0], flags)
