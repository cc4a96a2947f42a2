"""Packed images of level 1.5 are those that astropy packs, to the pixel, and CFITSIO's own programs read them."""

import io
import shutil
import subprocess
from contextlib import suppress

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aia_sequence.frames import packing, unpacking
from aia_sequence.frames.fits import read_level15, verify
from aia_sequence.frames.level15file import write_level15

CARDS = fits.Header(
    {f"{key}{axis}": value for axis in (1, 2) for key, value in (("CTYPE", "HPLN-TAN"), ("CRVAL", 0.0), ("CRPIX", 1.0))}
)


def by_astropy(image, **options):
    """An image as astropy packs it and reads it again, and the table that it packed it in."""
    file = io.BytesIO()
    hdu = fits.CompImageHDU(image, CARDS, tile_shape=(1, image.shape[1]), **options)
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(file)
    return both(file.getvalue())


def written(path, image, compression, step=None):
    """An image as we pack it and astropy reads it, and the table that we packed it in."""
    write_level15(path, image.copy(), CARDS, compression=compression, step=step)
    return both(path.read_bytes())


def both(content):
    """The image that astropy finds in a file, and the table."""
    with fits.open(io.BytesIO(content)) as hdus:
        image = np.array(hdus[1].data)
    with fits.open(io.BytesIO(content), disable_image_compression=True) as hdus:
        return image, hdus[1].data


KINDS = {
    "flat": lambda rng, shape: np.full(shape, rng.normal(0, 1e4)),
    "sky": lambda rng, shape: rng.normal(rng.uniform(-20, 500), rng.uniform(0.01, 30), shape),
    "flare": lambda rng, shape: np.exp(rng.normal(3, 4, shape)),
    "wild": lambda rng, shape: rng.choice([-1, 1], shape) * 10 ** rng.uniform(-40, 12, shape),
    "tiny": lambda rng, shape: rng.normal(0, 1e-42, shape),
    "zeros": lambda rng, shape: rng.choice([0.0, -0.0], shape),
}


@settings(max_examples=40)
@given(
    shape=st.tuples(st.integers(1, 6), st.integers(1, 140)),
    kind=st.sampled_from(list(KINDS)),
    step=st.floats(1e-4, 1e3),
    missing=st.sampled_from(["none", "some", "edges", "rows", "all"]),
    seed=st.integers(0, 9999),
)
@example(shape=(1, 4096), kind="sky", step=0.05, missing="edges", seed=1)
def test_any_image_is_rounded_as_astropy_does(tmp_path_factory, shape, kind, step, missing, seed):
    rng = np.random.default_rng(seed)
    image = KINDS[kind](rng, shape).astype(np.float32)
    gaps = {
        "none": np.zeros(shape, bool),
        "some": rng.random(shape) < 0.1,
        "edges": np.broadcast_to(np.minimum(np.arange(shape[1]), np.arange(shape[1])[::-1]) < 4, shape),
        "rows": np.broadcast_to(rng.random((shape[0], 1)) < 0.4, shape),
        "all": np.ones(shape, bool),
    }[missing]
    image[gaps] = np.nan
    options = {"compression_type": "RICE_1", "quantize_level": -step, "quantize_method": 1, "dither_seed": 1}
    theirs, table = by_astropy(image, **options)
    ours, packed = written(tmp_path_factory.getbasetemp() / "any.fits", image, "rice", step)
    np.testing.assert_array_equal(np.isnan(ours), gaps)
    unpacked = unpacking.read(tmp_path_factory.getbasetemp() / "any.fits", *(slice(0, side) for side in shape))
    assert (unpacked is None) == (packed["ZSCALE"] == 0).any()
    if unpacked is not None:
        np.testing.assert_array_equal(unpacked, ours)
    for row in range(shape[0]):
        if packed["ZSCALE"][row] == 0:  # its values lie too far apart: nothing is lost
            np.testing.assert_array_equal(ours[row], image[row])
            continue
        np.testing.assert_array_equal(ours[row], theirs[row])
        assert (packed["ZSCALE"][row], packed["ZZERO"][row]) == (table["ZSCALE"][row], table["ZZERO"][row])
        if not gaps[row].any():
            np.testing.assert_array_equal(packed["COMPRESSED_DATA"][row], table["COMPRESSED_DATA"][row])


@given(
    shape=st.tuples(st.integers(1, 6), st.integers(1, 140)), kind=st.sampled_from(list(KINDS)), seed=st.integers(0, 99)
)
def test_nothing_is_lost_where_nothing_may_be(tmp_path_factory, shape, kind, seed):
    rng = np.random.default_rng(seed)
    image = KINDS[kind](rng, shape).astype(np.float32)
    image[rng.random(shape) < 0.1] = np.nan
    ours, _ = written(tmp_path_factory.getbasetemp() / "any.fits", image, "gzip")
    np.testing.assert_array_equal(ours.view(np.uint32), image.view(np.uint32))


def test_values_are_rounded_where_that_is_possible_and_kept_where_not():
    """A row from the darkest to the brightest number that there is, one of a single value, and one between."""
    image = np.array([[-3e38, 3e38, 0], [1e30, 1e30, 1e30], [-1.0, 2.0, 1e4]], np.float32)
    table, _ = packing.rice_rows(image, 0.1)
    assert (table["ZSCALE"] > 0).tolist() == [False, False, True]
    assert table["GZIP_COMPRESSED_DATA"][:, 0].astype(bool).tolist() == [True, True, False]


@pytest.fixture(params=["rice", "gzip"])
def packed(request, tmp_path):
    """A packed frame with its edge, with rows that are missing and one that cannot be rounded; and its image."""
    rng = np.random.default_rng(1)
    image = rng.normal(100, 5, (64, 300)).astype(np.float32)
    image[:3], image[:, :5], image[40, 100:120] = np.nan, np.nan, np.nan
    image[20, 7:] = 1e20 * rng.choice([-1, 1], 293)
    write_level15(tmp_path / "a.fits", image.copy(), CARDS, None, image[::-1].copy(), request.param, 0.1)
    return tmp_path / "a.fits", image


@pytest.mark.skipif(not shutil.which("funpack"), reason="funpack (Debian's libcfitsio-bin) is not installed")
def test_funpack_unpacks_the_same_pixels(packed, tmp_path):
    path, image = packed
    subprocess.run(["funpack", "-O", str(tmp_path / "plain.fits"), str(path)], check=True)
    with fits.open(tmp_path / "plain.fits") as hdus:
        (plain,) = (hdu for hdu in hdus if hdu.is_image and hdu.header["NAXIS"])
        np.testing.assert_array_equal(plain.data, read_level15(path)[0])
    np.testing.assert_allclose(read_level15(path)[0], image, atol=0.0501)


@pytest.mark.skipif(
    not shutil.which("fitsverify"), reason="fitsverify (a Debian package of that name) is not installed"
)
def test_fitsverify_finds_nothing_to_say(packed):
    judged = subprocess.run(["fitsverify", str(packed[0])], capture_output=True, text=True, check=False).stdout
    assert "Verification found 0 warning(s) and 0 error(s)" in judged, judged


def test_a_packed_frame_is_read_by_regions(packed):
    path, _ = packed
    whole, header = read_level15(path)
    verify(path)
    assert (header["NAXIS1"], header["NAXIS2"], header["BITPIX"]) == (300, 64, -32)
    for rows, columns in ((slice(10, 30), slice(50, 300)), (slice(63, 64), slice(0, 1))):
        with fits.open(path) as hdus:
            np.testing.assert_array_equal(hdus[1].section[rows, columns], whole[rows, columns])


@given(first=st.integers(0, 63), rows=st.integers(1, 64), column=st.integers(0, 299), columns=st.integers(1, 300))
def test_a_part_that_is_unpacked_is_that_part(tmp_path_factory, first, rows, column, columns):
    path = tmp_path_factory.getbasetemp() / "parts.fits"
    if not path.exists():
        image = np.random.default_rng(1).normal(100, 5, (64, 300)).astype(np.float32)
        image[20], image[:, :4] = np.nan, np.nan
        write_level15(path, image, CARDS, compression="rice", step=0.1)
    with fits.open(path) as hdus:
        whole = np.array(hdus[1].data)
    part = slice(first, min(first + rows, 64)), slice(column, min(column + columns, 300))
    np.testing.assert_array_equal(unpacking.read(path, *part), whole[part])


@given(seed=st.integers(0, 99_999), number=st.integers(1, 6))
@settings(max_examples=100)
def test_damaged_rows_are_refused_or_change_no_other(tmp_path_factory, seed, number):
    """Bytes of the table, or of the code, of an image of some rows are others."""
    rng, path = np.random.default_rng(seed), tmp_path_factory.getbasetemp() / "damaged.fits"
    image = KINDS[rng.choice(["sky", "flare", "flat"])](rng, (6, 90)).astype(np.float32)
    write_level15(path, image.copy(), CARDS, compression="rice", step=0.1)
    sound = unpacking.read(path, slice(0, 6), slice(0, 90))
    with fits.open(path, disable_image_compression=True) as hdus:
        start, sizes = hdus[1].fileinfo()["datLoc"], hdus[1].data["COMPRESSED_DATA"]
        rows = np.repeat(np.arange(6), [size.size for size in sizes])
    content = bytearray(path.read_bytes())
    of_table = rng.random() < 0.5
    places = rng.integers(0, 32 * 6 if of_table else rows.size, number)
    for place in places:
        content[start + place + (0 if of_table else 32 * 6)] = rng.integers(0, 256)
    path.write_bytes(content)
    hit = {int(place) // 32 if of_table else int(rows[place]) for place in places}
    read = None
    with suppress(ValueError):
        read = unpacking.read(path, slice(0, 6), slice(0, 90))
    if read is not None:
        others = [row for row in range(6) if row not in hit]
        np.testing.assert_array_equal(read[others], sound[others])


@pytest.mark.parametrize(
    ("keyword", "value"), [("ZBLANK", -17), ("ZDITHER0", 2), ("ZTILE2", 2), ("NAXIS1", 40), ("TTYPE3", "ZSCAL2")]
)
def test_a_table_of_another_form_is_left_to_astropy(tmp_path, keyword, value):
    path = tmp_path / "a.fits"
    write_level15(path, np.ones((8, 40), np.float32), CARDS, compression="rice", step=0.1)
    assert unpacking.read(path, slice(0, 8), slice(0, 40)) is not None
    with fits.open(path, mode="update", disable_image_compression=True) as hdus:
        hdus[1].header[keyword] = value
        content, header = path.read_bytes(), hdus[1].header.tostring().encode()
    path.write_bytes(content[:2880] + header + content[2880 + len(header) :])
    assert unpacking.read(path, slice(0, 8), slice(0, 40)) is None


def test_a_packed_image_that_was_unpacked_is_packed_to_the_same_bytes_again(tmp_path):
    """So that a file that goes through fpack and funpack stays what it is."""
    image = np.random.default_rng(1).normal(100, 5, (30, 300)).astype(np.float32)
    first = written(tmp_path / "a.fits", image, "rice", 0.1)
    again = written(tmp_path / "b.fits", first[0], "rice", 0.1)
    np.testing.assert_array_equal(first[0], again[0])
