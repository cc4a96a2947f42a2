"""Record-set texts mean to the synthetic archive what they mean to JSOC, and text that means nothing does nothing."""

import math
import sqlite3
import string
import sys
from pathlib import Path

import pytest
from hostile import TIMES
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import synthetic_jsoc
from synthetic_jsoc import times
from synthetic_jsoc.holdings.model import Archive
from synthetic_jsoc.holdings.series import Slots, find
from synthetic_jsoc.protocol import conditions, info, primekeys, recordset
from synthetic_jsoc.protocol.conditions import Condition
from synthetic_jsoc.protocol.primekeys import HIGHEST, LOWEST, Span
from synthetic_jsoc.protocol.recordset import Filter, FilterError, RecordSet, SeriesNameError, SpecificationError
from synthetic_jsoc.protocol.service import Service

EUV = find("aia.lev1_euv_12s")
TYPES = {"T_REC": "time", "WAVELNTH": "int"}


def tai(text):
    return times.parse_time(text)


def slots(text, slot_rule=EUV.slots):
    """The spans that one filter on T_REC stands for."""
    item = RecordSet(EUV.name, (Filter("prime", text),))
    return primekeys.read(item, EUV, TYPES).keys["T_REC"][0]


def slot(text):
    return EUV.slots.index(tai(text))


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2021.07.03_14:25:37_TAI", "2021-07-03T14:25:00Z"),
        ("2021-07-03T14:25:00Z", "2021-07-03T14:25:00Z"),
        ("2021-07-03T14:25:00", "2021-07-03T14:25:00Z"),
        ("2021-07-03 14:25Z", "2021-07-03T14:25:00Z"),
        ("2021.07.03_14:25_UTC", "2021-07-03T14:25:00Z"),
        ("2021.7.3_14:25:00_GMT", "2021-07-03T14:25:00Z"),
        ("20210703_14:25:00_UT", "2021-07-03T14:25:00Z"),
        ("2021184_14:25", "2021-07-03T14:25:00Z"),
        ("2021.184_14:25z", "2021-07-03T14:25:00Z"),
        ("2021.jul.03_14:25:00", "2021-07-03T14:25:00Z"),
        ("2021.VII.03_14:25:00", "2021-07-03T14:25:00Z"),
        ("2021.07.03_06:25:00_PST", "2021-07-03T14:25:00Z"),
        ("2021.07.03_16:25:00_CEST", "2021-07-03T14:25:00Z"),
        ("2021-07-03T16:25:00B", "2021-07-03T14:25:00Z"),
        ("2021-07-03T16:25:00+0200", "2021-07-03T14:25:00Z"),
        ("2021-07-03T06:25:00-0800", "2021-07-03T14:25:00Z"),
        ("2021.07.03.75", "2021-07-03T18:00:00Z"),
        ("2021-07", "2021-07-01T00:00:00Z"),
        ("2021", "2021-01-01T00:00:00Z"),
        ("MJD_59398.75_UTC", "2021-07-03T18:00:00Z"),
        ("JD_2459399.25_UTC", "2021-07-03T18:00:00Z"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:60Z"),
    ],
)
def test_times_are_read_in_every_form_of_the_archive(text, iso):
    assert times.format_time(tai(text), "ISO") == iso


def test_times_are_tai_seconds_since_1977():
    assert tai("2021-07-03T14:25:00Z") == 1404397537.0
    assert tai("1977.01.01_00:00:00_TAI") == 0.0
    assert tai("2021.07.03_14:26:09.184_TDT") == pytest.approx(1404397537.0)
    assert tai("2021.07.03_14:25:18_GPS") == 1404397537.0
    assert tai("JD_0") == pytest.approx(times.MISSING)


@pytest.mark.parametrize("day", ["2012-07-01", "2015-07-01", "2017-01-01"])
def test_leap_seconds_of_the_mission_are_counted(day):
    before = tai(f"{day}T00:00:00Z") - 86400
    assert times.format_time(before - 1, "ISO") != times.format_time(before, "ISO")
    assert times.format_time(tai(f"{day}T00:00:00Z") - 1, "ISO").endswith("23:59:60Z")


def test_times_are_printed_in_the_zone_and_with_the_digits_of_their_keyword():
    moment = tai("2021-07-03T14:25:05.84Z")
    assert times.format_time(moment, "ISO", 2) == "2021-07-03T14:25:05.84Z"
    assert times.format_time(moment, "TAI", 0) == "2021.07.03_14:25:43_TAI"
    assert times.format_time(moment, "UTC", 1) == "2021.07.03_14:25:05.8_UTC"
    assert times.format_time(moment, "Z", 0) == "2021.07.03_14:25:06Z"
    assert times.format_time(tai("2021-07-03T14:25:59.996Z"), "ISO", 2) == "2021-07-03T14:26:00.00Z"


@pytest.mark.parametrize(
    "text", ["2021-13-01", "2021-02-30", "2021.366", "25:00", "2021-07-03T25:00Z", "x", "", "2021_XYZ"]
)
def test_times_that_do_not_exist_are_refused(text):
    with pytest.raises(ValueError, match=r"."):
        tai(text)


@settings(max_examples=300, deadline=None)
@given(st.integers(1_050_000_000, 1_900_000_000), st.sampled_from(["ISO", "TAI", "UTC", "Z", "PST", "TDT", "GPS"]))
def test_a_printed_time_reads_as_itself(second, zone):
    assert tai(times.format_time(float(second), zone, 3)) == pytest.approx(second, abs=1e-3)


@pytest.mark.parametrize(
    ("t_obs", "t_rec"),
    [
        ("14:25:05.84", "14:24:59"),
        ("14:34:58.50", "14:34:47"),
        ("14:35:01.80", "14:34:59"),
        ("14:27:25.09", "14:27:23"),
    ],
)
def test_the_record_of_an_image_is_the_slot_it_was_taken_in(t_obs, t_rec):
    rule = EUV.slots
    taken = rule.index(tai(f"2021-07-03T{t_obs}Z") - rule.step / 2)
    assert times.format_time(rule.time(taken)) == f"2021-07-03T{t_rec}Z"


@pytest.mark.parametrize(
    ("start", "end", "first", "last", "count"),
    [
        ("2021-07-03T14:25:00Z", "2021-07-03T14:35:00Z", "2021-07-03T14:24:59Z", "2021-07-03T14:34:59Z", 51),
        ("2014.01.01_00:00:35_TAI", "2014.01.01_00:01:11_TAI", "2014-01-01T00:00:01Z", "2014-01-01T00:00:37Z", 4),
        ("2017-09-06T12:00:00Z", "2017-09-06T12:02:00Z", "2017-09-06T11:59:59Z", "2017-09-06T12:01:59Z", 11),
    ],
)
def test_a_query_takes_the_nearest_slots_as_real_answers_did(start, end, first, last, count):
    (span,) = slots(f"{start}-{end}")
    assert [times.format_time(EUV.slots.time(i)) for i in (span.first, span.last)] == [first, last]
    assert span.last - span.first + 1 == count


@pytest.mark.parametrize(
    ("step", "start", "duration", "count"),
    [
        (45, "2013.07.03_08:42_TAI", "3m", 4),
        (45, "2013.07.03_08:42_TAI", "4m", 5),
        (720, "2013.07.03_08:42_TAI", "40m", 3),
    ],
)
def test_a_duration_takes_as_many_slots_as_real_answers_had(step, start, duration, count):
    rule = Slots(step)
    series = type(EUV)("hmi.test", "", ("T_REC",), 9, rule)
    item = RecordSet("hmi.test", (Filter("prime", f"{start}/{duration}"),))
    (span,) = primekeys.read(item, series, {"T_REC": "time"}).keys["T_REC"][0]
    assert span.last - span.first + 1 == count
    if step == 720:
        # 08:42 lies half-way between two slots of 720 s; ties go up.
        assert times.format_time(rule.time(span.first), "TAI") == "2013.07.03_08:48:00_TAI"


def test_aia_lev1_has_slots_of_a_second_around_each_full_one():
    rule = find("aia.lev1").slots
    assert times.format_time(rule.time(rule.index(tai("2014-01-01T00:00:01.34Z")))) == "2014-01-01T00:00:01Z"
    assert rule.index(10.5) == 11
    assert rule.index(10.49) == 10


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2021-07-03T14:25:00Z", [(0, 0, None)]),
        ("2021-07-03T14:25:00Z/1m", [(0, 4, None)]),
        ("2021-07-03T14:25:00Z/5s", [(0, 0, None)]),
        ("2021-07-03T14:25:00Z/4u", [(0, 3, None)]),
        ("2021-07-03T14:25:00Z/300.0s@60.0s", [(0, 24, 5)]),
        ("2021-07-03T14:25:00Z-2021-07-03T14:26:00Z@30s", [(0, 5, 2)]),
        ("2021-07-03T14:25:00Z - 2021-07-03T14:26:00Z", [(0, 5, None)]),
        ("2021.07.03_14:25:00_UTC,2021.07.03_14:26:00_UTC", [(0, 0, None), (5, 5, None)]),
        ("2021-07-03T14:25:00Z,2021-07-03T14:26:00Z/12s", [(0, 0, None), (5, 5, None)]),
        ("2021-07-03T14:25:00-2021-07-03T14:26:00", [(0, 5, None)]),
    ],
)
def test_time_filters_are_ranges_of_slots(text, expected):
    origin = slot("2021-07-03T14:25:00Z")
    assert [(s.first - origin, s.last - origin, s.every) for s in slots(text)] == expected


def test_a_bare_date_is_one_slot_and_not_a_day():
    (span,) = slots("2021.07.03")
    assert span.first == span.last == slot("2021-07-03T00:00:00Z")


def test_a_bare_duration_counts_from_the_epoch_of_the_slots():
    (span,) = slots("1d/1m")
    assert (span.first, span.last) == (7200, 7204)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#5", (Span(5, 5),)),
        ("#5-#9", (Span(5, 9),)),
        ("#5-#", (Span(5, None),)),
        ("#-#9", (Span(None, 9),)),
        ("#5/3", (Span(5, 7),)),
        ("#5-#9@2", (Span(5, 9, every=2),)),
        ("#1,#5-#6", (Span(1, 1), Span(5, 6))),
        ("#^", LOWEST),
        ("#$", HIGHEST),
        ("^", LOWEST),
        ("$", HIGHEST),
    ],
)
def test_index_forms_name_slots_by_number(text, expected):
    assert slots(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#7", (Span(7, 7),)),
        ("#7-#9", (Span(7, 9),)),
        ("#7/2,#20", (Span(7, 8), Span(20, 20))),
        ("#^", LOWEST),
        ("#$", HIGHEST),
    ],
)
def test_record_numbers_switch_off_the_choice_of_the_newest_version(text, expected):
    item = recordset.parse(f"aia.lev1_euv_12s[:{text}]")[0]
    selection = primekeys.read(item, EUV, TYPES)
    assert selection.recnums == expected
    assert selection.all_versions


def test_unnamed_filters_go_by_position_and_named_ones_do_not_count():
    item = recordset.parse("aia.lev1_euv_12s[WAVELNTH=171][2021-07-03T14:25:00Z][193-211, 304 ]")[0]
    selection = primekeys.read(item, EUV, TYPES)
    assert selection.keys["WAVELNTH"] == [(Span(171, 171),), (Span(193, 211), Span(304, 304))]
    assert len(selection.keys["T_REC"]) == 1


def test_an_empty_filter_takes_a_position_and_a_slot_number_can_be_named():
    item = recordset.parse("aia.lev1_euv_12s[][171][t_rec_index=#5]")[0]
    selection = primekeys.read(item, EUV, TYPES)
    assert selection.keys == {"WAVELNTH": [(Span(171, 171),)], "T_REC": [(Span(5, 5),)]}


def test_segments_comments_and_several_sets_are_told_apart():
    text = """
        aia.lev1_euv_12s [2021-07-03T14:25:00Z] [171] { image , spikes }  # the first
        aia.lev1_euv_12s[#5][? QUALITY = 0 ?][? WAVELNTH > 100 ?], AIA.LEV1_EUV_12S[][! 1=1 !]{image:spikes};
        aia.response
    """
    sets = recordset.parse(text)
    assert [item.segments for item in sets] == [("image", "spikes"), None, ("image", "spikes"), None]
    assert [item.series for item in sets] == [
        "aia.lev1_euv_12s",
        "aia.lev1_euv_12s",
        "AIA.LEV1_EUV_12S",
        "aia.response",
    ]
    assert [f.kind for f in sets[1].filters] == ["prime", "where", "where"]
    assert sets[2].filters[1] == Filter("where_all", "1=1")


def test_brackets_inside_quotation_marks_belong_to_the_text():
    item = recordset.parse("aia.response[][94_THIN][? WAVE_STR = 'a?]b' ?]")[0]
    assert item.filters[2].text == "WAVE_STR = 'a?]b'"


@pytest.mark.parametrize(
    "text",
    ["", "[2021]", "aia.lev1[", "aia.lev1]", "aia.lev1[2021}", "aia.lev1{image", "aia.lev1{image,}", "aia.lev1{a b-c}",
     "aia.lev1[[1]]", "aia.lev1[? 1=1 ]", "aia.lev1[?1=1? ]", "aia.lev1 x", "aia.lev1,", "@list", "/etc/passwd",
     "{dsds}",
     "aia.lev1[1],,aia.lev1", "4aia.lev1", "aia.lev1[1]" * 1000],
)  # fmt: skip
def test_text_that_is_no_record_set_is_refused(text):
    with pytest.raises(SpecificationError):
        recordset.parse(text)


@pytest.mark.parametrize("name", ["bob", "bob[2021]", "a.", "a..b", f"a.{'b' * 70}"])
def test_a_series_name_needs_a_namespace(name):
    with pytest.raises(SeriesNameError, match=r"Invalid series name\."):
        recordset.parse(name)


@pytest.mark.parametrize(
    "filters",
    ["[2021][171][5]", "[EXPTIME=2]", "[WAVELNTH=]", "[171]", "[][171,]", "[][,171]", "[][171-]", "[][1e999]",
     "[2021/]",
     "[2021/5]", "[2021@1x]", "[][171/2u]", "[:5]", "[:#1][:#2]", "[#]", "[#5-6]", "[2021-07-03T14:25:00Z-]", "[^$]",
     "[][^-5]", "[2021-02-30]", "[99999d99]"],
)  # fmt: skip
def test_filters_that_cannot_be_read_are_refused(filters):
    item = recordset.parse(f"aia.lev1_euv_12s{filters}")[0]
    with pytest.raises(FilterError):
        primekeys.read(item, EUV, TYPES)


@pytest.mark.parametrize(
    "filters",
    ["[2021-07-03T14:25:00-2021-07-03T14:35:00]", "[2021-07-03T14:25:00Z,2021-07-03T14:35:00Z]"],
)
def test_strictly_the_time_texts_that_jsoc_misreads_are_refused(filters):
    item = recordset.parse(f"aia.lev1_euv_12s{filters}")[0]
    primekeys.read(item, EUV, TYPES)
    with pytest.raises(FilterError):
        primekeys.read(item, EUV, TYPES, strict=True)


@pytest.mark.parametrize(
    "filters",
    ["[2021-07-03T14:25:00Z-2021-07-03T14:35:00Z]", "[2021-07-03T14:25:00/10m]", "[2021.07.03,2021.07.04]"],
)
def test_strictly_the_time_texts_that_jsoc_reads_well_are_read(filters):
    primekeys.read(recordset.parse(f"aia.lev1_euv_12s{filters}")[0], EUV, TYPES, strict=True)


ROWS = [
    {"EXPTIME": 1.5, "QUALITY": 0, "WAVE": "171_THIN", "T_OBS": 10.0, "recnum": 1},
    {"EXPTIME": 2.0, "QUALITY": -(2**31), "WAVE": "1600", "T_OBS": 1404397537.0, "recnum": 2},
    {"EXPTIME": 10.0, "QUALITY": 0x40000000, "WAVE": "it's", "T_OBS": times.MISSING, "recnum": 3},
    {"EXPTIME": math.nan, "QUALITY": 4, "WAVE": "", "T_OBS": 20.0, "recnum": 4},
]
COLUMNS = {"EXPTIME": "double", "QUALITY": "int", "WAVE": "string", "T_OBS": "time", "recnum": "longlong"}


@pytest.mark.parametrize(
    ("text", "passing"),
    [
        ("EXPTIME < 2.0", [1]),
        ("exptime<='2'", [1, 2]),
        ("EXPTIME<='2' AND QUALITY='0'", [1]),
        ("'10' <= EXPTIME + 0", [3]),
        ("abs(EXPTIME) < '2'", [1]),
        ("QUALITY < 0", [2]),
        ("QUALITY >= 0", [1, 3, 4]),
        ("QUALITY & 1073741824 != 0", [3]),
        ("QUALITY IN (0, 4)", [1, 4]),
        ("EXPTIME BETWEEN '1' AND '2'", [1, 2]),
        ('WAVE = "1600"', [2]),
        ("WAVE = 'it''s'", [3]),
        ("WAVE LIKE '171%'", [1]),
        ("WAVE LIKE '%thin'", []),
        ("T_OBS < $(2021-07-03T14:25:01Z) AND T_OBS > 0", [1, 2, 4]),
        ("NOT (QUALITY = 0) AND (EXPTIME > 1 OR recnum = 4)", [2, 3, 4]),
        ("1=1", [1, 2, 3, 4]),
        ("EXPTIME IS NULL", [4]),
    ],
)
def test_conditions_compare_as_the_database_does(text, passing):
    assert [row["recnum"] for row in Condition([text], COLUMNS).passing(ROWS)] == passing


@pytest.mark.parametrize(
    "text",
    ["", "EXPTIME <", "(EXPTIME < 2", "EXPTIME < 2)", "1=1) OR (1=1", "EXPTIME == 2", "NOSUCH = 1",
     "EXPTIME < 2; DROP TABLE records",
     "EXPTIME < 2 -- x", "EXPTIME < 2 /* x */", "(SELECT 1)", "1 UNION SELECT 1", "load_extension('x')",
     "randomblob(1000000000)",
     "EXPTIME < $(nonsense)", "WAVE = 'open", "sqlite_master", "records.EXPTIME", "row_number = 1", "1 = 1 LIMIT 1",
     "EXPTIME < 0x10",
     "abs()", "WAVE || WAVE", "CASE WHEN 1 THEN 1 END", "EXISTS (1)", "x'00'", ":a = 1", "?1 = 1", "@a = 1", "\0"],
)  # fmt: skip
def test_conditions_that_want_more_than_to_compare_are_refused(text):
    with pytest.raises(FilterError):
        Condition([text], COLUMNS).passing(ROWS)


def test_a_condition_that_takes_too_many_steps_is_stopped(monkeypatch):
    monkeypatch.setattr(conditions, "_CALLS", 3)
    condition = Condition([" OR ".join(f"recnum = {-n}" for n in range(150))], COLUMNS)
    with pytest.raises(FilterError, match="interrupted"):
        condition.passing([ROWS[0]] * 1000)


MOMENTS = st.integers(1_060_000_000, 1_420_000_000)
ZONES = st.sampled_from(["TAI", "UTC", "Z"])
# Made once: making what draws takes longer than drawing.
FORMS = st.sampled_from(["single", "range", "duration", "index"])
STEPS = st.none() | st.integers(1, 600)
STRETCHES = st.integers(0, 100_000)
DURATIONS = st.tuples(st.integers(1, 500), st.sampled_from("smhdu"))
SLOTS = st.integers(1, 1000)


@st.composite
def time_filters(draw):
    """A filter on T_REC and the slots that it means: (text, first, last, every)."""
    zone = draw(ZONES)
    start = draw(MOMENTS)
    form = draw(FORMS)
    begin = times.format_time(start, zone)
    first = math.floor((start - EUV.slots.epoch) / 12 + 0.5)
    every, step = None, ""
    if form != "single" and (seconds := draw(STEPS)):
        every = max(1, round(seconds / 12))
        step = f"@{seconds}s" if form != "index" else f"@{every}"
    if form == "single":
        return begin, first, first, None
    if form == "range":
        end = start + draw(STRETCHES)
        last = math.floor((end - EUV.slots.epoch) / 12 + 0.5)
        return f"{begin}-{times.format_time(end, draw(ZONES))}{step}", first, last, every
    if form == "duration":
        number, unit = draw(DURATIONS)
        seconds = number * {"s": 1, "m": 60, "h": 3600, "d": 86400, "u": 12}[unit]
        return f"{begin}/{number}{unit}{step}", first, first + max(1, seconds // 12) - 1, every
    length = draw(SLOTS)
    return f"#{first}-#{first + length}{step}", first, first + length, every


PARTS = st.tuples(
    st.lists(time_filters(), min_size=1, max_size=3),
    st.lists(st.sampled_from([94, 131, 171, 193, 211, 304, 335]), max_size=3),
    st.integers(1, 1000),
    st.lists(st.sampled_from(["image", "spikes"]), unique=True, max_size=2),
    st.sampled_from(["", " ", "\t"]),
    st.booleans(),
)
BETWEEN = st.sampled_from([",", ":", ";", " , "])


@st.composite
def record_sets(draw):
    """A record-set text with what it means."""
    stretches, channels, hundredths, segments, blank, named = draw(PARTS)
    bound = hundredths / 100
    # In a list an index form stands with its like only.
    if len({text.startswith("#") for text, *_ in stretches}) > 1:
        stretches = [item for item in stretches if not item[0].startswith("#")]
    text = f"aia.lev1_euv_12s{blank}[{(',' + blank).join(text for text, *_ in stretches)}]"
    if channels:
        values = ",".join(map(str, channels))
        text += f"[WAVELNTH={values}]" if named else f"[{values}]"
    text += f"{blank}[? EXPTIME < {bound} AND QUALITY = 0 ?]"
    if segments:
        text += "{" + draw(BETWEEN).join(segments) + "}"
    return text, stretches, channels, segments, bound


@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(record_sets())
def test_generated_record_sets_mean_what_they_were_made_of(case):
    text, stretches, channels, segments, bound = case
    (item,) = recordset.parse(text)
    selection = primekeys.read(item, EUV, TYPES)
    assert [(s.first, s.last, s.every) for s in selection.keys["T_REC"][0]] == [tuple(rest) for _, *rest in stretches]
    assert selection.keys.get("WAVELNTH", [()])[0] == tuple(Span(c, c) for c in channels)
    assert selection.where == [f"EXPTIME < {bound} AND QUALITY = 0"]
    assert item.segments == (tuple(segments) or None)


MODEL = Archive(lambda: 1.7e9)
SERVICE = Service(MODEL, None, None, None, lambda: 1.7e9)
TOKENS = st.sampled_from(
    ["aia.lev1_euv_12s", "aia.response", "aia.lev1", "aia.nope", "bob", "[", "]", "[?", "?]", "[!", "!]", "[:", "{",
     "}", "#", "^",
     "$", "@", "/", "-", ",", ";", "\n", " ", "'", '"', "(", ")", "2021-07-03T14:25:00Z", "2021.07.03_14:25_TAI",
     "9" * 30, "1e308",
     "10m", "12s", "3u", "171", "WAVELNTH=", "EXPTIME", "QUALITY", "<", "=", "AND", "SELECT", "DROP TABLE", "--",
     "/*", "image",
     "../../etc/passwd", "%00", "\0", "\x80", "é", "$(", "now", "-1", "0", "randomblob(9)", "LIKE", "%%%%", "~", "|",
     "&", "\\"]
)  # fmt: skip
HOSTILE = st.one_of(
    st.lists(TOKENS, max_size=14).map("".join),
    st.lists(TOKENS, max_size=8).map(lambda t: "aia.lev1_euv_12s[" + "".join(t) + "]"),
    st.lists(TOKENS, max_size=8).map(lambda t: "aia.lev1_euv_12s[2021-07-03T14:25:00Z][? " + "".join(t) + " ?]"),
    st.text(max_size=60),
    st.text(string.printable, max_size=60).map(lambda t: f"aia.lev1_euv_12s[2021-07-03T14:25:00Z][{t}]"),
)


class Watch:
    """What the interpreter reports of files, databases, processes and connections, while somebody looks."""

    events = ("open", "sqlite3.connect", "subprocess.Popen", "os.system", "os.exec", "os.listdir", "os.scandir")
    events += ("os.remove", "os.rename", "os.mkdir", "socket.connect", "socket.bind", "ctypes.dlopen")
    own = tuple(
        str(Path(folder).resolve()) for folder in (sys.prefix, sys.base_prefix, synthetic_jsoc.__path__[0] + "/..")
    )

    def __init__(self):
        self.looking, self.seen = False, []

    def __call__(self, event, arguments):
        if self.looking and event in self.events:
            self.seen.append((event, str(arguments[0])))

    def __enter__(self):
        self.looking, self.seen = True, []
        return self

    def __exit__(self, *_):
        self.looking = False

    @property
    def forbidden(self):
        """All that is neither a database in memory nor a part of the program."""
        return [
            (event, name)
            for event, name in self.seen
            if (event, name) != ("sqlite3.connect", ":memory:") and not str(Path(name).resolve()).startswith(self.own)
        ]


WATCH = Watch()
# An audit hook stays for the life of the process; it looks only when it is told to.
sys.addaudithook(WATCH)


def test_the_watch_sees_what_it_is_there_to_see(tmp_path):
    with WATCH as watch, sqlite3.connect(":memory:") as memory:
        memory.execute("SELECT 1")
        with pytest.raises(FileNotFoundError):
            (tmp_path / "secret").open()
    memory.close()
    assert watch.forbidden == [("open", str(tmp_path / "secret"))]


AT_ONCE = 20  # of texts are drawn at once, which takes a third of the time that drawing each by itself does


@pytest.mark.hostile
@settings(
    max_examples=500 if TIMES == 1 else 100 * TIMES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(st.lists(HOSTILE, min_size=AT_ONCE, max_size=AT_ONCE))
@example(
    [
        "aia.lev1_euv_12s[2021-07-03T14:25:00Z][? " + "(" * 4000 + "1" + ")" * 4000 + " ?]",
        "aia.lev1_euv_12s[2021-07-03T14:25:00Z][? " + "NOT " * 2000 + "1 ?]",
        "aia.lev1_euv_12s[2021-07-03T14:25:00Z][? 'a' LIKE '" + "%a" * 1000 + "' ?]",
        "aia.lev1_euv_12s[#-#]",
        "aia.lev1_euv_12s[1d-99999d@1s]",
        "aia.lev1_euv_12s[#0-#9007199254740992@1]",
    ]
)
def test_hostile_and_random_texts_get_an_answer_and_nothing_else(texts):
    for text in texts:
        with WATCH as watch:
            answer = info.jsoc_info(SERVICE, {"op": "rs_summary", "ds": text})
        assert watch.forbidden == [], text
        if answer["status"] == 0:
            assert 0 <= answer["count"] <= 75_000, text
        else:
            assert answer["status"] in (1, 4, 5, 6), text
            assert answer["error"], text
