"""A written frame is read again: its checksums, by astropy's own judgement, and its hash."""

import hashlib

import numpy as np
import pytest
from astropy.io import fits

from aia_sequence.errors import FrameError
from aia_sequence.frames import fits as frames
from aia_sequence.frames.level15file import write_level15

SHAPE = (300, 1000)  # more than one strip of a file, and its last one is not full


def write(path, compression="none", *, uncertainty=True):
    rng = np.random.default_rng(1)
    image, sigma = rng.normal(100, 5, (2, *SHAPE)).astype(np.float32)
    image[:3] = np.nan
    header = fits.Header([("TELESCOP", "SDO/AIA"), ("EXPTIME", 2.0)])
    write_level15(path, image, header, None, sigma if uncertainty else None, compression, 0.1)
    return path


@pytest.fixture(autouse=True)
def short_strips(monkeypatch):
    monkeypatch.setattr(frames, "STRIP", 1 << 12)


@pytest.mark.parametrize("uncertainty", [False, True])
@pytest.mark.parametrize("compression", ["none", "gzip", "rice"])
def test_a_sound_file_gives_its_hash_and_astropy_agrees(tmp_path, compression, uncertainty):
    path = write(tmp_path / "a.fits", compression, uncertainty=uncertainty)
    assert frames.verify(path)[0] == hashlib.sha256(path.read_bytes()).hexdigest()
    with fits.open(path, disable_image_compression=True) as hdus:
        assert len(hdus) == 2 + uncertainty + (compression != "none")
        assert [(hdu.verify_checksum(), hdu.verify_datasum()) for hdu in hdus] == [(1, 1)] * len(hdus)


@pytest.mark.parametrize("order", ["<f4", ">f4"])
def test_any_bits_of_a_pixel_are_written_and_summed_in_either_byte_order(tmp_path, order):
    """Signs of zeros, infinities and every kind of NaN among them; the sum carries over more than once."""
    bits = np.random.default_rng(1).integers(0, 2**32, SHAPE, dtype=np.uint32)
    bits[0], bits[1, :4] = 0xFFFFFFFF, (0, 0x80000000, 0x7F800000, 0xFF800001)
    image = (bits.copy() if np.dtype(order).isnative else bits.byteswap()).view(order)
    write_level15(tmp_path / "a.fits", image, fits.Header(), uncertainty=image.copy())
    frames.verify(tmp_path / "a.fits")
    with fits.open(tmp_path / "a.fits", memmap=False) as hdus:
        assert (hdus[0].verify_datasum(), hdus["UNCERT"].verify_datasum()) == (1, 1)
        for values in (hdus[0].data, hdus["UNCERT"].data["SIGMA"]):
            np.testing.assert_array_equal(np.ascontiguousarray(values).view(">u4"), bits)


@pytest.mark.parametrize("compression", ["none", "gzip", "rice"])
def test_the_same_frame_gives_the_same_bytes_whenever_it_is_written(tmp_path, monkeypatch, compression):
    """A gzip stream holds a time; Rice compression falls back upon one for a row that it cannot pack."""
    image = np.random.default_rng(1).normal(0, 5, (64, 200)).astype(np.float32)
    image[5], image[10] = np.nan, 1e20
    image[10, ::2] *= -1
    written = []
    for clock in (1.6e9, 1.7e9):
        monkeypatch.setattr("time.time", lambda clock=clock: clock)
        path = tmp_path / f"{clock:.0f}.fits"
        cards = fits.Header({"CRPIX1": 1.0, "CRPIX2": 1.0})
        write_level15(path, image.copy(), cards, compression=compression, step=0.01)
        frames.verify(path)
        written.append(path.read_bytes())
        np.testing.assert_allclose(frames.read_level15(path)[0], image, atol=0.01)
    if compression == "rice":
        with fits.open(path, disable_image_compression=True) as hdus:
            assert sum(len(tile) > 0 for tile in hdus[1].data["GZIP_COMPRESSED_DATA"]) == 1
    assert written[0] == written[1]


@pytest.mark.parametrize("compression", ["none", "gzip", "rice"])
def test_one_bit_of_a_header_or_of_the_data_is_noticed(tmp_path, compression):
    path = write(tmp_path / "a.fits", compression)
    content = path.read_bytes()
    with fits.open(path, disable_image_compression=True) as hdus:
        places = [hdu.fileinfo() for hdu in hdus]
    for number, place in enumerate(places):
        header = content.index(b"DATASUM", place["hdrLoc"]) + 75  # in the comment of a card
        for byte in (header, place["datLoc"] + 4321) if place["datSpan"] else (header,):
            damaged = bytearray(content)
            damaged[byte] ^= 1
            path.write_bytes(damaged)
            with pytest.raises(FrameError, match=f"HDU {number} does not fit its CHECKSUM"):
                frames.verify(path)


def test_data_that_differ_are_noticed_even_where_the_header_makes_up_for_them(tmp_path):
    path = write(tmp_path / "a.fits", uncertainty=False)
    content = bytearray(path.read_bytes())
    with fits.open(path) as hdus:
        start = hdus[0].fileinfo()["datLoc"]
    comment = content.index(b"DATASUM") // 80 * 80 + 79
    content[comment] -= 1
    content[start + 4 * 5000 + 3] += 1
    path.write_bytes(content)
    with fits.open(path) as hdus:
        assert hdus[0].verify_checksum() == 1
    with pytest.raises(FrameError, match="does not fit its CHECKSUM"):
        frames.verify(path)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # astropy does not close what it refuses
def test_a_file_without_checksums_or_without_its_end_is_refused(tmp_path):
    path = write(tmp_path / "a.fits", uncertainty=False)
    content = path.read_bytes()
    path.write_bytes(content[: -2 * 2880])  # the last block holds the header of the flags
    with pytest.raises(FrameError):
        frames.verify(path)
    fits.PrimaryHDU(np.zeros(SHAPE, np.float32)).writeto(path, overwrite=True)
    with pytest.raises(FrameError, match="HDU 0 has no CHECKSUM"):
        frames.verify(path)


@pytest.mark.parametrize("kind", ["f4", "f8", "i2"])
def test_a_region_of_any_image_is_that_of_the_whole_image(tmp_path, kind):
    path, image = tmp_path / "a.fits", np.random.default_rng(1).normal(100, 40, (50, 70)).astype(kind)
    hdu = fits.PrimaryHDU(image)
    hdu.header.update({"CDELT1": 0.6, "CDELT2": 0.6, "CRPIX1": 35.5, "CRPIX2": 25.5})
    hdu.writeto(path)
    region = {"x": [-3.0, 6.1], "y": [-9.1, 0.0]}  # from half a pixel beside the middle of one to that of another
    found, header = frames.read_level15(path, region)
    np.testing.assert_array_equal(found, image[10 : 24 + 1, 30 : 44 + 1].astype(np.float32))
    assert found.dtype == np.float32
    assert found.flags.writeable
    assert (header["CRPIX1"], header["CRPIX2"]) == (5.5, 15.5)
