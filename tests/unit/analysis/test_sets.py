"""Co-temporal sets against a search of every frame for every time step."""

from datetime import UTC, datetime, timedelta

import pytest
from astropy import units as u
from astropy.table import QTable
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st
from small_frames import write_sequence

import aia_sequence
from aia_sequence.analysis import sets
from aia_sequence.figures.sequence import Frame

CHANNELS = (94, 131, 171)
START = datetime(2021, 7, 3, 14, tzinfo=UTC)


def frame(tenths, channel):
    """A frame so many tenths of a second after the hour."""
    time = START + timedelta(milliseconds=100 * tenths)
    return Frame(None, f"{channel} {tenths}", "", f"{time:%Y-%m-%dT%H:%M:%S.%f}"[:22] + "Z", channel, 1.0, 0, "")


def tenths(one):
    return int(one.record.split()[1])


def channel_times(times):
    return {channel: sorted(own) for channel, own in zip(CHANNELS, times, strict=False)}


@given(
    st.lists(st.sets(st.integers(0, 3000), max_size=12), min_size=1, max_size=3).map(channel_times),
    st.integers(0, 400),
)
def test_at_each_step_a_channel_has_its_nearest_frame_or_none(times, limit):
    """Steps are the first channel's frames, and those of each further channel that lie near no step before."""
    steps = []
    for own in times.values():
        steps += [one for one in own if all(abs(one - step) > limit for step in list(steps))] if steps else own
    expected = []
    for step in sorted(steps):
        row = {}
        for channel, own in times.items():
            distances = sorted((abs(one - step), one) for one in own)
            if distances and distances[0][0] <= limit:
                row[channel] = distances[0][1]
        expected.append((step, row))

    frames = {channel: [frame(one, channel) for one in own] for channel, own in times.items()}
    found = sets.co_temporal(frames, within=limit / 10)
    begin = frame(0, 94).time
    assert [
        (round(10 * (one.time - begin)), {channel: tenths(chosen) for channel, chosen in one.frames.items()})
        for one in found
    ] == expected
    for one, (step, row) in zip(found, expected, strict=True):
        assert one.offsets == pytest.approx({channel: (time - step) / 10 for channel, time in row.items()}, abs=1e-3)
        assert one.largest_offset <= limit / 10


def test_the_table_has_empty_cells_where_a_channel_has_nothing(tmp_path):
    channels = {211: [frame(50, 211), frame(170, 211)], 171: [frame(40, 171), frame(900, 171)], 94: []}
    sets.write(tmp_path / "sets.csv", channels, within=7)
    table = QTable.read(tmp_path / "sets.csv", format="ascii.ecsv")
    assert list(table["step"]) == [f"2021-07-03T14:{clock}Z" for clock in ("00:05.00", "00:17.00", "01:30.00")]
    assert list(table["channels"]) == [2, 1, 1]
    assert table["offset_171"].unit == u.s
    assert list(table["offset_171"].value.filled(-99)) == [-1.0, -99, 0.0]
    assert list(table["record_211"].filled("none")) == ["211 50", "211 170", "none"]
    assert all(table["offset_94"].mask)
    assert "within 7 s" in table.meta["comments"][0]


def test_a_leap_second_moves_no_set_apart():
    """23:59:60 and 00:00:01 are a second apart, as the instrument counts."""
    last, first = (Time(text, scale="utc") for text in ("2016-12-31T23:59:60", "2017-01-01T00:00:01"))
    own = [Frame(None, "", "", f"{text}Z", 94, 1.0, 0, "") for text in (last.isot[:22], first.isot[:22])]
    (one,) = sets.co_temporal({94: own[:1], 131: own[1:]}, within=12)
    assert one.offsets[131] == pytest.approx((first - last).to_value("s"))


def test_an_event_gives_whole_sets_or_all(tmp_path):
    write_sequence(tmp_path / "flare", numbers=[0, 1, 2], size=16)
    write_sequence(tmp_path / "flare", numbers=[1, 2, 3], size=16, channel=171)
    flare = aia_sequence.open(tmp_path / "flare")
    assert len(flare.sets(["211", "171"])) == 2
    assert [sorted(one.frames) for one in flare.sets(whole=False)] == [[211], [171, 211], [171, 211], [171]]
