"""Conditions mean the same in a table and in the archive, and nothing reaches the archive that was not understood."""

import sqlite3

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aia_sequence.config import conditions as filters
from aia_sequence.errors import ConfigError
from synthetic_jsoc.protocol.conditions import Condition as ArchiveCondition

COLUMNS = {
    "T_REC": "time",
    "WAVELNTH": "int",
    "EXPTIME": "float",
    "QUALITY": "int",
    "FSN": "int",
    "CAMERA": "int",
}
TIMES = [f"2021-07-03T14:{minute}:59Z" for minute in range(24, 35)]
EXPOSURES = [0.1, 0.5, 1.0, 1.5, 1.99962, 2.0, 2.0000001, 2.901165]
WORDS = [0, 1, 4, 0x1F, 0x100, 0x40000000, 0x40200000, 0x80000000, 0xC0000000, 0xFFFFFFFF]


@st.composite
def conditions(draw):
    """A configuration of conditions that is allowed."""
    numbers = {"WAVELNTH": [94, 171, 211, 335], "FSN": [1, 2, 3], "CAMERA": [1, 4], "EXPTIME": EXPOSURES}
    where = {}
    for name in draw(st.lists(st.sampled_from(list(COLUMNS)), unique=True, max_size=4)):
        if name == "QUALITY":
            bits = draw(st.lists(st.integers(0, 30), min_size=1, max_size=6))
            listed = ", ".join(map(str, bits))
            word = draw(st.sampled_from(WORDS))
            forms = [f"= {word}", f"!= {word:#x}", f"in 0, {word}", f"ignore bits {listed}", f"reject bits {listed}"]
        else:
            values = TIMES if name == "T_REC" else numbers[name]
            one, two = sorted(draw(st.tuples(st.sampled_from(values), st.sampled_from(values))))
            forms = [f"{operator} {one}" for operator in filters.COMPARISONS]
            forms += [f"{one} .. {two}", f"in {one}, {two}", f"not in {one}, {two}"]
        where[name] = draw(st.sampled_from(forms))
    return where


@st.composite
def tables(draw):
    """Metadata in which numbers may be missing and QUALITY has any bits."""
    rows = st.fixed_dictionaries(
        {
            "T_REC": st.sampled_from(TIMES),
            "WAVELNTH": st.sampled_from([94, 171, 211, 335]),
            "EXPTIME": st.sampled_from([*EXPOSURES, None]),
            "QUALITY": st.one_of(st.sampled_from(WORDS), st.integers(0, 2**32 - 1)),
            "FSN": st.sampled_from([1, 2, 3, None]),
            "CAMERA": st.sampled_from([1, 4, None]),
        }
    )
    listed = draw(st.lists(rows, max_size=12))
    types = {"WAVELNTH": "int64", "EXPTIME": "float64", "QUALITY": "int64", "FSN": "Int64", "CAMERA": "Int64"}
    return listed, pd.DataFrame(listed, columns=list(COLUMNS)).astype(types)


def archive_rows(rows):
    """The rows as the archive's model holds them: times in its seconds, QUALITY unsigned, missing values as None."""
    from synthetic_jsoc.times import parse_time

    return [{**row, "T_REC": parse_time(row["T_REC"]), "number": number} for number, row in enumerate(rows)]


@given(where=conditions(), table=tables())
def test_a_filter_keeps_the_same_records_in_the_table_and_in_the_archive(where, table):
    rows, frame = table
    compiled = filters.compile_where(where)
    here = [number for number, reasons in enumerate(filters.dropped_by(frame, compiled)) if not reasons]
    asked = ArchiveCondition([filters.drms_text(compiled)], COLUMNS)
    assert [row["number"] for row in asked.passing(archive_rows(rows))] == here


@given(where=conditions(), table=tables())
def test_a_filter_is_plain_sql(where, table):
    rows, frame = table
    compiled = filters.compile_where({name: text for name, text in where.items() if name != "T_REC"})
    signed = [{**row, "QUALITY": row["QUALITY"] - 2**32 * (row["QUALITY"] >= 2**31)} for row in rows]
    stored = [{**row, "FSN": row["FSN"] or -(2**31), "CAMERA": row["CAMERA"] or -(2**31)} for row in signed]
    with sqlite3.connect(":memory:") as database:
        database.execute("CREATE TABLE r (n, WAVELNTH INT, EXPTIME REAL, QUALITY INT, FSN INT, CAMERA INT)")
        values = [(n, *(row[key] for key in list(COLUMNS)[1:])) for n, row in enumerate(stored)]
        database.executemany("INSERT INTO r VALUES (?, ?, ?, ?, ?, ?)", values)
        found = database.execute(f"SELECT n FROM r WHERE {filters.drms_text(compiled)} ORDER BY n").fetchall()
    database.close()
    here = [number for number, reasons in enumerate(filters.dropped_by(frame, compiled)) if not reasons]
    assert [number for (number,) in found] == here


@given(where=conditions())
def test_a_condition_reads_back_from_its_own_text(where):
    compiled = filters.compile_where(where)
    again = filters.compile_where({one.keyword: one.text.removeprefix(one.keyword) for one in compiled})
    assert again == compiled


@given(name=st.sampled_from(list(filters.KEYWORDS)), text=st.text(max_size=40))
def test_nothing_from_the_configuration_reaches_a_query_unparsed(name, text):
    try:
        compiled = filters.compile_where({name: text})
    except ConfigError:
        return
    assert set(filters.drms_text(compiled)) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789 .,<>=!&()$:-+eTZ")


@pytest.mark.parametrize(
    "where",
    [
        {"EXPTIME": "< 2.0 OR 1=1"},
        {"EXPTIME": "< 2.0 ?][? 1=1"},
        {"QUALITY": "0); DROP TABLE records"},
        {"QUALITY": "in 0, (select 1)"},
        {"T_REC": "> $(now)"},
        {"T_REC": "> 2021-07-03T14:25:00"},
        {"T_REC": "> 2021-02-31T14:25:00Z"},
        {"WAVELNTH": "= 2.5"},
        {"WAVELNTH": "in 171,"},
        {"EXPTIME": "< nan"},
        {"EXPTIME": "< inf"},
        {"EXPTIME": ""},
        {"EXPTIME": True},
        {"EXPTIME": {"<": 2}},
        {"EXPTIME": "2.0 .. 1.5"},
        {"QUALITY": "= 4294967296"},
        {"QUALITY": "= -1"},
        {"QUALITY": "0 .. 3"},
        {"QUALITY": "ignore bits 32"},
        {"QUALITY": "ignore bits 8-4"},
        {"QUALITY": "ignore bits 31"},
        {"QUALITY": "ignore bits all"},
    ],
)
def test_what_is_no_condition_is_refused_with_key_and_value(where):
    ((name, value),) = where.items()
    with pytest.raises(ConfigError, match=rf"where\.{name}: ") as raised:
        filters.compile_where(where)
    assert "\n" not in str(raised.value)
    assert (
        "allowed" in str(raised.value) or "takes" in str(raised.value) or "bit 31" in str(raised.value) or ".." in value
    )


NUMBERS = {"=": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


@given(
    kind=st.sampled_from(["DATAMEAN", "NSATPIX", "ASQHDR"]),
    operator=st.sampled_from(filters.COMPARISONS),
    limit=st.integers(-5, 5),
    values=st.lists(st.one_of(st.none(), st.integers(-5, 5)), max_size=8),
)
def test_a_linked_keyword_is_compared_as_a_number_and_a_missing_one_fails(kind, operator, limit, values):
    frame = pd.DataFrame({kind: pd.Series(values, dtype="float64" if kind == "DATAMEAN" else "Int64")})
    (condition,) = filters.compile_where({kind: f"{operator} {limit}"})
    expected = [value is not None and getattr(value, f"__{NUMBERS[operator]}__")(limit) for value in values]
    assert list(condition.select(frame)) == expected


@pytest.mark.parametrize(
    ("where", "values", "kept"),
    [
        ({"ACS_ECLP": "= NO"}, ["NO", "YES", "", "no"], ["NO"]),
        ({"ACS_ECLP": "!= NO"}, ["NO", "YES", "", "no"], ["YES", "no"]),
        ({"ACS_MODE": "in SCIENCE, INERTIAL"}, ["SCIENCE", "INERTIAL", "", "SCIENC"], ["SCIENCE", "INERTIAL"]),
        ({"ACS_MODE": "not in SCIENCE"}, ["SCIENCE", "INERTIAL", ""], ["INERTIAL"]),
        (
            {"T_OBS": ">= 2021-07-03T14:25:00Z"},
            ["2021-07-03T14:25:00Z", "2021-07-03T14:25:00.84Z", "2021-07-03T14:24:59.99Z", ""],
            ["2021-07-03T14:25:00Z", "2021-07-03T14:25:00.84Z"],
        ),
        (
            {"T_OBS": "2016-12-31T23:59:60Z .. 2017-01-01T00:00:00Z"},
            ["2016-12-31T23:59:59.99Z", "2016-12-31T23:59:60.34Z", "2017-01-01T00:00:00Z", "2017-01-01T00:00:00.01Z"],
            ["2016-12-31T23:59:60.34Z", "2017-01-01T00:00:00Z"],
        ),
    ],
)
def test_texts_and_times_of_linked_keywords(where, values, kept):
    (condition,) = filters.compile_where(where)
    frame = pd.DataFrame({condition.keyword: pd.Series(values, dtype="str")})
    assert list(frame[condition.select(frame)][condition.keyword]) == kept


def test_a_linked_keyword_is_asked_for_and_does_not_stand_in_what_the_archive_selects_by():
    compiled = filters.compile_where({"DATAP95": "< 900", "EXPTIME": "< 2.0", "NSATPIX": "= 0"})
    assert filters.drms_text(compiled) == "EXPTIME < 2.0 AND QUALITY >= 0"
    assert filters.extra_keywords(compiled) == ["DATAP95"], "NSATPIX is in every block's metadata"


@pytest.mark.parametrize("text", ["= 'NO'", "'NO'", '= "NO"', "in 'NO', 'YES'"])
def test_a_text_in_quotes_would_be_another_one_and_is_refused(text):
    with pytest.raises(ConfigError, match=r'where.ACS_ECLP: .* takes "= NO" .*, without further quotes'):
        filters.compile_where({"ACS_ECLP": text})


@pytest.mark.parametrize("text", ["< NO", "NO .. YES", ">= x"])
def test_a_text_has_no_order(text):
    with pytest.raises(ConfigError, match=r'where.ACS_ECLP: .*; ACS_ECLP takes "= NO"'):
        filters.compile_where({"ACS_ECLP": text})


def test_an_unknown_keyword_is_refused_with_those_that_are_allowed():
    with pytest.raises(
        ConfigError, match=r"where.EXPTME: .*'EXPTME'; did you mean EXPTIME\? Allowed are T_REC.* CAMERA, .*"
    ):
        filters.compile_where({"EXPTME": "< 2"})


def test_every_wrong_condition_gets_its_line():
    with pytest.raises(ConfigError) as raised:
        filters.compile_where({"EXPTIME": "about 2", "QUALITY": "< 3", "T_OBS": "= 1"})
    assert [line.split(":")[0] for line in str(raised.value).splitlines()] == [
        "where.EXPTIME",
        "where.QUALITY",
        "where.T_OBS",
    ]


def test_the_worked_example_in_words_of_the_archive():
    compiled = filters.compile_where({"QUALITY": "= 0", "EXPTIME": "< 2.0"})
    assert filters.drms_text(compiled) == "EXPTIME < 2.0 AND QUALITY = 0"


def test_no_condition_still_asks_for_records_with_an_image():
    assert filters.drms_text(filters.compile_where({})) == "QUALITY >= 0"
    assert filters.drms_text(filters.compile_where(None)) == "QUALITY >= 0"


def test_the_order_in_the_configuration_changes_nothing():
    one = filters.compile_where({"QUALITY": 0, "EXPTIME": ["> 0.5", "< 2"]})
    two = filters.compile_where({"EXPTIME": ["< 2.0", "> .5"], "QUALITY": "= 0x0"})
    assert one == two


def test_bits_to_ignore_leave_every_other_bit_in_force():
    (condition,) = filters.compile_where({"QUALITY": "ignore bits 0-4, 8, 30"})
    words = pd.DataFrame({"QUALITY": [0, 0b11111, 0x100, 0x40000000, 0x4000011F, 0x20, 0x80000000, 0x200]})
    assert list(condition.select(words)) == [True, True, True, True, True, False, False, False]


def test_dropped_records_name_every_condition_that_they_fail():
    frame = pd.DataFrame({"EXPTIME": [1.0, 2.9, 2.9], "QUALITY": [0, 0, 0x80000000]})
    compiled = filters.compile_where({"EXPTIME": "< 2.0", "QUALITY": "= 0"})
    assert filters.dropped_by(frame, compiled) == [
        "",
        "EXPTIME < 2.0",
        "EXPTIME < 2.0; QUALITY = 0; QUALITY bit 31 (no image)",
    ]
