"""Times of the archive have one reader and one printer, which know leap seconds as astropy does."""

import ast
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from astropy.time import Time
from hypothesis import example, given
from hypothesis import strategies as st

from aia_sequence.times import clock, clock_ticks, covered, day, duration, iso, read_time, tai_seconds, utc_of

SCRIPTS = Path(__file__).parents[2] / "scripts"
LEAP_SECONDS = ["2012-06-30T23:59:60Z", "2015-06-30T23:59:60Z", "2016-12-31T23:59:60Z"]
EPOCH = Time("1977-01-01T00:00:00", scale="tai")
MISSION = 1_052_000_000, 1_540_000_000  # TAI seconds, 2010 to 2025: for later years ERFA warns
NEAR_LEAP_SECONDS = st.sampled_from(LEAP_SECONDS).flatmap(
    lambda text: st.integers(-7200, 7200).map(lambda seconds: round((Time(text) - EPOCH).sec) + seconds)
)
MOMENTS = st.one_of(st.integers(*MISSION), NEAR_LEAP_SECONDS)


def by_astropy(tai, decimals=0):
    """UTC as astropy prints it, of TAI seconds since 1977."""
    time = Time(EPOCH.jd1, EPOCH.jd2 + tai / 86400, format="jd", scale="tai").utc
    time.precision = decimals
    return f"{time.isot}Z"


@given(MOMENTS)
@example(round((Time(LEAP_SECONDS[-1]) - EPOCH).sec))
def test_a_time_is_printed_and_read_as_astropy_does(tai):
    assert iso(tai) == by_astropy(tai)
    assert read_time(iso(tai)) == tai


@given(MOMENTS, st.integers(0, 99))
def test_fractions_of_a_second_survive(tai, hundredths):
    text = iso(tai + hundredths / 100, 2)
    assert text == by_astropy(tai, 0)[:-1] + f".{hundredths:02d}Z"
    assert read_time(text) == pytest.approx(tai + hundredths / 100, abs=1e-6)


@given(st.datetimes(datetime(2010, 1, 1), datetime(2025, 1, 1)))
def test_a_calendar_time_is_the_seconds_that_astropy_counts(utc):
    assert tai_seconds(utc) == pytest.approx((Time(utc) - EPOCH).sec, abs=1e-5)
    assert utc_of(tai_seconds(utc)).replace(tzinfo=None) - utc < timedelta(microseconds=2)


@pytest.mark.parametrize("text", LEAP_SECONDS)
def test_a_leap_second_is_a_second_of_its_own(text):
    leap = read_time(text)
    around = [iso(leap + seconds) for seconds in (-1, 0, 0.4, 0.6, 1)]
    midnight = by_astropy(leap + 1)
    assert around == [text.replace(":60", ":59"), text, text, midnight, midnight]
    assert (day(leap), clock(leap)) == (text[:10], "23:59:60")
    assert read_time(text.replace("Z", ".34Z")) == pytest.approx(leap + 0.34)
    assert utc_of(leap) == utc_of(leap - 1)  # calendars have no such second


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2021-07-03", "2021-07-03T00:00:00Z"),
        ("2021-07-03 14:25", "2021-07-03T14:25:00Z"),
        ("2021-07-03T14:25:00", "2021-07-03T14:25:00Z"),
        ("2021-07-03T16:25:00+02:00", "2021-07-03T14:25:00Z"),
        ("2021-07-02T23:55:00-1430", "2021-07-03T14:25:00Z"),
        (" 2021-07-03T14:25:00.000Z ", "2021-07-03T14:25:00Z"),
        ("2017-01-01T00:59:60+01:00", "2016-12-31T23:59:60Z"),
    ],
)
def test_a_time_may_be_written_in_these_ways(text, same):
    assert iso(read_time(text)) == same


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2021", "20210703", "2021-07-03T24:00:00Z", "2021-02-29", "2021-07-03T14:25:61Z", "MISSING",
     "2021-07-03T14:25:60Z", "2021-12-31T23:59:60Z", "2016-12-31T23:58:60Z", "2021-07-03T14:25:00+15:00",
     "2021-07-03T14:60:00Z", "-4712-01-01T12:00:00Z", "0001-01-01T00:00:00+14:00", "2021-07-03T14:25:00_TAI"],
)  # fmt: skip
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError, match=r"is not a time"):
        read_time(text)


def test_a_time_is_rounded_and_not_cut():
    assert clock(read_time("2021-07-03T14:29:59.51Z")) == "14:30:00"
    assert iso(read_time("2016-12-31T23:59:60.996Z"), 2) == "2017-01-01T00:00:00.00Z"


@given(MOMENTS, st.floats(1, 4e6))
def test_labels_of_an_axis_are_few_and_at_round_times(first, span):
    ticks, step = clock_ticks(first, first + span, most=8)
    assert len(ticks) <= 8
    assert all(first <= tick <= first + span for tick in ticks)
    times = [datetime.fromisoformat(by_astropy(tick)[:-1]) for tick in ticks]
    assert all((time - datetime(1977, 1, 1)) % timedelta(seconds=step) == timedelta(0) for time in times)
    if step < 864_000:
        assert span / step < 8


def test_labels_around_a_leap_second_are_a_second_further_apart():
    leap = read_time(LEAP_SECONDS[-1])
    ticks, step = clock_ticks(leap - 12, leap + 12, most=8)
    assert step == 5
    assert [clock(tick) for tick in ticks] == ["23:59:50", "23:59:55", "00:00:00", "00:00:05", "00:00:10"]
    assert np.diff(ticks).tolist() == [5, 6, 5, 5]


@given(st.integers(0, 10**6), st.sampled_from(["", "s", "m", "min", "h", "d"]))
def test_a_length_of_time_is_its_number_times_its_unit(number, unit):
    seconds = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}[unit]
    assert duration(f"{number}{unit}") == timedelta(seconds=number * seconds)


@pytest.mark.parametrize("text", ["", "h", "1.5h", "-5m", "1 week", "1h30m", "٣h"])
def test_what_is_no_length_of_time_is_refused(text):
    with pytest.raises(ValueError, match="is not a length of time"):
        duration(text)


LIBRARY = [path for path in [*SCRIPTS.glob("*.py"), *SCRIPTS.glob("aia_sequence/**/*.py")] if path.name != "times.py"]
NO_LEAP_SECOND = {"fromisoformat", "strptime", "Timestamp", "to_datetime", "datetime64"}


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: str(path.relative_to(SCRIPTS)))
def test_no_other_module_makes_a_time_of_text(path):
    """Readers that know no leap second fail on the archive's text once in a few years, so none is used."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {getattr(node, "attr", None) or getattr(node, "id", None) for node in ast.walk(tree)}
    names |= {item.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for item in node.names}
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert not names & NO_LEAP_SECOND
    assert not [text for text in texts if text.startswith("datetime64")]


@pytest.mark.parametrize("text", ["0001-01-02T00:00:00Z", "0038-09-05T00:00:00Z", "0999-12-31T23:59:59Z"])
def test_a_year_has_four_digits_whoever_lived_then(text):
    assert iso(read_time(text)) == text


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        ("2021-07-03T14:27:25Z", "2021-07-03T14:29:11Z", "from 2021-07-03 14:27:25 to 14:29:11 UTC"),
        ("2016-12-31T23:57:00Z", "2017-01-01T00:02:59Z", "from 2016-12-31 23:57:00 to 2017-01-01 00:02:59 UTC"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:60Z", "at 2016-12-31 23:59:60 UTC"),
    ],
)
def test_a_caption_says_a_day_once_and_of_one_frame_its_time(first, last, words):
    assert covered(read_time(first), read_time(last)) == words
