"""Which frames a sequence has, and what is read of them."""

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st
from small_frames import as_table, exposures, scene, write_sequence

from aia_sequence.errors import FrameError
from aia_sequence.figures import sequence
from aia_sequence.frames import companions
from aia_sequence.lists.manifests import LEVEL15
from aia_sequence.lists.records import RECORDS

REGION = {"x": [690, 990], "y": [240, 480]}


def test_frames_are_in_the_order_of_their_observation_whatever_the_order_of_the_blocks(tmp_path):
    (late,), _ = write_sequence(tmp_path / "late", numbers=[4, 5])
    (early,), _ = write_sequence(tmp_path / "early", numbers=[0, 1])
    times = [frame.time for frame in sequence.list_frames([late, early])]
    assert times == sorted(times)
    assert len(times) == 4


def manifest(folder, rows):
    LEVEL15.write(folder / "block.csv", rows)


def lost(reason):
    slot = "2021-07-03T14:27:23Z"
    return {"record": f"aia.lev1_euv_12s[{slot}][211]", "T_REC": slot, "WAVELNTH": 211, "reason": reason}


def test_a_row_with_a_reason_is_no_frame(tmp_path):
    manifest(tmp_path, [lost("no pointing")])
    assert sequence.list_frames([tmp_path / "block.csv"]) == []


def records(path, dropped):
    rows = [{"kept": not text, "dropped_by": text} for text in dropped]
    RECORDS.write(path, rows)
    return [path]


def test_without_a_frame_the_message_counts_what_each_condition_removed(tmp_path):
    manifest(tmp_path, [])
    table = records(tmp_path / "records.csv", ["EXPTIME < 2.0", "EXPTIME < 2.0; QUALITY = 0", "QUALITY = 0"])
    with pytest.raises(FrameError, match=r"Of 3 records.*EXPTIME < 2.0 removed 2, QUALITY = 0 removed 2"):
        sequence.require_frames("flare", 211, [tmp_path / "block.csv"], table)


def test_without_a_record_the_message_says_so(tmp_path):
    manifest(tmp_path, [])
    with pytest.raises(FrameError, match=r"event flare, 211 Å.*no record of this channel"):
        sequence.require_frames("flare", 211, [tmp_path / "block.csv"], records(tmp_path / "records.csv", []))


def test_without_a_calibrated_frame_the_message_gives_the_reasons(tmp_path):
    manifest(tmp_path, [lost("EXPTIME missing")])
    table = records(tmp_path / "records.csv", ["", "EXPTIME < 2.0"])
    with pytest.raises(FrameError, match=r"1 passed the filter.*EXPTIME missing \(1\)"):
        sequence.require_frames("flare", 211, [tmp_path / "block.csv"], table)


def test_the_region_holds_the_pixels_whose_centres_lie_in_it(tmp_path):
    manifests, _ = write_sequence(tmp_path, 1)
    picture = sequence.read_picture(sequence.list_frames(manifests)[0].path, REGION)
    # 400 pixels of 6 arcsec around the disc centre: centres at (i - 199.5) * 6.
    x, y = ((np.arange(400) - 199.5) * 6 for _ in range(2))
    columns, rows = (x >= 690) & (x <= 990), (y >= 240) & (y <= 480)
    assert picture.data.shape == (rows.sum(), columns.sum())
    np.testing.assert_allclose(picture.data, scene(0, 400, 6.0)[np.ix_(rows, columns)], rtol=1e-6)
    left, right, bottom, top = picture.extent
    assert (left, right) == (x[columns][0] - 3, x[columns][-1] + 3)
    assert (bottom, top) == (y[rows][0] - 3, y[rows][-1] + 3)


def test_a_region_beside_the_frame_is_refused(tmp_path):
    manifests, _ = write_sequence(tmp_path, 1)
    with pytest.raises(FrameError, match="outside the frame"):
        sequence.read_picture(sequence.list_frames(manifests)[0].path, {"x": [1300, 1400], "y": [0, 100]})


def test_a_frame_in_dn_becomes_dn_per_second(tmp_path):
    manifests, _ = write_sequence(tmp_path, 1)
    path = sequence.list_frames(manifests)[0].path
    before = sequence.read_picture(path, REGION)
    with fits.open(path, mode="update") as hdus:
        hdus[0].data *= np.float32(exposures(1)[0])
        hdus[0].header.update(BUNIT="DN", EXPTIME=exposures(1)[0])
    np.testing.assert_allclose(sequence.read_picture(path, REGION).data, before.data, rtol=1e-6)


@pytest.mark.parametrize("value", [0.0, None])
def test_a_frame_without_exposure_time_is_refused(tmp_path, value):
    manifests, _ = write_sequence(tmp_path, 1)
    path = sequence.list_frames(manifests)[0].path
    with fits.open(path, mode="update") as hdus:
        hdus[0].header.update(BUNIT="DN", EXPTIME=value)
    with pytest.raises(FrameError, match="EXPTIME"):
        sequence.read_picture(path, REGION)


def test_saturated_pixels_are_those_that_the_file_flags_whatever_their_brightness(tmp_path):
    manifests, _ = write_sequence(tmp_path, 1)
    path = sequence.list_frames(manifests)[0].path
    runs = np.array([(257, 331, 334, companions.NEAR_SATURATED), (258, 332, 333, 3)], companions.RUN)
    with fits.open(path) as hdus:
        hdus[1] = as_table(companions.flags_table(runs))
        hdus[0].data[100, 100] = 1e6
        hdus.writeto(path, overwrite=True)
    flags = sequence.read_picture(path).saturated
    assert np.argwhere(flags).tolist() == [[257, 331], [257, 332]]
    part = sequence.read_picture(path, REGION)
    assert part.saturated.shape == part.data.shape
    left, bottom = (round(part.header[f"CRPIX{n}"] - 200.5) for n in (1, 2))
    assert np.argwhere(part.saturated).tolist() == [[257 + bottom, 331 + left], [257 + bottom, 332 + left]]


def test_binning_averages_what_was_measured_and_keeps_the_rest_missing():
    image = np.array([[1, 3, 5], [np.nan, 5, 7], [np.nan, np.nan, 9]], dtype=np.float32)
    np.testing.assert_array_equal(sequence.reduce_mean(image, 2), [[3, 6], [np.nan, 9]])
    np.testing.assert_array_equal(sequence.reduce_any(image > 6, 2), [[False, True], [False, True]])


@given(st.integers(2, 12), st.integers(1, 40), st.integers(1, 40), st.integers(0, 999))
def test_binning_adds_up_as_numpy_does_to_the_last_bit(factor, rows, columns, seed):
    """Figures are the same bytes whichever way blocks are added up, and float32 depends on the order."""
    rng = np.random.default_rng(seed)
    image = (rng.normal(0, 1, (rows, columns)) * 10 ** rng.uniform(-3, 4, (rows, columns))).astype(np.float32)
    counts = np.full((rows, columns), 1, np.float32)
    expected = [
        np.add.reduceat(np.add.reduceat(part, range(0, rows, factor), axis=0), range(0, columns, factor), axis=1)
        for part in (image, counts)
    ]
    np.testing.assert_array_equal(sequence.reduce_mean(image, factor), expected[0] / expected[1])


def test_binning_keeps_the_sum_of_a_sequence_of_any_size():
    image = np.random.default_rng(1).random((37, 53)).astype(np.float32)
    for factor in (2, 3, 7):
        counts = sequence.reduce_mean(np.ones_like(image), factor)
        assert counts.shape == (-(-37 // factor), -(-53 // factor))
        np.testing.assert_array_equal(counts, 1)


def test_a_region_that_turns_with_the_sun_has_the_same_size_in_every_frame(tmp_path):
    manifests, _ = write_sequence(tmp_path, numbers=[0, 300], size=4096 // 8, cdelt=4.8)
    region = {"follow": [-20.0, 15.0], "at": "2021-07-03T14:27:00Z", "width": 240.0, "height": 192.0}
    first, last = (sequence.read_picture(frame.path, region) for frame in sequence.list_frames(manifests))
    # Two hours at 14 degrees a day, 20 degrees east of the meridian: about 17 arcsec to the west.
    assert 12 < last.extent[0] - first.extent[0] < 25
    assert last.axes_extent == pytest.approx((-last.axes_extent[1], last.axes_extent[1], *last.axes_extent[2:]))
    assert sequence.axis_labels(region)[0] == "X from region centre (arcsec)"
    assert "N15E20" in sequence.place(region)
