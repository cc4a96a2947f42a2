"""Our decoding of Rice-compressed images is astropy's, bit for bit."""

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from aia import frames, rice
from aia.errors import FrameError


def write(path, image, **options):
    options = {"compression_type": "RICE_1", "tile_shape": (1, image.shape[1])} | options
    hdu = fits.CompImageHDU(image, **options)
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path, overwrite=True)


def by_astropy(path):
    with fits.open(path, memmap=False) as hdus:
        return np.asarray(hdus[1].data)


@given(
    shape=st.tuples(st.integers(1, 5), st.integers(1, 140)),
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
    decoded = rice.read(path)
    assert decoded.dtype == np.int16
    np.testing.assert_array_equal(decoded, image)


def test_real_frames_are_decoded_as_astropy_does(shared_data):
    found = [path for path in sorted((shared_data / "frames_16bit").glob("*.fits")) if rice.read(path) is not None]
    assert len(found) == 4
    for path in found:
        np.testing.assert_array_equal(rice.read(path), by_astropy(path))


@pytest.mark.parametrize(("dtype", "options"), [
    (np.int16, {"tile_shape": (4, 40)}),
    (np.int16, {"compression_type": "GZIP_1"}),
    (np.int32, {}),
    (np.float32, {}),
])  # fmt: skip
def test_other_forms_are_left_to_astropy(tmp_path, dtype, options):
    image = np.random.default_rng(1).normal(100, 9, (16, 40)).astype(dtype)
    write(tmp_path / "a.fits", image, **options)
    assert rice.read(tmp_path / "a.fits") is None
    np.testing.assert_array_equal(frames.read_level1(tmp_path / "a.fits")[0], by_astropy(tmp_path / "a.fits"))


def test_no_damage_to_the_code_crashes_or_hangs(tmp_path):
    image = np.random.default_rng(1).normal(100, 9, (16, 400)).astype(np.int16)
    write(tmp_path / "a.fits", image)
    whole = (tmp_path / "a.fits").read_bytes()
    rng = np.random.default_rng(2)
    outcomes = set()
    for _ in range(200):
        content = bytearray(whole)
        for place in rng.integers(5760, len(whole), 6):
            content[place] = rng.choice([0, 255, rng.integers(0, 256)])
        (tmp_path / "b.fits").write_bytes(content)
        decoded = rice.read(tmp_path / "b.fits")
        outcomes.add(decoded is None)
        assert decoded is None or decoded.shape == image.shape
    assert outcomes == {True, False}


def test_a_file_that_ends_within_its_pixels_is_refused(tmp_path):
    image = np.random.default_rng(1).normal(100, 9, (64, 400)).astype(np.int16)
    write(tmp_path / "a.fits", image)
    content = (tmp_path / "a.fits").read_bytes()
    (tmp_path / "b.fits").write_bytes(content[: 5760 + 2880])
    with pytest.raises(FrameError, match=r"b\.fits: the file is missing or damaged"):
        frames.read_level1(tmp_path / "b.fits")
