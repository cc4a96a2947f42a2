"""The synthetic scene is one function of the place in the sky, whoever draws it; its files are what cfitsio reads."""

import io
from functools import cache

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from aia_sequence.calibration.resample import KERNELS, coefficients, interpolate
from synthetic_jsoc import times
from synthetic_jsoc.camera import fitsfile, rice
from synthetic_jsoc.sun import render, scene, truth


@cache
def scene_of(channel):
    """The Sun in the flare's decay."""
    return scene.Scene(channel, times.parse_time("2021-07-03T14:31:00Z"))


@pytest.mark.parametrize("channel", [171, 304, 4500])
@pytest.mark.parametrize(("scale", "turn"), [(1.0, 0.0), (0.9993, 0.14), (1.022, -2.0), (0.7, 90.0)])
def test_every_pixel_is_the_scene_at_its_own_place(channel, scale, turn):
    """A detector of any scale and roll, on the disc, across the limb and beyond, against the function itself."""
    along, across = scale * np.cos(np.radians(turn)), scale * np.sin(np.radians(turn))
    for column, row in ((1800.3, 2100.7), (3380.2, 2600.9), (3800.0, 3500.0)):
        place = [column, row, along, across, -across, along]
        image = scene_of(channel).on(place, (48, 64))
        j, i = np.indices(image.shape)
        x = 0.6 * (column + i * along - j * across - 2047.5)
        y = 0.6 * (row + i * across + j * along - 2047.5)
        expected = truth.brightness(scene_of(channel), x, y)
        assert image == pytest.approx(expected, rel=2e-3, abs=2e-5 * expected.max() + 1e-4)


@pytest.mark.parametrize("channel", [171, 304, 4500])
@pytest.mark.parametrize(("scale", "turn"), [(0.599489, 0.02), (0.612898, 0.14), (0.6006, 30.0)])
def test_either_kernel_finds_the_scene_between_the_pixels_of_a_detector(channel, scale, turn):
    """The scene was drawn with neither: what they leave of its structure is their own error, and none in the mean."""
    along, across = scale / 0.6 * np.cos(np.radians(turn)), scale / 0.6 * np.sin(np.radians(turn))
    corner = np.array([1800.3, 2100.7])
    image = scene_of(channel).on([*corner, along, across, -across, along], (420, 420))
    to_sky = np.array([[along, -across], [across, along]])
    first = np.rint(corner + to_sky @ [210, 210]) - 100
    true = scene_of(channel).on([*first, 1, 0, 0, 1], (200, 200))
    matrix = np.linalg.inv(to_sky)
    left = {}
    for kernel in KERNELS:
        made = interpolate(coefficients(image, kernel), matrix, matrix @ (first - corner), true.shape)
        left[kernel] = np.std(made - true) / true.std()
        assert made.mean() == pytest.approx(true.mean(), rel=1e-5)
    assert left["cubic-spline"] < 0.01
    assert left["cubic-spline"] < left["keys"] < 0.035


def test_a_nearer_look_at_a_place_shows_the_same():
    whole = scene_of(193).on([1000, 1200, 1, 0, 0, 1], (60, 80))
    part = scene_of(193).on([1030, 1220, 1, 0, 0, 1], (10, 20))
    assert whole[20:30, 30:50] == pytest.approx(part, rel=1e-3)


# The whole Sun on a coarse detector, a piece of limb on a fine one, a rolled one, and one that looks past the Sun.
PLACES = {
    "disk": [0, 0, 8, 0, 0, 8], "limb": [3300, 2300, 0.99, 0.003, -0.003, 0.99],
    "rolled": [2048, -700, 4.2, 4.3, -4.3, 4.2], "sky": [0, 0, 1, 0, 0, 1],
}  # fmt: skip
SIDE = 510


@cache
def whole_image(channel, place):
    return scene_of(channel).on(PLACES[place], (SIDE, SIDE))


SIDES = st.lists(st.integers(0, SIDE), min_size=2, max_size=2, unique=True).map(lambda ends: slice(*sorted(ends)))


@given(channel=st.sampled_from([171, 304, 1700]), place=st.sampled_from(sorted(PLACES)), part=st.tuples(SIDES, SIDES))
def test_a_part_that_is_drawn_alone_is_to_the_bit_that_of_the_whole_image(channel, place, part):
    drawn = scene_of(channel).on(PLACES[place], (SIDE, SIDE), part)
    np.testing.assert_array_equal(drawn, whole_image(channel, place)[part])


def test_dots_have_the_sum_of_their_gaussians():
    image = np.zeros((60, 60), dtype=np.float32)
    render.dot(image, np.array([[30.3, 28.9, 2.0, 3.0, 7.0, 0.0]]))
    assert image.sum(dtype=float) == pytest.approx(7.0 * 2 * np.pi * 2.0 * 3.0, rel=3e-4)
    row, column = np.unravel_index(image.argmax(), image.shape)
    assert (row, column) == (29, 30)


def compressed(image):
    """The bytes that astropy's own encoder, cfitsio's, makes of each row."""
    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(image, compression_type="RICE_1")]).writeto(file)
    file.seek(0)
    with fits.open(file, disable_image_compression=True) as hdus:
        return [np.asarray(row) for row in hdus[1].data["COMPRESSED_DATA"]]


@st.composite
def images(draw):
    """Images of a few rows: flat, noisy, steep, with saturated and blank pixels, of any width."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = draw(st.integers(1, 4)), draw(st.integers(1, 200))
    image = rng.normal(draw(st.integers(-100, 9000)), draw(st.sampled_from([0.0, 0.4, 5.0, 300.0, 9000.0])), shape)
    image = np.clip(image, -32767, 32767)
    image[rng.random(shape) < draw(st.sampled_from([0.0, 0.1, 0.9]))] = draw(st.sampled_from([0, 16383, -32768, 32767]))
    return image.astype(np.int16)


@given(images())
def test_compressed_rows_are_cfitsio_s_to_the_byte(image):
    lengths, heap = rice.compress(image)
    rows = compressed(image)
    assert lengths.tolist() == [row.size for row in rows]
    np.testing.assert_array_equal(heap, np.concatenate(rows))


@given(images())
def test_a_file_says_what_was_put_into_it(tmp_path_factory, image):
    path = tmp_path_factory.mktemp("file") / "image.fits"
    cards = fits.Header([("T_OBS", "2021-07-03T14:27:25.09Z", "time"), ("OSCNMEAN", None), ("BLANK", -32768)])
    fitsfile.write(path, image, cards)
    with fits.open(path, disable_image_compression=True, checksum=True) as hdus:
        assert [hdu.verify_checksum() for hdu in hdus] == [hdu.verify_datasum() for hdu in hdus] == [1, 1]
        hdus.verify("exception")
    with fits.open(path, do_not_scale_image_data=True) as hdus:
        np.testing.assert_array_equal(hdus[1].data, image)
        assert hdus[1].header["T_OBS"] == "2021-07-03T14:27:25.09Z"
