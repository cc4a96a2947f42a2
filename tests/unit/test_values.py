"""A value that the archive does not have is missing everywhere, whatever text stands for it."""

import math

import pandas as pd
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from aia_sequence.acquisition import direct
from aia_sequence.archive import metadata
from aia_sequence.archive.recordsets import record_of
from aia_sequence.errors import ArchiveError, FrameError
from aia_sequence.values import is_missing, number, whole

# What printf makes of a number that is none (the sign is that of its bits), and the archive's own words.
ABSENT = ["nan", "-nan", "NAN", "NaN", "+nan", "inf", "-inf", "INF", "Infinity", "MISSING", "Invalid KeyLink", ""]
SERIES = "aia.lev1_euv_12s"


@pytest.mark.parametrize("text", [*ABSENT, " -nan ", "-4712-01-01T12:00:00Z", "-4712-01-01T12:00:00.000Z"])
def test_these_texts_say_that_there_is_no_value(text):
    assert is_missing(text)
    assert number(text) is None
    assert whole(text) is None


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_other_number_is_itself(value):
    assert number(repr(value)) == value


@given(st.floats() | st.just(math.nan))
def test_what_comes_out_is_finite_or_missing(value):
    found = number(str(value))
    assert found == value if math.isfinite(value) else found is None


def test_a_number_too_large_to_be_held_is_missing():
    assert number("1e999") is None


@given(st.integers(-(2**63), 2**63 - 1))
def test_whole_numbers_are_read_as_decimals_and_as_words(value):
    assert whole(str(value)) == value
    assert whole(hex(value)) == value


@pytest.mark.parametrize("text", ["1.5", "0x", "12 s", "none", "0b1", "1_000"])
def test_what_is_no_whole_number_is_refused(text):
    with pytest.raises(ValueError, match="no whole number"):
        whole(text)


def answer(**values):
    row = {
        "*recnum*": "1", "T_REC": "2021-07-03T14:25:11Z", "T_OBS": "2021-07-03T14:25:17.84Z", "WAVELNTH": "193",
        "DATE__OBS": "2021-07-03T14:25:16.84Z", "EXPTIME": "1.999624", "QUALITY": "0x00000000", "NSATPIX": "7",
        "DATAMEAN": "321.5", "FSN": "1", "CAMERA": "2",
    }  # fmt: skip
    return pd.DataFrame({name: [text] for name, text in (row | values).items()}, dtype="object")


@pytest.mark.parametrize("text", ABSENT)
@pytest.mark.parametrize("keyword", ["EXPTIME", "DATAMEAN", "NSATPIX", "FSN", "CAMERA", "T_OBS", "DATE__OBS"])
def test_a_missing_value_is_an_empty_cell_of_metadata(keyword, text):
    (value,) = metadata.typed(SERIES, answer(**{keyword: text}))[keyword]
    assert value == "" if keyword in ("T_OBS", "DATE__OBS") else pd.isna(value)


@pytest.mark.parametrize(
    ("keyword", "text"),
    [("EXPTIME", "two"), ("NSATPIX", "1.5"), ("T_OBS", "2021-07-03"), ("T_OBS", "2021-13-03T14:25:17.84Z"),
     ("T_OBS", "2021-07-03T14:25:60Z"), ("T_REC", "MISSING"), ("WAVELNTH", "nan"), ("QUALITY", "-nan")],
)  # fmt: skip
def test_a_value_of_another_kind_is_refused_with_its_keyword(keyword, text):
    with pytest.raises(ArchiveError, match=f"{SERIES}: .*{text!r} for .*{keyword}|{text!r} for {keyword}"):
        metadata.typed(SERIES, answer(**{keyword: text}))


@pytest.mark.parametrize("text", ABSENT)
def test_a_missing_number_is_an_undefined_card_of_a_header(text):
    values = [direct._value("OSCNMEAN", text, kind) for kind in ("float", "double", "int", "short", "longlong")]
    assert values == [None] * 5
    header = fits.Header([("OSCNMEAN", values[0])])
    assert header.tostring().startswith("OSCNMEAN= " + " " * 60)


def test_a_number_that_is_none_is_refused_with_record_and_keyword():
    headers = object.__new__(direct.Headers)
    headers.series = SERIES
    headers.definitions = [{"name": "EXPTIME", "note": "exposure", "units": "sec", "type": "float"}]
    headers.values = {f"{SERIES}[2021-07-03T14:25:11Z][193]": {"EXPTIME": "two"}}
    with pytest.raises(FrameError, match=r"\[193\]: the archive answered 'two' for EXPTIME, which is no float"):
        headers.cards(f"{SERIES}[2021-07-03T14:25:11Z][193]", 1, "image")


@pytest.mark.parametrize(
    ("keyword", "text"), [("T_REC", "Invalid KeyLink"), ("WAVELNTH", "MISSING"), ("WAVELNTH", "x")]
)
def test_an_answer_without_prime_keys_is_refused(keyword, text):
    row = {"T_REC": "2021-07-03T14:25:11Z", "WAVELNTH": "193"}
    assert record_of(SERIES, row) == f"{SERIES}[2021-07-03T14:25:11Z][193]"
    with pytest.raises(ArchiveError, match=f"{keyword} '{text}'.*name no record"):
        record_of(SERIES, row | {keyword: text})
