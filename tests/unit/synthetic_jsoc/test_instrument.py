"""The synthetic instrument: its tables say what it does, headers are whole, noise is what the tables promise."""

import csv
import itertools

import astropy.units as u
import numpy as np
import pytest
from aiapy.calibrate import degradation, estimate_error
from aiapy.calibrate.utils import get_error_table
from astropy.io import fits
from astropy.table import QTable
from astropy.time import Time

from synthetic_jsoc import hashing, keywords, tables, times
from synthetic_jsoc.camera import detector
from synthetic_jsoc.holdings import catalogue, frames
from synthetic_jsoc.holdings.patch import read_image, read_patch, write_patch
from synthetic_jsoc.instrument import BLANK, CHANNELS, SATURATION_DN
from synthetic_jsoc.sun import scene as sun

DAY_S = 86400


def record_at(text, channel, minutes=2):
    """The record of a channel nearest to a time, or the next one if that was lost."""
    series = CHANNELS[channel].series
    step = keywords.LEVEL1_STEPS[series]
    slot = int((times.parse_time(text) - catalogue.EPOCH_TAI + step / 2) // step)
    return catalogue.records(series, slot, slot + max(minutes * 60 // step, 1), [channel])[0]


@pytest.fixture
def response():
    """`aia.response` as aiapy makes a table of it."""
    rows = sorted(tables.response(), key=lambda row: (row["VER_NUM"], row["WAVE_STR"], row["T_START"]))
    table = QTable(rows)
    for name in ("T_START", "T_STOP"):
        table[name] = Time([times.format_time(tai, "ISO", 3).rstrip("Z") for tai in table[name]])
    table["EFF_AREA"].unit = u.cm**2
    return table


@pytest.fixture(scope="module")
def errors(tmp_path_factory):
    """The error table as aiapy reads it from a file."""
    path = tmp_path_factory.mktemp("errors") / "errors.txt"
    path.write_text(tables.error_table())
    return get_error_table(path)


# The table ends in 2030, of which nobody knows yet the leap seconds.
@pytest.mark.filterwarnings("ignore:.*dubious year:erfa.core.ErfaWarning")
@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("day", ["2010-05-13", "2013-02-15", "2016-07-01", "2021-07-03", "2026-01-01"])
def test_degradation_is_what_aiapy_computes_from_the_response_table(response, channel, day):
    expected = degradation(channel * u.angstrom, Time(day), correction_table=response)[0]
    assert tables.degradation(channel, times.parse_time(f"{day}T00:00:00Z")) == pytest.approx(expected.value, rel=1e-9)


def test_sensitivity_falls_and_never_rises_much():
    days = times.parse_time("2010-05-13T00:00:00Z") + np.arange(0, 5800, 5) * DAY_S
    left = {channel: tables.degradation(channel, days) for channel in CHANNELS}
    assert min(values.min() for values in left.values()) > 0.02
    assert max(values.max() for values in left.values()) < 1.0001
    assert all(np.diff(values).max() < 0.03 for values in left.values())
    assert left[304][-1] < 0.1
    assert left[171][-1] > 0.6


def test_response_table_has_versions_epochs_and_channels_like_the_real_one(shared_data):
    real = QTable.read(shared_data / "tables" / "aia_V10_20201119_190000_response_table.txt", format="ascii")
    ours = tables.response()
    assert set(real.colnames) <= set(ours[0])
    version_10 = {row["WAVE_STR"] for row in ours if row["VER_NUM"] == 10}
    assert version_10 == {str(name) for name in real["WAVE_STR"]}
    assert "4500" in {row["WAVE_STR"] for row in ours if row["VER_NUM"] == 3}
    keys = [(row["T_START"], row["WAVE_STR"]) for row in ours]
    assert len(set(keys)) < len(keys)  # the same prime key in several versions
    assert [row["recnum"] for row in ours] == list(range(1, len(ours) + 1))
    for channel in CHANNELS:
        rows = [row for row in ours if row["WAVELNTH"] == channel and row["VER_NUM"] == (10 if channel != 4500 else 3)]
        assert all(a["T_STOP"] == b["T_START"] for a, b in itertools.pairwise(rows))


def test_pointing_rows_have_the_columns_of_the_real_table(shared_data):
    with open(shared_data / "tables" / "master_pointing3h_2rows_excerpt.csv") as file:
        names, row = (line.strip().split(",") for line in (file.readline(), file.readline()))
    start = times.parse_time(row[0])
    ours = tables.master_pointing(start, start)
    assert len(ours) == 1
    assert set(names) == set(ours[0]) - {"recnum"}
    assert times.format_time(ours[0]["T_STOP"]) == row[1]
    for name, value in zip(names[2:], row[2:], strict=True):
        tolerance = {"X0": 8, "Y0": 8, "IMSCALE": 2e-5, "INSTROT": 0.01}[name.split("_")[-1]]
        assert ours[0][name] == pytest.approx(float(value), abs=tolerance), name


def test_pointing_rows_follow_each_other_every_three_hours_across_a_leap_second():
    first, last = times.parse_time("2016-12-31T12:00:00Z"), times.parse_time("2017-01-01T12:00:00Z")
    rows = tables.master_pointing(first, last)
    assert [times.format_time(row["T_START"])[11:16] for row in rows] == [
        "12:00", "15:00", "18:00", "21:00", "00:00", "03:00", "06:00", "09:00", "12:00",
    ]  # fmt: skip
    assert all(a["T_STOP"] == b["T_START"] for a, b in itertools.pairwise(rows))
    assert rows[4]["T_START"] - rows[3]["T_START"] == 10801


def test_some_limb_fits_are_missing_and_the_header_is_right_then():
    start = times.parse_time("2014-01-01T00:00:00Z")
    rows = tables.master_pointing(start, start + 365 * DAY_S)
    holes = [(row, channel) for row in rows for channel in CHANNELS if np.isnan(row[f"A_{channel:03d}_X0"])]
    assert 0 < len(holes) < 40
    row, channel = next((row, channel) for row, channel in holes if channel < 1000)
    record = record_at(times.format_time(row["T_START"] + 600), channel)
    true = tables.pointing(channel, record["T_OBS"])
    assert (record["X0_MP"], record["Y0_MP"]) == (true["X0"][0], true["Y0"][0])


def test_a_header_is_a_little_older_than_the_pointing_table():
    gaps = []
    for channel in CHANNELS:
        record = record_at("2021-07-03T13:05:00Z", channel, 3700 // 60)
        true = tables.pointing(channel, record["T_OBS"])
        gaps.append(np.hypot(record["X0_MP"] - true["X0"][0], record["Y0_MP"] - true["Y0"][0]))
    assert min(gaps) > 1e-3
    assert 0.02 < max(gaps) < 1.0


def test_the_header_has_the_keywords_of_a_real_one(shared_data):
    with fits.open(shared_data / "frames_16bit" / "aia.lev1_euv_12s.2021-05-22T032907Z.304.image_lev1.fits") as hdus:
        real = hdus[0].header
    ours = frames.header(record_at("2021-07-03T14:29:00Z", 304))
    housekept = {"CHECKSUM", "DATASUM", "HEADSUM", "LONGSTRN", "BLANK", "COMMENT", "HISTORY", "TRECROUN"}
    structure = {"SIMPLE", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "EXTEND", ""}
    assert set(real) - set(ours) <= housekept | structure | {"CALVER32"}
    for name in set(real) & set(ours) - {"COMMENT", "SYNTH"}:
        a, b = real[name], ours[name]
        if not isinstance(a, fits.card.Undefined) and not isinstance(b, fits.card.Undefined):
            assert isinstance(a, str) == isinstance(b, str), name


def test_the_header_says_that_it_is_synthetic():
    header = frames.header(record_at("2021-07-03T14:29:00Z", 171))
    assert header["SYNTH"] is True
    assert header["ORIGIN"] == "SYNTHETIC"
    assert "not observed" in str(header["COMMENT"])


def test_times_and_identity_in_the_header():
    record = record_at("2021-07-03T14:27:25Z", 211)
    header = frames.header(record)
    assert header["T_REC"] == "2021-07-03T14:27:23Z"
    assert header["T_OBS"] == "2021-07-03T14:27:25.09Z"
    assert header["DATE-OBS"] == "2021-07-03T14:27:24.80"
    assert header["EXPTIME"] == 0.578715
    assert header["LVL_NUM"] == 1.0
    assert header["DRMS_ID"] == f"aia.lev1_euv_12s:{record['recnum']}:image"
    assert header["PRIMARYK"] == "T_REC, WAVELNTH"


@pytest.fixture(scope="module")
def quiet():
    """A record with few spikes, in quiet times."""
    return record_at("2019-11-03T10:00:00Z", 94)


@pytest.fixture(scope="module")
def quiet_file(quiet, tmp_path_factory):
    path = tmp_path_factory.mktemp("frames") / "image_lev1.fits"
    frames.write_fits(quiet, path)
    return path


def test_a_file_is_an_empty_primary_and_a_rice_tiled_image(quiet, quiet_file):
    with fits.open(quiet_file, disable_image_compression=True) as hdus:
        assert [hdu.header["NAXIS"] for hdu in hdus] == [0, 2]
        assert hdus[1].header["ZCMPTYPE"] == "RICE_1"
        assert (hdus[1].header["ZTILE1"], hdus[1].header["ZTILE2"]) == (4096, 1)
        assert hdus[1].verify_checksum() == hdus[1].verify_datasum() == 1
    with fits.open(quiet_file, do_not_scale_image_data=True) as hdus:
        assert hdus[1].data.shape == (4096, 4096)
        assert hdus[1].data.dtype == np.int16
        assert hdus[1].header["BLANK"] == BLANK
        assert hdus[1].header["RECNUM"] == quiet["recnum"]
        assert len(hdus[1].header) > 180
        hdus.verify("exception")


def test_the_same_record_is_the_same_bytes(quiet, quiet_file, tmp_path):
    again = tmp_path / "again.fits"
    frames.write_fits(quiet, again)
    assert again.read_bytes() == quiet_file.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["again.fits"]


# On the disk and beyond, over a limb and a flare, of one pixel, a row, a column, and as wide as the detector.
PARTS = [
    np.s_[0:1, 0:1], np.s_[3:9, 4001:4096], np.s_[2000:2303, 1999:2340], np.s_[2480:2800, 3300:3700],
    np.s_[1000:1009, 0:4096], np.s_[0:4096, 3431:3433], np.s_[4095:4096, 2000:2100],
]  # fmt: skip


def assert_parts(image, record):
    for part in PARTS:
        np.testing.assert_array_equal(frames.image(record, part=part), image[part])


@pytest.mark.parametrize(("x", "y", "size"), [(0, 0, 60), (930, -20, 150.3), (-1220, 1220, 50)])
def test_what_is_cut_out_of_a_frame_does_not_depend_on_whether_the_whole_is_drawn(
    quiet, quiet_file, tmp_path, x, y, size
):
    patch = read_patch({"x": x, "y": y, "width": size, "height": size / 2})
    images = {"whole": read_image(quiet_file), "drawn": (frames.Drawn(quiet), frames.described(quiet, "image"))}
    for name, image in images.items():
        write_patch(patch, *image, tmp_path / name, "the record", "JSOC_20191103_001")
    assert (tmp_path / "drawn").read_bytes() == (tmp_path / "whole").read_bytes()


def test_charge_runs_into_a_cut_out_from_pixels_that_its_record_does_not_tell_of():
    record = record_at("2017-09-07T22:18:11Z", 211)
    assert record["DATAMAX"] < SATURATION_DN / 2
    rows, columns = np.s_[1655:1690], np.s_[3300:3330]
    whole = frames.image(record, part=(np.s_[0:4096], columns))
    assert (whole == SATURATION_DN).any()
    np.testing.assert_array_equal(frames.image(record, part=(rows, columns)), whole[rows])


def test_rows_that_were_lost_are_blank_and_others_are_not(quiet, quiet_file):
    image = frames.image({**quiet, "MISSVALS": 300 * 4096})
    assert_parts(image, {**quiet, "MISSVALS": 300 * 4096})
    blank = (image == BLANK).all(axis=1)
    assert blank.sum() == 300
    assert np.ptp(np.flatnonzero(blank)) == 299
    with fits.open(quiet_file, do_not_scale_image_data=True) as hdus:
        np.testing.assert_array_equal(image[~blank], hdus[1].data[~blank])


def test_behind_the_earth_there_is_no_sun():
    record = record_at("2016-02-22T07:10:00Z", 171)
    assert record["QUALITY"] & 0x2000
    assert abs(frames.image(record).mean()) < 0.05


def test_a_record_without_image_has_no_frame(quiet):
    with pytest.raises(ValueError, match=r"94 A at 2019-11-03T.* no image"):
        frames.image({**quiet, "T_OBS": times.MISSING})


def test_spikes_are_put_back_by_aiapys_rule(quiet, tmp_path):
    path = tmp_path / "spikes.fits"
    frames.write_fits(quiet, path, segment="spikes")
    place, value = fits.getdata(path)
    assert place.size == quiet["NSPIKES"] > 0
    assert (np.diff(place) > 0).all()
    assert place[0] >= 0
    assert place[-1] < 4096 * 4096
    assert value.min() > 0
    assert value.max() <= SATURATION_DN


def expose(counts, channel, seed):
    """Counts of a uniform scene."""
    scene = np.full((256, 256), counts, dtype=np.float32)
    return detector.expose(scene, 1.0, CHANNELS[channel].noise, seed).astype(float)


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("counts", [0.0, 3.0, 24.0, 27.0, 400.0, 9000.0])
def test_scatter_is_what_estimate_error_says(errors, channel, counts):
    image = expose(counts, channel, 5)
    expected = estimate_error(counts * u.DN / u.pix, channel * u.angstrom, error_table=errors)[0].value
    assert image.std() == pytest.approx(expected, rel=0.02)
    assert image.mean() == pytest.approx(counts, abs=5 * expected / 256)


def test_faint_counts_are_skewed_like_photons():
    """The third moment of a Poisson process: counts times the square of a photon's counts."""
    image = expose(3.0, 94, 6)
    third = ((image - image.mean()) ** 3).mean()
    assert third == pytest.approx(3.0 * CHANNELS[94].dn_per_photon ** 2, rel=0.1)


def test_noise_of_neighbours_and_of_repeated_exposures_is_unrelated():
    first, second = (expose(100.0, 171, seed) for seed in (int(hashing.bits("noise", 1, n)) for n in (0, 1)))
    for a, b in ((first, second), (first[:, 1:], first[:, :-1]), (first[1:], first[:-1])):
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.02


def test_counts_stop_at_the_camera_s_14_bits():
    assert expose(50_000.0, 193, 7).max() == SATURATION_DN == 16383


def test_charge_that_a_pixel_cannot_hold_runs_along_its_column():
    """Nothing of it is lost, and no column knows of its neighbour's."""
    charge = np.full((200, 9), 1000.0)
    charge[90:110, 4] = 40_000.0
    held = detector.bled(charge)
    assert held.sum() == pytest.approx(charge.sum())
    assert held.max() == SATURATION_DN
    np.testing.assert_array_equal(np.delete(held, 4, axis=1), 1000.0)
    full = np.flatnonzero(held[:, 4] >= SATURATION_DN)
    assert full.size == full[-1] - full[0] + 1 == pytest.approx(20 * 39_000 / (SATURATION_DN - 1000), abs=2)
    assert full[0] + full[-1] == pytest.approx(199, abs=2)


def test_charge_leaves_the_detector_at_its_edge():
    charge = np.zeros((50, 2))
    charge[3, 0] = 10 * SATURATION_DN
    held = detector.bled(charge)
    assert np.count_nonzero(held[:, 0] >= SATURATION_DN) == 4 + 4
    assert held[:, 0].sum() < charge.sum()


@pytest.mark.parametrize(
    ("channel", "clock"), [(211, "14:29:11"), (193, "14:36:11"), (131, "14:30:11"), (211, "15:20:11")]
)
def test_saturated_pixels_are_as_many_as_the_record_says(channel, clock):
    record = record_at(f"2021-07-03T{clock}Z", channel)
    image = frames.image(record)
    assert np.count_nonzero(image == SATURATION_DN) == pytest.approx(record["NSATPIX"], rel=0.1, abs=3)
    assert_parts(image, record)
    assert (record["NSATPIX"] > 0) == (record["DATAMAX"] == SATURATION_DN) == (image.max() == SATURATION_DN)


# DATAMEAN / EXPTIME of nominal level-1 records of 2025-07-29T21:04 to 2025-07-30T20:56, medians (JSOC, aia.lev1); and
# of single frames of other years: https://github.com/sunpy/sunpy (2021-05-22), JSOC (2017-08-11).
OBSERVED = {
    94: 1.041, 131: 2.886, 171: 91.42, 193: 136.2, 211: 46.94, 304: 2.142, 335: 1.212, 1600: 8.502, 1700: 302.3,
    4500: 23499.0,
}  # fmt: skip
OTHER_YEARS = [("2021-05-22T03:29:05Z", 304, 1.617), ("2017-08-11T00:00:10Z", 171, 66.98)]


@pytest.mark.parametrize(
    ("moment", "channel", "rate"), [*(("2025-07-30T09:00:00Z", *item) for item in OBSERVED.items()), *OTHER_YEARS]
)
def test_an_image_is_as_bright_as_a_real_one(moment, channel, rate):
    """Every eighth pixel of every eighth row: the mean over the detector, and the record's statement of it."""
    record = record_at(moment, channel, minutes=61)
    scene = sun.Scene(channel, record["T_OBS"]).on([0, 0, 8, 0, 0, 8], (512, 512))
    left = float(tables.degradation(channel, record["T_OBS"]))
    assert scene.mean(dtype=float) * left == pytest.approx(rate, rel=0.2)
    assert record["DATAMEAN"] / record["EXPTIME"] == pytest.approx(scene.mean(dtype=float) * left, rel=0.08)


def test_exposures_and_counts_are_those_of_real_records(shared_data):
    """A day of real records: the exposure outside flares, and the mean counts, in every channel."""
    with open(shared_data / "records" / "aia_timeseries.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["QUALITY"] == "0x40000000" and row["DATAMEAN"]]
    for channel, rate in OBSERVED.items():
        mine = [row for row in rows if int(row["WAVELNTH"]) == channel]
        exposure = np.median([float(row["EXPTIME"]) for row in mine])
        assert CHANNELS[channel].exposure_s == pytest.approx(exposure, rel=0.005)
        rates = [float(row["DATAMEAN"]) / float(row["EXPTIME"]) for row in mine]
        assert np.median(rates) == pytest.approx(rate, rel=0.001)
