"""Metadata is typed and complete, whatever text the archive sends."""

import pandas as pd
import pytest

from aia_sequence.archive import metadata
from aia_sequence.errors import ArchiveError
from aia_sequence.lists.records import METADATA

SERIES = "aia.lev1_euv_12s"
START, END = "2021-07-03T14:24:59Z", "2021-07-03T14:25:11Z"


def answer(**changes):
    """Two records as a query brings them: every value a text."""
    columns = {
        "*recnum*": ["2", "1"],
        "T_REC": ["2021-07-03T14:25:11Z", "2021-07-03T14:24:59Z"],
        "T_OBS": ["2021-07-03T14:25:17.84Z", "2021-07-03T14:25:05.84Z"],
        "DATE__OBS": ["2021-07-03T14:25:16.84Z", "2021-07-03T14:25:04.84Z"],
        "WAVELNTH": ["193", "193"],
        "EXPTIME": ["1.999624", "1.999620"],
        "QUALITY": ["0x40000000", "0x00000000"],
        "NSATPIX": ["7", "0"],
        "DATAMEAN": ["321.5", "320.25"],
        "image": ["/SUM1/D2/S00000/image_lev1.fits", "NoDataDirectory"],
    }
    return pd.DataFrame({**columns, **changes}, dtype="object")


def test_records_are_sorted_by_slot_and_named():
    frame = metadata.typed(SERIES, answer())
    assert list(frame["record"]) == [f"{SERIES}[2021-07-03T14:24:59Z][193]", f"{SERIES}[2021-07-03T14:25:11Z][193]"]
    assert list(frame.columns) == METADATA.names()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("0x00000000", 0),
        ("0x40000000", 0x40000000),
        ("0xc0000000", 0xC0000000),
        ("0X80000000", 0x80000000),
        ("-2147483648", 0x80000000),
        ("1073741824", 0x40000000),
    ],
)
def test_quality_is_an_unsigned_number_however_it_is_written(text, word):
    frame = metadata.typed(SERIES, answer(QUALITY=[text, "0x00000000"]))
    assert list(frame["QUALITY"]) == [0, word]


@pytest.mark.parametrize("text", ["", "MISSING", "nan", "0x1FFFFFFFF", "0xzz", "1.5"])
def test_a_quality_that_is_no_word_is_refused(text):
    with pytest.raises(ArchiveError, match="QUALITY"):
        metadata.typed(SERIES, answer(QUALITY=[text, "0x00000000"]))


def test_missing_values_are_empty_and_survive_the_file(tmp_path):
    changes = {name: ["MISSING", "Invalid KeyLink"] for name in ("EXPTIME", "NSATPIX", "DATAMEAN", "T_OBS")}
    frame = metadata.typed(SERIES, answer(**changes))
    assert frame[["EXPTIME", "NSATPIX", "DATAMEAN"]].isna().all(axis=None)
    METADATA.write_frame(tmp_path / "table.csv", frame)
    again = METADATA.frame(tmp_path / "table.csv")
    assert metadata.differences(frame, again) == []
    assert list(again["T_OBS"]) == ["", ""]


def test_a_table_reads_back_as_it_was_written(tmp_path):
    frame = metadata.typed(SERIES, answer())
    METADATA.write_frame(tmp_path / "one.csv", frame)
    again = METADATA.frame(tmp_path / "one.csv")
    pd.testing.assert_frame_equal(again, frame)
    METADATA.write_frame(tmp_path / "two.csv", again)
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


def test_no_record_is_a_table_without_rows(tmp_path):
    columns = METADATA.names()
    METADATA.write_frame(tmp_path / "table.csv", metadata.empty(columns))
    again = METADATA.frame(tmp_path / "table.csv")
    assert list(again.columns) == columns
    assert again.empty
    assert again["QUALITY"].dtype == "int64"


@pytest.mark.parametrize("name", ["T_REC", "WAVELNTH"])
@pytest.mark.parametrize("text", ["Invalid KeyLink", "MISSING"])
def test_a_record_without_prime_keys_is_refused(name, text):
    with pytest.raises(ArchiveError, match=f"'{text}' for the prime key {name}"):
        metadata.typed(SERIES, answer(**{name: [text, text]}))


@pytest.mark.parametrize(
    ("name", "text"), [("EXPTIME", "two"), ("T_REC", "yesterday"), ("NSATPIX", "1.5"), ("WAVELNTH", "x")]
)
def test_a_value_of_another_type_is_refused_by_name(name, text):
    with pytest.raises(ArchiveError, match=f"{text}.* for {name}"):
        metadata.typed(SERIES, answer(**{name: [text, answer()[name][1]]}))


def test_a_complete_block_passes():
    metadata.check_complete(metadata.typed(SERIES, answer()), SERIES, START, END)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"T_REC": ["2021-07-03T14:25:11Z", "2021-07-03T14:24:47Z"]}, r"14:24:47Z.* which was not asked for"),
        ({"T_REC": ["2021-07-03T14:25:23Z", "2021-07-03T14:24:59Z"]}, r"14:25:23Z.* which was not asked for"),
        ({"WAVELNTH": ["1600", "193"]}, r"\[1600\], which was not asked for"),
        ({"T_REC": ["2021-07-03T14:24:59Z"] * 2}, "more than once"),
    ],
)
def test_records_that_do_not_belong_to_the_block_are_refused(changes, message):
    with pytest.raises(ArchiveError, match=message):
        metadata.check_complete(metadata.typed(SERIES, answer(**changes)), SERIES, START, END)


def test_an_answer_that_the_archive_cut_is_refused():
    frame = metadata.typed(SERIES, answer())
    cut = frame.loc[[0]].reindex([0] * metadata.ROW_LIMIT)
    with pytest.raises(ArchiveError, match="choose a shorter `block`"):
        metadata.check_complete(cut, SERIES, START, END)


def test_differences_are_shown_value_by_value():
    one = metadata.typed(SERIES, answer())
    two = metadata.typed(SERIES, answer(EXPTIME=["1.999624", "2.1"]))
    assert metadata.differences(one, one) == []
    assert metadata.differences(one, two) == [f"{SERIES}[2021-07-03T14:24:59Z][193]: EXPTIME 1.99962 and 2.1"]
    assert metadata.differences(one, two.tail(1)) == [f"{SERIES}[2021-07-03T14:24:59Z][193]: only in the first"]
    assert metadata.differences(one, one[::-1]) == ["the records are the same, their order is not"]


def test_a_value_that_only_one_side_has_is_a_difference():
    one = metadata.typed(SERIES, answer())
    two = metadata.typed(SERIES, answer(NSATPIX=["MISSING", "0"]))
    assert metadata.differences(one, two) == [f"{SERIES}[2021-07-03T14:25:11Z][193]: NSATPIX 7 and <NA>"]


@pytest.mark.parametrize("name", ["WAVELNTH", "NSATPIX"])
@pytest.mark.parametrize("text", ["0x1FFFFFFFFF", "2147483648", "-2147483649"])
def test_a_number_that_the_keyword_s_type_cannot_hold_is_refused(name, text):
    with pytest.raises(ArchiveError, match=f"answered '{text}' for {name}, which is no whole number of 32 bits"):
        metadata.typed(SERIES, answer(**{name: [text, "193"]}))
