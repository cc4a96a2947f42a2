"""A frame is taken only if it is whole, undamaged and of the record that it is meant to be."""

import numpy as np
import pytest
from astropy.io import fits

from aia_sequence.acquisition.arrival_checks import Identity, check_identity, check_structure
from aia_sequence.errors import FrameError
from aia_sequence.frames.cards import Cards

IDENTITY = Identity("aia.lev1_euv_12s", "2021-07-03T14:27:23Z", 211, "2021-07-03T14:27:25.09Z", 205107971)


@pytest.fixture
def frame(tmp_path):
    """A small exported frame: an empty primary HDU and a compressed image."""
    header = fits.Header(
        {
            "T_REC": "2021-07-03T14:27:23Z",
            "T_OBS": "2021-07-03T14:27:25.093Z",
            "WAVELNTH": 211,
            "DRMS_ID": "aia.lev1_euv_12s:205107971:image",
        }
    )
    pixels = np.random.default_rng(1).integers(0, 4000, (64, 64)).astype(np.int16)
    path = tmp_path / "frame.fits"
    hdu = fits.CompImageHDU(pixels, header=header, compression_type="RICE_1")
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path, checksum=True)
    return path


def test_a_whole_frame_passes_with_its_header(frame):
    header = check_structure(frame)
    assert header["WAVELNTH"] == 211
    check_identity(header, IDENTITY, frame.name)


@pytest.mark.parametrize("keyword", ["DRMS_ID", "WAVELNTH", "T_OBS"])
@pytest.mark.parametrize("read", [Cards, fits.Header.fromstring])
def test_a_value_that_fits_does_not_know_is_of_no_record(frame, keyword, read):
    cards = fits.getheader(frame, 1)
    del cards[keyword]
    header = read(
        cards.tostring(endcard=False, padding=False).encode() + f"{keyword:8}= 2021-07-03 no text".ljust(80).encode()
    )
    with pytest.raises(FrameError, match=keyword):
        check_identity(header, IDENTITY, frame.name)


def test_real_exports_pass(shared_data):
    paths = sorted((shared_data / "frames_16bit").glob("aia.lev1_euv_12s.2022*.fits"))
    assert len(paths) == 3
    for path in paths:
        header = check_structure(path)
        identity = Identity("aia.lev1_euv_12s", header["T_REC"], 304, header["T_OBS"], 7, processed=True)
        check_identity(header, identity, path.name)


def test_a_real_frame_that_somebody_rewrote_is_refused_by_its_stale_sums(shared_data):
    path = shared_data / "frames_16bit" / "aia.lev1_euv_12s.2021-05-22T032907Z.304.image_lev1.fits"
    with pytest.raises(FrameError, match="do not have the sum that DATASUM states"):
        check_structure(path)
    identity = Identity("aia.lev1_euv_12s", "2021-05-22T03:28:59Z", 304, "2021-05-22T03:29:06.58Z", 229636373)
    check_identity(fits.getheader(path), identity, path.name)


@pytest.mark.parametrize("kept", [0, 79, 2880, 5000, -1, -2880])
def test_a_truncated_frame_is_refused(frame, kept):
    frame.write_bytes(frame.read_bytes()[:kept])
    with pytest.raises(FrameError, match=r"damaged|no FITS file|promise|no image"):
        check_structure(frame)


def test_bytes_after_the_end_are_refused(frame):
    frame.write_bytes(frame.read_bytes() + b" " * 2880)
    with pytest.raises(FrameError, match=r"frame.fits"):
        check_structure(frame)


@pytest.mark.parametrize("place", [100, 2880 + 400, 2 * 2880, -2000])
def test_one_wrong_bit_is_found_wherever_it_is(frame, place):
    data = bytearray(frame.read_bytes())
    data[place] ^= 1
    frame.write_bytes(data)
    with pytest.raises(FrameError, match=r"frame\.fits"):
        check_structure(frame)


def test_a_web_page_under_the_name_of_a_frame_is_called_one(frame):
    frame.write_bytes(b"<!doctype html><h1>Sorry</h1>")
    with pytest.raises(FrameError, match=r"frame\.fits is no FITS file; it is a web page"):
        check_structure(frame)


def test_a_file_without_checksums_is_refused(frame):
    with fits.open(frame, disable_image_compression=True) as hdus:
        for name in ("CHECKSUM", "DATASUM"):
            hdus[1].header.remove(name)
        hdus.writeto(frame, overwrite=True)
    with pytest.raises(FrameError, match="carries no checksum"):
        check_structure(frame)


def test_a_file_without_an_image_is_refused(tmp_path):
    fits.PrimaryHDU().writeto(tmp_path / "empty.fits", checksum=True)
    with pytest.raises(FrameError, match="holds no image"):
        check_structure(tmp_path / "empty.fits")


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("WAVELNTH", 193),
        ("T_REC", "2021-07-03T14:27:11Z"),
        ("T_OBS", "2021-07-03T14:27:25.11Z"),
        ("T_OBS", "yesterday"),
        ("DRMS_ID", "aia.lev1_euv_12s:205107972:image"),
        ("DRMS_ID", "aia.lev1_euv_12s:205107971:spikes"),
        ("DRMS_ID", "aia.lev1:205107971:image"),
        ("DRMS_ID", None),
    ],
)
def test_a_frame_of_another_record_is_refused_by_the_keyword_that_differs(frame, keyword, value):
    header = check_structure(frame)
    header[keyword] = value
    with pytest.raises(FrameError, match=rf"is not of aia.lev1_euv_12s\[2021-07-03T14:27:23Z\]\[211\]: {keyword} is"):
        check_identity(header, IDENTITY, frame.name)
