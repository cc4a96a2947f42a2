"""Headers that are written card by card are those that astropy would write."""

import warnings

import numpy as np
import pytest
from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning
from hypothesis import given
from hypothesis import strategies as st
from test_cards import NAMES, TEXT, VALUES

from aia_sequence.frames.cards import Cards, of_image
from aia_sequence.frames.draft import Draft, mending

CARD = st.tuples(NAMES, VALUES, TEXT)


def written(header):
    """Its cards as astropy writes them, commentary last."""
    cards = list(header.cards)
    last = [card for card in cards if card.keyword in ("COMMENT", "HISTORY")]
    return "".join(str(card) for card in [card for card in cards if card not in last] + last)


@given(st.lists(CARD, max_size=20), st.lists(CARD, max_size=20), st.lists(st.text("ab ", max_size=200), max_size=3))
def test_a_draft_has_the_text_of_an_astropy_header_that_is_changed_alike(first, changes, history):
    with mending():
        header = fits.Header()
        for name, value, comment in first:
            header.set(name, value, comment)
        header = fits.Header.fromstring(header.tostring())
        draft = Draft.of(header)
        for name, value, comment in changes:
            header.set(name, value, comment or None)
            draft.set(name, value, comment or None)
        for line in history:
            header.add_history(line)
            draft.add_history(line)
        assert draft.text() == written(header)
        again = fits.Header.fromstring(header.tostring())
        for name in again:
            if name != "HISTORY" and not isinstance(again[name], fits.card.Undefined):
                assert draft[name] == again[name]


def test_cards_are_renamed_removed_and_put_behind_others_as_astropy_does():
    header = fits.Header([("EXPTIME", 2.9, "[s]"), ("DATE", "2021-07-03", "of level 1"), ("T_REC", "x"), ("A", 1)])
    draft = Draft.of(header)
    header.set("O_EXPTIM", 2.9, "[s] of level 1", after="EXPTIME")
    draft.set("O_EXPTIM", 2.9, "[s] of level 1", after="EXPTIME")
    header.rename_keyword("DATE", "L1DATE")
    draft.rename("DATE", "L1DATE")
    header.remove("A")
    draft.remove("A")
    draft.remove("B")
    assert draft.text() == written(header)
    with pytest.raises(KeyError):
        draft["A"]


@pytest.mark.filterwarnings("error")
def test_a_long_word_cuts_its_comment_silently_and_a_number_never_does():
    draft = Draft([("ERR_SRC", "/a/long/path/of/some/table/of/errors.txt", "[DN] photometric errors of the camera")])
    assert draft["ERR_SRC"] == "/a/long/path/of/some/table/of/errors.txt"
    assert draft.text().endswith("/ [DN] photometric errors o")
    with pytest.raises(fits.verify.VerifyWarning, match="Card is too long"):
        draft.set("ROUNDED", 0.1, "a comment of ours that leaves no room for itself, not even without its value")


def test_zero_keeps_its_sign_whichever_came_before():
    texts = [Draft([("REG_ROT", zero, "[deg]")]).text() for zero in (0.0, -0.0, 0.0, False, 0)]
    assert [text[10:30].strip() for text in texts] == ["0.0", "-0.0", "0.0", "F", "0"]


@pytest.mark.parametrize(
    "text",
    [
        "A       = 1.0e-5 / lower case",
        "A       = 'it''s'",
        "A       = 'half / of it' / slash",
        "A       = ",
    ],
)
def test_a_card_that_is_not_plain_is_kept_as_astropy_mends_it(text):
    card = text.ljust(80)
    header = fits.Header.fromstring(card)
    with mending(), warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyUserWarning)
        draft = Draft()
        draft.keep(card[:8].strip().upper(), card)
        assert draft.text() == written(header)


def test_a_long_text_stays_whole():
    header = fits.Header([("DEG_NOTE", "word " * 40, "note"), ("NEXT", 1)])
    draft = Draft.of(header)
    assert draft.names == ["DEG_NOTE", "NEXT"]
    assert draft["DEG_NOTE"] == header["DEG_NOTE"]
    draft.set("DEG_NOTE", "short")
    assert draft.text() == "DEG_NOTE= 'short   '           / note".ljust(80) + str(header.cards["NEXT"])


def test_the_header_of_a_compressed_image_is_astropys(tmp_path):
    header = fits.Header(
        [("TELESCOP", "SDO/AIA"), ("T_OBS", "2021-07-03T14:30:11Z"), ("TEMP1", 3.5), ("BLANK", -32768)]
    )
    header.add_comment("kept")
    path = tmp_path / "a.fits"
    hdu = fits.CompImageHDU(np.ones((8, 40), np.int16), header, compression_type="RICE_1", tile_shape=(1, 40))
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path, checksum=True)
    with fits.open(path) as hdus:
        expected = hdus[1].header
    with fits.open(path, disable_image_compression=True) as hdus:
        found = of_image(Cards(hdus[1].header.tostring(endcard=False, padding=False).encode()))
    form = {"XTENSION", "PCOUNT", "GCOUNT", "EXTNAME", "CHECKSUM", "DATASUM"}  # said of an HDU, and not of the image
    assert {key: found[key] for key in found if key not in (*form, "COMMENT")} == {
        key: expected[key] for key in expected if key not in (*form, "COMMENT")
    }
