"""Our decoding of Rice-compressed images is astropy's, bit for bit."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from hostile import TIMES, tally
from hypothesis import given
from hypothesis import strategies as st
from level1_frames import header

from aia_sequence.errors import FrameError
from aia_sequence.frames import level1file, rice


def write(path, image, header=None, **options):
    options = {"compression_type": "RICE_1", "tile_shape": (1, image.shape[1])} | options
    hdu = fits.CompImageHDU(image, header, **options)
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path, overwrite=True)


def read(path):
    """What our decoder makes of the table behind an empty primary HDU."""
    with open(path, "rb") as file:
        fits.Header.fromfile(file)
        table = fits.Header.fromfile(file)
        return rice.read(file, table) if rice.is_archives(table) else None


def by_astropy(path):
    with fits.open(path, memmap=False) as hdus:
        return np.asarray(hdus[1].data)


@given(
    shape=st.tuples(st.integers(1, 5), st.integers(1, 140) | st.integers(1, 35).map(lambda groups: 4 * groups)),
    kind=st.sampled_from(["flat", "smooth", "noisy", "wild", "steps"]),
    seed=st.integers(0, 9999),
)
def test_any_image_is_decoded_as_astropy_does(tmp_path_factory, shape, kind, seed):
    rng = np.random.default_rng(seed)
    image = {
        "flat": lambda: np.full(shape, rng.integers(-32768, 32768)),
        "smooth": lambda: np.cumsum(rng.integers(-3, 4, shape), axis=1),
        "noisy": lambda: rng.normal(500, rng.uniform(1, 300), shape),
        "wild": lambda: rng.integers(-32768, 32768, shape),
        "steps": lambda: rng.choice([-32768, 0, 32767], shape, p=[0.02, 0.96, 0.02]),
    }[kind]().astype(np.int16)
    path = tmp_path_factory.getbasetemp() / "any.fits"
    write(path, image)
    decoded = read(path)
    assert decoded.dtype == np.int16
    np.testing.assert_array_equal(decoded, image)


def test_real_frames_are_decoded_as_astropy_does(shared_data):
    frames_of_304 = (f"aia.lev1_euv_12s.2022-04-02T13{at}Z.304.image.fits" for at in (2011, 2211, 2423))
    compressed = ["aia_171_cutout.fits", *frames_of_304]
    for name in compressed:
        path = shared_data / "frames_16bit" / name
        np.testing.assert_array_equal(read(path), by_astropy(path))


@pytest.mark.parametrize(("dtype", "options"), [
    (np.int16, {"tile_shape": (4, 40)}),
    (np.int16, {"compression_type": "GZIP_1"}),
    (np.int32, {}),
])  # fmt: skip
def test_other_forms_are_left_to_astropy(tmp_path, dtype, options):
    image = np.random.default_rng(1).normal(100, 9, (16, 40)).astype(dtype)
    write(tmp_path / "a.fits", image, header(), **options)
    assert read(tmp_path / "a.fits") is None
    np.testing.assert_array_equal(level1file.read_level1(tmp_path / "a.fits")[0], by_astropy(tmp_path / "a.fits"))


@pytest.mark.hostile
@pytest.mark.timeout(0)
def test_whatever_the_bytes_we_read_none_behind_them_and_take_nothing_that_astropy_refuses():
    """Ten thousand damaged or contrived images in a process of its own, which an overrun would end."""
    ended = subprocess.run(
        [sys.executable, Path(__file__).with_name("rice_fuzz.py"), str(10_000 * TIMES)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, f"status {ended.returncode}: {ended.stderr[-2000:]}"
    told = json.loads(ended.stdout)
    wrong = told.pop("wrong")
    for kind, (taken, refused) in told.items():
        tally(f"damaged Rice image: {kind}", taken + refused, refused, len(wrong) if kind == next(iter(told)) else 0)
    assert wrong == []
    # Of each kind some are sound, or sound as far as the decoder can tell, and some are not.
    for kind, (taken, refused) in told.items():
        assert taken > 5, kind
        assert refused > 50, kind


@pytest.mark.parametrize(
    ("sizes", "starts"),
    [
        ((2**62, 40), (2**63 - 2**62 - 1, 0)),
        ((40, 40), (2**63 - 20, 0)),
        ((2**63 - 1, 40), (2**63 - 1, 0)),
        ((-(2**63), 40), (-(2**63), 0)),
        ((40, 40), (-1, 0)),
        ((40, 1), (0, 40)),
        ((40, 40), (0, 10**9)),
    ],
)
def test_a_row_that_lies_elsewhere_is_refused_whatever_its_sum(sizes, starts):
    """The sum of a 64-bit size and place can wrap round to a place that exists."""
    content = np.zeros(32 + 80 + rice.MARGIN, np.uint8)
    content[:32].view(">i8")[:] = [sizes[0], starts[0], sizes[1], starts[1]]
    with pytest.raises(ValueError, match=r"row [01] of its compressed image is damaged"):
        rice.decode(content, 16, (2, 64))


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PCOUNT", -100),
        ("PCOUNT", 10**15),
        ("THEAP", -2880),
        ("THEAP", 64),
        ("ZNAXIS1", 10**9),
        ("ZNAXIS2", 10**9),
        ("NAXIS2", -16),
        ("TFORM1", "1PJ(400)"),
        ("TFORM1", "1QB(400)"),
        ("TTYPE1", "GZIP_COMPRESSED_DATA"),
        ("ZTILE2", 2),
        ("ZBITPIX", 32),
        ("ZVAL1", 16),
        ("ZSCALE", 2.0),
    ],
)
def test_a_table_that_says_anything_unusual_is_left_to_astropy(tmp_path, keyword, value):
    write(tmp_path / "a.fits", np.random.default_rng(1).normal(100, 9, (16, 400)).astype(np.int16))
    content = (tmp_path / "a.fits").read_bytes()
    header = fits.Header.fromstring(content[2880:].split(b"END" + b" " * 77)[0].decode("ascii"))
    length = len(header.tostring())
    header[keyword] = value
    assert len(header.tostring()) == length
    (tmp_path / "b.fits").write_bytes(content[:2880] + header.tostring().encode("ascii") + content[2880 + length :])
    assert read(tmp_path / "b.fits") is None


def test_a_file_that_ends_within_its_pixels_is_refused(tmp_path):
    image = np.random.default_rng(1).normal(100, 9, (64, 400)).astype(np.int16)
    write(tmp_path / "a.fits", image, header())
    content = (tmp_path / "a.fits").read_bytes()
    (tmp_path / "b.fits").write_bytes(content[:-5760])
    with pytest.raises(FrameError, match=r"b\.fits: the file is missing or damaged"):
        level1file.read_level1(tmp_path / "b.fits")
