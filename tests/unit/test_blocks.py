"""Blocks partition the slots of any window, as the archive counts slots."""

from datetime import UTC, datetime, timedelta

import pytest
from astropy.time import Time
from hypothesis import example, given
from hypothesis import strategies as st

from aia.blocks import (
    CHANNELS,
    SERIES,
    block_length,
    blocks,
    series_of,
    slot_number,
    slot_time,
    tai_seconds,
    utc_of,
)
from aia.errors import ConfigError

EUV = SERIES["aia.lev1_euv_12s"]
LEAP = datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)
times = st.datetimes(datetime(2010, 5, 13), datetime(2026, 1, 1), timezones=st.just(UTC))
spans = st.timedeltas(timedelta(0), timedelta(days=2))
lengths = st.integers(1, 1440).map(lambda minutes: timedelta(minutes=minutes))


@given(start=times, span=spans, length=lengths, series=st.sampled_from(list(SERIES.values())))
@example(start=LEAP, span=timedelta(seconds=2), length=timedelta(hours=1), series=EUV)
def test_blocks_of_any_window_and_length_partition_its_slots(start, span, length, series):
    found = blocks(start, start + span, length, series)
    slots = [slot for block in found for slot in range(block.first, block.last + 1)]
    assert slots == list(range(slot_number(series, start), slot_number(series, start + span) + 1))
    assert len({block.label for block in found}) == len(found)


@given(start=times, span=spans, length=lengths, before=spans, after=spans)
def test_widening_a_window_leaves_its_inner_blocks_as_they_are(start, span, length, before, after):
    inner = blocks(start, start + span, length, EUV)[1:-1]
    wide = blocks(start - before, start + span + after, length, EUV)
    assert set(inner) <= set(wide)


def test_the_window_of_the_worked_example_has_51_slots_from_14_24_59():
    (block,) = blocks(
        datetime(2021, 7, 3, 14, 25, tzinfo=UTC), datetime(2021, 7, 3, 14, 35, tzinfo=UTC), block_length("1h"), EUV
    )
    assert (block.label, block.start, block.end) == ("20210703T1400", "2021-07-03T14:24:59Z", "2021-07-03T14:34:59Z")
    assert block.last - block.first + 1 == 51


def test_neighbouring_windows_share_the_slot_at_their_border_but_blocks_do_not():
    hour = datetime(2021, 7, 3, 14, tzinfo=UTC)
    first, second = blocks(hour, hour + timedelta(hours=1, minutes=30), block_length("1h"), EUV)
    assert (first.end, second.start) == ("2021-07-03T14:59:47Z", "2021-07-03T14:59:59Z")


def test_hourly_blocks_are_cut_at_clock_hours_and_named_after_them():
    start = datetime(2021, 7, 3, 22, 10, tzinfo=UTC)
    labels = [block.label for block in blocks(start, start + timedelta(hours=3), block_length("1h"), EUV)]
    assert labels == ["20210703T2200", "20210703T2300", "20210704T0000", "20210704T0100"]


def test_a_block_shorter_than_the_cadence_exists_only_where_a_slot_falls_into_it():
    vis = SERIES["aia.lev1_vis_1h"]
    start = datetime(2021, 7, 3, 12, 0, tzinfo=UTC)
    found = blocks(start, start + timedelta(hours=2), block_length("10m"), vis)
    assert [block.start for block in found] == ["2021-07-03T11:59:23Z", "2021-07-03T12:59:23Z", "2021-07-03T13:59:23Z"]


@given(times)
def test_slot_times_are_tai_as_astropy_counts_it(time):
    expected = (Time(time).tai - Time("1977-01-01T00:00:00", scale="tai")).sec
    assert tai_seconds(time) == pytest.approx(expected, abs=1e-4)


@given(st.integers(slot_number(EUV, datetime(2010, 5, 13)), slot_number(EUV, datetime(2026, 1, 1))))
@example(slot_number(EUV, LEAP))
def test_a_slot_is_the_nearest_of_its_own_time(slot):
    time = datetime.fromisoformat(slot_time(EUV, slot))
    assert slot_number(EUV, time) == slot
    assert abs(tai_seconds(time) - slot * EUV.step) <= 1


def test_the_leap_second_is_shown_as_the_second_before_it():
    second = tai_seconds(datetime(2017, 1, 1, tzinfo=UTC)) - 1
    assert utc_of(second) == utc_of(second - 1) == datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)


def test_every_channel_belongs_to_one_series():
    assert list(CHANNELS) == [94, 131, 171, 193, 211, 304, 335, 1600, 1700, 4500]
    assert [series_of(channel).step for channel in (94, 1600, 4500)] == [12, 24, 3600]


@pytest.mark.parametrize("channel", [195, "EUV", None])
def test_an_unknown_channel_is_refused_with_the_known_ones(channel):
    with pytest.raises(ConfigError, match=r"not an AIA channel; allowed are 94, 131, .* 4500"):
        series_of(channel)


@pytest.mark.parametrize("text", ["", "0h", "2d", "1.5h", "12s", "hour"])
def test_a_block_length_out_of_range_is_refused(text):
    with pytest.raises(ConfigError, match="allowed are 1m to 1d"):
        block_length(text)
