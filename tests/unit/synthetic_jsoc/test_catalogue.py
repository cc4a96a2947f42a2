"""The synthetic archive's catalogue: the worked example, and at any other time records like the real ones."""

import itertools
import re

import numpy as np
import pytest

from aia_sequence.instrument import SERIES
from aia_sequence.slots import slot_time
from synthetic_jsoc import keywords, times
from synthetic_jsoc.holdings import catalogue
from synthetic_jsoc.sun import flares

EUV = "aia.lev1_euv_12s"


def slot_of(text, step=12):
    """Slot that a query's time is looked up in: the nearest."""
    return int((times.parse_time(text) - catalogue.EPOCH_TAI + step / 2) // step)


def stretch(start, end, series=EUV, step=12, **options):
    return catalogue.records(series, slot_of(start, step), slot_of(end, step), **options)


def clock(record, name="T_REC", decimals=0):
    return times.format_time(record[name], "ISO", decimals)[11:].rstrip("Z")


@pytest.fixture(scope="module")
def example():
    return stretch("2021-07-03T14:25:00Z", "2021-07-03T14:35:00Z")


# Row in the answer: exposure, T_OBS, T_REC, channel.
ROWS = {
    3: ("1.999620", "14:25:05.84", "14:24:59", 193),
    10: ("1.999624", "14:25:17.84", "14:25:11", 193),
    17: ("1.999622", "14:25:29.83", "14:25:23", 193),
    24: ("1.999621", "14:25:41.84", "14:25:35", 193),
    31: ("1.999622", "14:25:53.84", "14:25:47", 193),
    88: ("0.578715", "14:27:25.09", "14:27:23", 211),
    102: ("0.693402", "14:27:48.98", "14:27:47", 211),
    116: ("0.832670", "14:28:12.86", "14:28:11", 211),
    130: ("1.000602", "14:28:36.72", "14:28:35", 211),
    144: ("1.199910", "14:29:00.54", "14:28:59", 211),
    158: ("0.237294", "14:29:25.39", "14:29:23", 211),
    172: ("0.286916", "14:29:49.34", "14:29:47", 211),
    186: ("0.344258", "14:30:13.29", "14:30:11", 211),
    200: ("0.414851", "14:30:37.23", "14:30:35", 211),
    214: ("0.495807", "14:31:01.16", "14:30:59", 211),
    228: ("0.594103", "14:31:25.07", "14:31:23", 211),
    242: ("0.712433", "14:31:48.97", "14:31:47", 211),
    256: ("0.855792", "14:32:12.86", "14:32:11", 211),
    270: ("0.168142", "14:32:37.46", "14:32:35", 211),
    284: ("0.204964", "14:33:01.42", "14:32:59", 211),
    298: ("0.246917", "14:33:25.38", "14:33:23", 211),
    312: ("0.296079", "14:33:49.34", "14:33:47", 211),
    326: ("0.353420", "14:34:13.29", "14:34:11", 211),
    340: ("0.427137", "14:34:37.22", "14:34:35", 211),
    344: ("0.102880", "14:34:58.50", "14:34:47", 131),
    346: ("0.148062", "14:34:55.47", "14:34:47", 193),
    350: ("1.483586", "14:35:01.80", "14:34:59", 94),
    353: ("1.999624", "14:35:05.84", "14:34:59", 193),
    354: ("0.509090", "14:35:01.15", "14:34:59", 211),
}


def test_the_worked_example_is_there_record_for_record(example):
    found = {
        row: (f"{record['EXPTIME']:f}", clock(record, "T_OBS", 2), clock(record), record["WAVELNTH"])
        for row, record in enumerate(example)
        if row in ROWS
    }
    assert found == ROWS


def test_the_worked_example_has_its_numbers_of_records(example):
    short = [row for row, record in enumerate(example) if record["EXPTIME"] < 2.0]
    assert len(example) == 357
    assert len(short) == 101
    assert [row for row in short if example[row]["WAVELNTH"] == 211] == [r for r, v in ROWS.items() if v[3] == 211]
    # A listing of the short ones begins and ends with these rows.
    assert short[:5] == [3, 10, 17, 24, 31]
    assert short[-5:] == [344, 346, 350, 353, 354]
    assert all(record["QUALITY"] == 0 for record in example)


def test_the_worked_example_is_in_order_of_slot_and_channel(example):
    assert [(r["T_REC_index"], r["WAVELNTH"]) for r in example] == sorted(
        (r["T_REC_index"], r["WAVELNTH"]) for r in example
    )
    assert [r["WAVELNTH"] for r in example[:7]] == [94, 131, 171, 193, 211, 304, 335]
    assert clock(example[0]) == "14:24:59"
    assert clock(example[-1]) == "14:34:59"


def test_records_are_the_same_whatever_else_is_asked_for(example):
    middle = example[170]
    alone = catalogue.record(EUV, middle["T_REC_index"], middle["WAVELNTH"])
    assert list(alone) == list(middle)
    np.testing.assert_equal(alone, middle)
    few = catalogue.records(EUV, middle["T_REC_index"], middle["T_REC_index"], [middle["WAVELNTH"]], ["EXPTIME"])[0]
    assert few["EXPTIME"] == middle["EXPTIME"]
    assert "CRPIX1" not in few


SLOTTED = sorted(name for name, series in SERIES.items() if not series.by_frame)


@pytest.mark.parametrize("series", SLOTTED)
@pytest.mark.parametrize("day", ["2010-05-13", "2013-12-31", "2019-03-05", "2026-02-14"])
def test_t_rec_is_the_grid_time_at_or_before_mid_exposure(series, day):
    step = SERIES[series].step
    found = stretch(f"{day}T20:00:00Z", f"{day}T23:30:00Z", series, step, names=["T_OBS", "EXPTIME"])
    assert found
    for record in found:
        if record["T_OBS"] == times.MISSING:
            continue
        assert 0 <= record["T_OBS"] - record["T_REC"] < step
        assert record["T_REC"] % step == 0
    assert {r["WAVELNTH"] for r in found} == set(SERIES[series].channels)


@pytest.mark.parametrize("series", SLOTTED)
def test_slots_are_those_that_blocks_count(series):
    step = SERIES[series].step
    first = stretch("2016-12-31T23:59:00Z", "2017-01-01T02:00:00Z", series, step, names=[])[0]
    blocks_slot = int(first["T_REC"] // step)
    assert slot_time(SERIES[series], blocks_slot) == times.format_time(first["T_REC"])


def test_identities_of_the_header_keywords(example):
    for r in example[::9]:
        assert r["DATE__OBS"] == pytest.approx(r["T_OBS"] - r["EXPTIME"] / 2, abs=0.0051)
        assert r["CRPIX1"] == pytest.approx(r["X0_MP"] + 1, abs=1e-6)
        assert r["CRPIX2"] == pytest.approx(r["Y0_MP"] + 1, abs=1e-6)
        assert r["CROTA2"] == pytest.approx(r["INST_ROT"] + r["SAT_ROT"], abs=1e-6)
        assert r["CDELT1"] == r["CDELT2"] == r["IMSCL_MP"]
        assert r["R_SUN"] == pytest.approx(r["RSUN_OBS"] / r["CDELT1"], abs=1e-6)
        assert r["ASQHDR"] == (r["CAMERA"] - 1) * 2**30 + r["FSN"]


def test_a_printed_value_is_the_whole_value(example):
    """What a query prints must be what an exported header holds, so no value has digits that its format drops."""
    formats = {d["name"]: d for d in keywords.keywords(EUV)}
    for name, value in example[100].items():
        definition = formats.get(name)
        if definition and definition["type"] in ("float", "double") and not np.isnan(value):
            assert float(definition["format"] % value) == value, name
        if definition and definition["type"] == "time":
            text = times.format_time(value, definition["units"], definition["format"])
            assert times.parse_time(text) == pytest.approx(value, abs=1e-4), name


def test_numbers_of_images_are_unique_and_rise_with_time():
    start, end = "2015-01-01T00:00:00Z", "2015-01-01T01:00:00Z"
    names = ["FSN", "T_OBS"]
    everything = [r for s in SLOTTED for r in stretch(start, end, s, SERIES[s].step, names=names)]
    taken = [r for r in everything if r["T_OBS"] != times.MISSING]
    by_time = sorted(taken, key=lambda r: r["T_OBS"])
    assert len({r["FSN"] for r in everything}) == len(everything) > 2300
    # Short exposures and jitter move an image within its slot, so order is by slot.
    assert all(a["FSN"] < b["FSN"] + 8 for a, b in itertools.pairwise(by_time))


def test_record_numbers_rise_with_slot_and_channel(example):
    assert all(a["recnum"] < b["recnum"] for a, b in itertools.pairwise(example))


def test_aia_lev1_holds_the_same_images_by_second():
    start, end = times.parse_time("2021-07-03T14:30:00Z"), times.parse_time("2021-07-03T14:31:00Z")
    found = catalogue.records("aia.lev1", int(start), int(end))
    assert {r["WAVELNTH"] for r in found} == {94, 131, 171, 193, 211, 304, 335, 1600, 1700}
    for r in found:
        assert r["T_REC"] == round(r["T_OBS"]) == r["T_REC_index"]
        assert start <= r["T_REC"] <= end
    source = {r["FSN"]: r for r in stretch("2021-07-03T14:29:30Z", "2021-07-03T14:31:00Z")}
    shared = [r for r in found if r["FSN"] in source]
    assert 33 <= len(shared) <= 35
    for r in shared:
        assert r["EXPTIME"] == source[r["FSN"]]["EXPTIME"]
        assert r["X0_MP"] == source[r["FSN"]]["X0_MP"]


def test_exposures_outside_flares_are_the_normal_ones():
    quiet = stretch("2019-11-03T10:00:00Z", "2019-11-03T10:20:00Z", names=["EXPTIME", "QUALITY"])
    for channel, normal in {94: 2.9021, 131: 2.9013, 171: 2.0002, 193: 1.9996, 211: 2.9012, 304: 2.9009}.items():
        found = [r["EXPTIME"] for r in quiet if r["WAVELNTH"] == channel and r["QUALITY"] >= 0]
        assert found == pytest.approx([normal] * len(found), abs=1e-4)


@pytest.mark.parametrize("channel", [131, 193, 211])
def test_a_flare_shortens_every_other_exposure(channel):
    found = stretch("2017-09-06T11:50:00Z", "2017-09-06T12:20:00Z", channels=[channel], names=["EXPTIME", "QUALITY"])
    before = [r["EXPTIME"] for r in found if r["T_REC"] < times.parse_time("2017-09-06T11:53:00Z")]
    during = [r for r in found if r["T_REC"] > times.parse_time("2017-09-06T12:00:00Z") and r["QUALITY"] >= 0]
    short = {r["T_REC_index"] % 2 for r in during if r["EXPTIME"] < 1.5}
    assert min(before) > 1.9
    assert len(short) == 1
    assert min(r["EXPTIME"] for r in during) >= 0.1
    assert all(r["EXPTIME"] > 1.9 for r in during if r["T_REC_index"] % 2 not in short)


def test_short_exposures_lie_later_in_the_slot():
    (flare,) = [f for f in flares.flares() if f.region == 12673 and f.goes_class == "X9.3"]
    low = int((flare.peak - catalogue.EPOCH_TAI) // 12)
    found = catalogue.records(EUV, low, low + 20, [193], ["EXPTIME", "T_OBS"])
    delay = {r["EXPTIME"] < 1: [] for r in found}
    for r in found:
        delay[r["EXPTIME"] < 1].append(r["T_OBS"] - r["T_REC"])
    assert min(delay[True]) > max(delay[False]) + 0.8


@pytest.fixture(scope="module")
def week():
    """Every slot of a week in an eclipse season, for one channel."""
    return stretch("2016-02-20T00:00:00Z", "2016-02-27T00:00:00Z", channels=[171], names=["QUALITY"])


def test_quality_is_nominal_but_for_what_befalls_a_spacecraft(week):
    words = [r["QUALITY"] & 0xFFFFFFFF for r in week]
    assert 0.9 < words.count(0) / len(words) < 0.99
    assert any(word & 0x2000 for word in words)  # eclipse
    assert all(word & 0x1000 for word in words if word & 0x2000)  # and then not in science mode
    assert not any(word & 0x40000000 for word in words)  # final data, not near-real-time


def test_some_slots_have_no_record(week):
    assert 0 < 7 * 7200 + 1 - len(week) < 500


def test_eclipses_last_minutes_around_one_hour_of_the_day(week):
    dark = np.array([r["T_REC"] for r in week if r["QUALITY"] & 0x2000]) % 86400
    assert np.ptp(dark) < 5400
    assert not [r for r in stretch("2016-06-10T00:00:00Z", "2016-06-17T00:00:00Z", channels=[171], names=["QUALITY"])
                if r["QUALITY"] & 0x2000]  # fmt: skip


def test_a_record_without_image_has_missing_values():
    names = ["QUALITY", "EXPTIME", "T_OBS", "DATE__OBS", "DATAMEAN", "NSATPIX", "DATAVALS"]
    found = [r for r in stretch("2012-08-01T00:00:00Z", "2012-08-03T00:00:00Z", names=names) if r["QUALITY"] < 0]
    assert 0 < len(found) < 30
    for r in found:
        assert r["QUALITY"] == -(2**31)
        assert np.isnan(r["EXPTIME"])
        assert np.isnan(r["DATAMEAN"])
        assert r["T_OBS"] == r["DATE__OBS"] == times.MISSING
        assert r["NSATPIX"] == keywords.MISSING_INT
        assert r["DATAVALS"] == 0


def test_nothing_before_the_mission():
    assert stretch("2010-05-12T00:00:00Z", "2010-05-12T12:00:00Z", names=[]) == []
    first = stretch("2010-05-12T23:00:00Z", "2010-05-13T00:10:00Z", names=[])[0]
    assert times.format_time(first["T_REC"]) == "2010-05-13T00:00:02Z"


def test_the_visible_image_takes_the_place_of_a_1700_one():
    visible = stretch("2020-01-01T10:00:00Z", "2020-01-01T12:00:00Z", "aia.lev1_vis_1h", 3600, names=["T_OBS", "FSN"])
    ultraviolet = stretch("2020-01-01T10:00:00Z", "2020-01-01T12:00:00Z", "aia.lev1_uv_24s", 24, names=["T_OBS", "FSN"])
    assert len(visible) == 3
    assert not {r["FSN"] for r in visible} & {r["FSN"] for r in ultraviolet}


def test_keywords_describe_every_value_of_a_record(example):
    definitions = keywords.keywords(EUV)
    names = [d["name"] for d in definitions]
    assert len(names) == len(set(names)) > 175
    assert set(example[0]) - {"recnum"} <= set(names)
    assert set(names) <= set(example[0]) | {"T_REC_round"}
    kinds = {"int": int, "longlong": int, "float": float, "double": float, "time": float, "string": str}
    for definition in definitions:
        assert isinstance(example[0][definition["name"]], kinds[definition["type"]]), definition["name"]
        assert re.fullmatch(r"[A-Z][A-Z0-9_-]{0,7}|T_REC_index", definition["fits"])


def test_only_a_series_own_keywords_can_be_filtered():
    native = {d["name"] for d in keywords.keywords(EUV) if d["link"] is None}
    assert {"T_REC", "WAVELNTH", "EXPTIME", "QUALITY", "FSN", "CAMERA"} <= native
    assert "DATAMEAN" not in native
    assert all(d["link"] is None for d in keywords.keywords("aia.lev1"))
    with pytest.raises(KeyError):
        keywords.keywords("hmi.m_720s")
