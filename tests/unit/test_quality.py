"""The QUALITY word is decoded as the SDO documentation defines its bits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aia_sequence import quality


def test_a_nominal_record_has_nothing_to_report():
    assert quality.decode(0) == []
    assert quality.has_image(0)


def test_the_words_of_real_records():
    # The three words of 200 hourly frames of August 2017.
    assert quality.decode(0x40000000) == ["near-real-time image"]
    assert quality.decode(0x40200000) == ["register flag", "near-real-time image"]
    assert quality.decode(0x40000004) == ["ancillary science data not available", "near-real-time image"]


def test_bit_31_means_no_image_signed_and_unsigned():
    assert quality.decode(0x80000000) == quality.decode(-(2**31)) == ["no image"]
    assert not quality.has_image(0x80002000)
    assert not quality.has_image(-(2**31))
    assert quality.has_image(0x40000000)


def test_every_bit_that_aiapy_knows_is_known():
    from aiapy.utils import check_quality_flag

    for bit in range(32):
        known_to_aiapy = not check_quality_flag(1 << bit)[0].startswith("(empty)")
        if known_to_aiapy:
            assert bit in quality.BITS, f"bit {bit}: {check_quality_flag(1 << bit)}"


@given(st.integers(0, 2**32 - 1))
def test_one_phrase_for_each_set_bit(word):
    phrases = quality.decode(word)
    assert len(phrases) == len(set(phrases)) == word.bit_count()
    assert quality.decode(np.int64(word)) == phrases
    assert ("no image" in phrases) is not quality.has_image(word)


@pytest.mark.parametrize("word", [2**32, -(2**31) - 1])
def test_a_word_of_more_than_32_bits_is_refused(word):
    with pytest.raises(ValueError, match="32 bits"):
        quality.decode(word)


@pytest.mark.parametrize("word", [1.0, "0x0", True, None])
def test_what_is_not_an_integer_is_refused(word):
    with pytest.raises(TypeError, match="integer"):
        quality.decode(word)
