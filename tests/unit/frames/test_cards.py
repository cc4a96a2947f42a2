"""Headers that are read a value at a time say what astropy says of them."""

import csv
import io
import warnings

import pytest
from astropy.io import fits
from astropy.io.fits.verify import VerifyError
from astropy.utils.exceptions import AstropyWarning
from hypothesis import example, given
from hypothesis import strategies as st

from aia_sequence.frames.cards import Cards, read

TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)
VALUES = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXT,
    st.just(fits.card.Undefined()),
)
NAMES = st.from_regex(r"[A-Z][A-Z0-9_-]{0,7}", fullmatch=True).filter(
    lambda name: name not in ("END", "COMMENT", "HISTORY", "CONTINUE", "HIERARCH", "SIMPLE", "XTENSION")
)


def told(header, key):
    """A value with its type, or the kind of error."""
    try:
        value = header[key]
    except (KeyError, VerifyError) as error:
        return type(error)
    if key in ("HISTORY", "COMMENT", ""):
        return [str(line) for line in value]
    return type(value), value


def alike(raw):
    """Compare all keywords of a header, and some that it lacks; and where the file stands."""
    one, other = io.BytesIO(raw), io.BytesIO(raw)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyWarning)  # as whoever lists files has it
        ours, theirs = read(one), fits.Header.fromfile(other)
        assert one.tell() == other.tell()
        for key in [*theirs, "NOWHERE", "DATE-OBS"]:
            assert told(ours, key) == told(theirs, key), key
            assert (key in ours) == (key in theirs)


@given(cards=st.lists(st.tuples(NAMES, VALUES, TEXT), max_size=40), history=st.lists(TEXT, max_size=3))
@example([("A", "it's", ""), ("A", 3, "twice"), ("B", "x / y", ""), ("C", "DP1: 3", ""), ("D", "a" * 68, "")], [])
@example([("E", "b&", ""), ("F", "''", ""), ("G", " ", ""), ("H", "axis.1: 2.5", "")], ["HISTORY = 3", ""])
def test_any_header_reads_as_astropy_reads_it(cards, history):
    header = fits.Header()
    for name, value, comment in cards:
        header.append((name, value, comment[:20]), end=True)
    for line in history:
        header.add_history(line)
    alike(header.tostring().encode("ascii"))


ODD = [
    "",
    "1E5",
    "1.5D3",
    "-nan",
    ".5",
    "5.",
    "-.5E-3",
    "007",
    "(1.0, 2.0)",
    "'open",
    "'a' 'b'",
    "'a'/ b",
    "1 2",
    "+5",
    ".",
    "'a   '",
    "''''",
    "'''a'",
    "1.E+05 / x",
    "12345678901234567890",
    "",
]


@pytest.mark.parametrize(
    "card",
    [
        *(f"X       = {value}" for value in ODD),
        *(
            "END     = 3",
            "CONTINUE= 3",
            "X       =T",
            "X = 3",
            "x       = 3",
            "HIERARCH long name = 3",
            "CONTINUE  'b'",
            "XY Z    = 3",
            "X",
        ),
    ],
)
def test_an_odd_card_reads_as_astropy_reads_it(card):
    alike("".join(line.ljust(80) for line in ("BITPIX  = 16", card, "END")).ljust(2880).encode("ascii"))


def test_real_headers_read_as_astropy_reads_them(shared_data):
    with open(shared_data / "fulldisk_8bit" / "headers_all200.csv", newline="") as file:
        rows = list(csv.DictReader(file))[::20]
    for row in rows:
        texts = (value if value.lstrip("-").replace(".", "").isdigit() else repr(value[:60]) for value in row.values())
        cards = [f"{key[:8].upper():8}= {text}" for key, text in zip(row, texts, strict=True)]
        alike("".join(card.ljust(80)[:80] for card in [*cards, "END"]).ljust(2880 * 8).encode("ascii", "replace"))
    for path in sorted((shared_data / "frames_16bit").glob("*.fits")):
        with open(path, "rb") as file, fits.open(path) as hdus:
            ours = read(file)
            assert {key: told(ours, key) for key in hdus[0].header} == {
                key: told(hdus[0].header, key) for key in hdus[0].header
            }


@pytest.mark.parametrize("raw", [b"", b"x" * 2880, b"SIMPLE  =                    T".ljust(5760)])
def test_what_is_no_header_is_refused_as_astropy_refuses_it(raw):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyWarning)
        found = []
        for reader in (read, fits.Header.fromfile):
            try:
                found.append(dict(reader(io.BytesIO(raw))))
            except (EOFError, OSError) as error:
                found.append(type(error))
    assert found[0] == found[1]


@pytest.mark.parametrize("padding", [b"\0", b"x"])
def test_a_header_that_is_filled_up_otherwise_is_astropys_to_judge(padding):
    raw = b"".join(card.ljust(80) for card in (b"BITPIX  = 16", b"END"))
    for reader in (read, fits.Header.fromfile):
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            assert reader(io.BytesIO(raw.ljust(2880, padding)))["BITPIX"] == 16
        assert len(found) == (padding == b"\0")


def test_a_value_can_take_the_place_of_another():
    cards = Cards(b"NAXIS   =                    2".ljust(80))
    cards["NAXIS"] = 7
    assert (cards["NAXIS"], list(cards)) == (7, ["NAXIS"])
