"""Blocks partition the slots of any window, as the archive counts slots."""

from datetime import datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aia_sequence.config.settings import block_length
from aia_sequence.errors import ConfigError
from aia_sequence.instrument import CHANNELS, SERIES, series_of
from aia_sequence.planning.blocks import blocks
from aia_sequence.slots import Steps, slot_number, slot_time, window_slots
from aia_sequence.times import read_time, tai_seconds

EUV = SERIES["aia.lev1_euv_12s"]
VIS = SERIES["aia.lev1_vis_1h"]
LEAP = read_time("2016-12-31T23:59:59Z")
FIRST, LAST = tai_seconds(datetime(2010, 5, 13)), tai_seconds(datetime(2026, 1, 1))
times = st.one_of(st.floats(FIRST, LAST), st.floats(LEAP - 7200, LEAP + 7200))
spans = st.one_of(st.floats(0, 2 * 86400), st.integers(0, 48).map(lambda hours: hours * 3600))
lengths = st.integers(1, 1440).map(lambda minutes: timedelta(minutes=minutes))


@given(start=times, span=spans, length=lengths, series=st.sampled_from(list(SERIES.values())))
@example(start=LEAP, span=2, length=timedelta(hours=1), series=EUV)
def test_blocks_of_any_window_and_length_partition_its_slots(start, span, length, series):
    found = blocks(start, start + span, length, series)
    slots = [slot for block in found for slot in range(block.first, block.last + 1)]
    nearest = range(slot_number(series, start), slot_number(series, start + span) + 1)
    assert slots == [slot for slot in nearest if start - 30 <= slot * series.step <= start + span + 30]
    assert len({block.label for block in found}) == len(found)


@settings(deadline=None)
@given(start=times, span=spans, length=lengths, stride=st.integers(2, 7200))
def test_steps_go_on_from_the_windows_first_slot_whatever_its_blocks(start, span, length, stride):
    window = window_slots(EUV, start, start + span)
    found = blocks(start, start + span, length, EUV, stride)
    slots = [slot for block in found for slot in range(block.first, block.last + 1)]
    middles = [slot for slot in slots if (slot - window.start) % stride == 0]
    assert middles == list(window[::stride])
    assert [block.frames(block.series.channels[0]) for block in found] == [
        sum(block.first <= middle <= block.last for middle in middles) for block in found
    ]
    assert slots == list(range(window.start, min(window.stop, middles[-1] - stride // 2 + stride)))
    for block in found:
        assert all(block.first <= block.steps.middle(slot) <= block.last for slot in (block.first, block.last))


@given(start=times, span=spans, length=lengths, stride=st.integers(2, 400), before=st.integers(0, 20), after=spans)
def test_widening_a_window_by_whole_steps_leaves_its_inner_blocks_as_they_are(
    start, span, length, stride, before, after
):
    inner = blocks(start, start + span, length, EUV, stride)[1:-1]
    wide = blocks(start - before * stride * EUV.step, start + span + after, length, EUV, stride)
    assert set(inner) <= set(wide)


@given(
    stride=st.integers(2, 30),
    phase=st.integers(0, 29),
    slots=st.sets(st.integers(-100, 100)),
)
def test_of_each_step_the_nearest_slot_is_taken(stride, phase, slots):
    steps = Steps(stride, phase % stride)
    taken = steps.nearest(slots)
    for slot in slots:
        middle = min(
            (middle for middle in range(-200, 200) if (middle - phase) % stride == 0),
            key=lambda middle: (abs(slot - middle), -middle),
        )
        assert steps.middle(slot) == middle
        assert abs(taken[middle] - middle) <= abs(slot - middle)
    assert set(taken.values()) <= slots


@given(start=times, span=spans, length=lengths, before=spans, after=spans)
def test_widening_a_window_leaves_its_inner_blocks_as_they_are(start, span, length, before, after):
    inner = blocks(start, start + span, length, EUV)[1:-1]
    wide = blocks(start - before, start + span + after, length, EUV)
    assert set(inner) <= set(wide)


def test_the_window_of_the_worked_example_has_51_slots_from_14_24_59():
    window = read_time("2021-07-03T14:25:00Z"), read_time("2021-07-03T14:35:00Z")
    (block,) = blocks(*window, block_length("1h"), EUV)
    assert (block.label, block.start, block.end) == ("20210703T1400", "2021-07-03T14:24:59Z", "2021-07-03T14:34:59Z")
    assert block.last - block.first + 1 == 51


def test_neighbouring_windows_share_the_slot_at_their_border_but_blocks_do_not():
    hour = read_time("2021-07-03T14:00:00Z")
    first, second = blocks(hour, hour + 5400, block_length("1h"), EUV)
    assert (first.end, second.start) == ("2021-07-03T14:59:47Z", "2021-07-03T14:59:59Z")


def test_hourly_blocks_are_cut_at_clock_hours_and_named_after_them():
    start = read_time("2021-07-03T22:10:00Z")
    labels = [block.label for block in blocks(start, start + 3 * 3600, block_length("1h"), EUV)]
    assert labels == ["20210703T2200", "20210703T2300", "20210704T0000", "20210704T0100"]


def test_a_block_shorter_than_the_cadence_exists_only_where_a_slot_falls_into_it():
    start = read_time("2021-07-03T11:59:30Z")
    found = blocks(start, start + 2 * 3600, block_length("10m"), VIS)
    assert [block.start for block in found] == ["2021-07-03T11:59:23Z", "2021-07-03T12:59:23Z", "2021-07-03T13:59:23Z"]


@given(st.integers(slot_number(EUV, FIRST), slot_number(EUV, LAST)))
@example(slot_number(EUV, LEAP))
def test_a_slot_is_the_nearest_of_its_own_time(slot):
    time = read_time(slot_time(EUV, slot))
    assert slot_number(EUV, time) == slot
    assert time == slot * EUV.step


def test_a_slot_in_a_leap_second_is_in_one_block():
    start, end = read_time("2016-12-31T23:59:48Z"), read_time("2017-01-01T00:00:12Z")
    first, second = blocks(start, end, block_length("1h"), EUV)
    assert (first.label, first.start, first.end) == ("20161231T2300", *["2016-12-31T23:59:48Z"] * 2)
    # A second before midnight, so the nearest slot of midnight: as the archive counts it.
    assert (second.label, second.start, second.end) == ("20170101T0000", "2016-12-31T23:59:60Z", "2017-01-01T00:00:11Z")
    assert (first.cut, second.cut) == ("2016-12-31T23:00:00Z", "2017-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("start", "end", "slots"),
    [
        ("14:25:00", "14:35:00", []),
        ("14:59:00", "15:01:00", ["14:59:23"]),
        ("14:59:53", "15:01:00", ["14:59:23"]),
        ("14:59:54", "15:01:00", []),
        ("14:00:00", "14:58:53", ["14:59:23"]),
        ("14:00:00", "14:58:52", []),
    ],
)
def test_a_slot_further_than_half_a_minute_outside_a_window_is_not_in_it(start, end, slots):
    found = window_slots(VIS, *(read_time(f"2021-07-03T{clock}Z") for clock in (start, end)))
    assert [slot_time(VIS, slot)[11:19] for slot in found] == slots


def test_every_channel_belongs_to_one_series():
    assert list(CHANNELS) == [94, 131, 171, 193, 211, 304, 335, 1600, 1700, 4500]
    assert [series_of(channel).step for channel in (94, 1600, 4500)] == [12, 24, 3600]


@pytest.mark.parametrize("channel", [195, "EUV", None])
def test_an_unknown_channel_is_refused_with_the_known_ones(channel):
    with pytest.raises(ConfigError, match=r"not an AIA channel; allowed are 94, 131, .* 4500"):
        series_of(channel)


@pytest.mark.parametrize("text", ["", "0h", "2d", "1.5h", "12s", "90s", "hour"])
def test_a_block_length_out_of_range_is_refused(text):
    with pytest.raises(ConfigError, match="allowed are 1m to 1d"):
        block_length(text)
