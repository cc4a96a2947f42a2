"""A level-1 file is read, or refused by the keyword that is wrong; nothing else comes of reading one."""

import gzip
import os

import numpy as np
import pytest
from astropy.io import fits
from astropy.io.fits.verify import VerifyWarning
from hostile import TIMES, trial
from hypothesis import given
from hypothesis import strategies as st
from level1_frames import counts, header, real_headers, write

from aia_sequence.errors import FrameError
from aia_sequence.frames.level1file import read_level1, read_spikes
from aia_sequence.frames.level1header import NUMBERS, TEXTS, check_level1


@pytest.fixture(scope="module")
def frame(tmp_path_factory):
    """A small frame as the archive exports it, and its pixels."""
    path, image = tmp_path_factory.mktemp("level1") / "a.fits", counts((20, 40))
    write(path, image, stating(BLANK=-32768))
    return path, image


def stating(**changes):
    """The header of a frame with other keywords."""
    cards = header()
    cards.update(changes)
    return cards


def changed(frame, folder, **changes):
    """A copy of a frame whose compressed image's table has other keywords."""
    with open(frame[0], "rb") as file:
        first, table, data = fits.Header.fromfile(file), fits.Header.fromfile(file), file.read()
    table.update(changes)
    path = folder / "changed.fits"
    path.write_bytes((first.tostring() + table.tostring()).encode("ascii") + data)
    return path


def test_two_hundred_real_headers_pass(shared_data):
    headers = real_headers(shared_data / "fulldisk_8bit" / "headers_all200.csv")
    assert len(headers) == 200
    for _, cards in headers:
        check_level1(cards)


REAL = {
    "aia_171_cutout.fits": "",
    "aia.lev1_euv_12s.2021-05-22T032907Z.304.image_lev1.fits": "",
    **{f"aia.lev1_euv_12s.2022-04-02T13{at}Z.304.image.fits": "" for at in ("2011", "2211", "2423")},
    **{
        f"AIA20220402_131{at}_0304.fits": "LVL_NUM is 0.5; only level 1.0" for at in ("341", "353", "405", "417", "429")
    },
    **{f"AIA20220402_131{at}_0304.fits": "LVL_NUM is 0.5; only level 1.0" for at in ("441", "453", "505")},
}


def test_the_real_files_are_all_that_there_are(shared_data):
    assert {path.name for path in (shared_data / "frames_16bit").glob("*.fits")} == set(REAL)


@pytest.mark.parametrize("name", REAL)
def test_a_real_file_is_read_or_refused_for_its_level(shared_data, name):
    path = shared_data / "frames_16bit" / name
    if REAL[name]:
        with pytest.raises(FrameError, match=REAL[name]):
            read_level1(path)
        return
    with fits.open(path) as hdus:
        expected = next(hdu.data for hdu in hdus if hdu.header["NAXIS"])
        np.testing.assert_array_equal(read_level1(path)[0], expected)


# What makes a file one of another kind, as people have sent them: a synoptic image, a matrix that turns by 90 degrees
# beside an angle that does not, pixels that are no squares.
OTHERS = {
    "level 1.5": (
        {"LVL_NUM": 1.5, "BSCALE": 0.0625, "CDELT1": 2.4, "CDELT2": 2.4, "CROTA2": 0.0},
        r"LVL_NUM is 1\.5; only level 1\.0",
    ),
    "matrix": (
        {"CROTA2": 0.019, "PC1_1": 0.0, "PC1_2": -1.0, "PC2_1": 1.0, "PC2_2": 0.0},
        r"PC1_1 is 0\.0 and CROTA2 is 0\.019.* contradicts itself",
    ),
    "oblong pixels": ({"CDELT1": 0.6, "CDELT2": 0.61}, r"CDELT1 is 0\.6 and CDELT2 is 0\.61"),
}


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("kind", OTHERS)
def test_a_file_of_another_kind_is_refused_for_what_makes_it_one(tmp_path, kind, compressed):
    changes, said = OTHERS[kind]
    write(tmp_path / "a.fits", counts((20, 40)), header(), compressed)
    with fits.open(tmp_path / "a.fits", mode="update") as hdus:
        hdus[-1].header.update(changes)
    with pytest.raises(FrameError, match=said):
        read_level1(tmp_path / "a.fits")


def test_a_gzipped_file_is_the_file_that_it_was(frame, tmp_path):
    packed = tmp_path / "a.fits.gz"
    packed.write_bytes(gzip.compress(frame[0].read_bytes()))
    image, cards = read_level1(packed)
    np.testing.assert_array_equal(image, frame[1])
    assert cards["T_OBS"] == fits.getval(frame[0], "T_OBS", ext=1)
    packed.write_bytes(gzip.compress(frame[0].read_bytes())[:-400])
    with pytest.raises(FrameError, match="missing or damaged"):
        read_level1(packed)


@pytest.mark.parametrize("compressed", [True, False])
def test_a_cube_of_depth_one_is_an_image(tmp_path, compressed):
    cards, image = header(), counts((20, 40))
    cards.update({"CTYPE3": "STOKES", "CRPIX3": 1.0, "CDELT3": 1.0, "CRVAL3": 1.0, "PC3_3": 1.0})
    write(tmp_path / "cube.fits", image[np.newaxis], cards, compressed)
    found, header_of_it = read_level1(tmp_path / "cube.fits")
    np.testing.assert_array_equal(found, image)
    assert header_of_it["NAXIS"] == 2
    assert not [key for key in header_of_it if key.endswith("3") and key not in cards]
    assert not {"NAXIS3", "CTYPE3", "CRPIX3", "PC3_3"} & set(header_of_it)
    write(tmp_path / "deep.fits", np.stack([image, image]), header(), compressed)
    with pytest.raises(FrameError, match="NAXIS3 is 2; a level-1 file holds one image"):
        read_level1(tmp_path / "deep.fits")


@pytest.mark.parametrize("compressed", [True, False])
def test_missing_pixels_that_the_header_does_not_call_missing_are_no_counts(tmp_path, compressed):
    image = counts((20, 40))
    write(tmp_path / "sound.fits", image, header(), compressed)
    np.testing.assert_array_equal(read_level1(tmp_path / "sound.fits")[0], image)
    image[3, 5] = -32768
    write(tmp_path / "blank.fits", image, stating(BLANK=-32768), compressed)
    np.testing.assert_array_equal(read_level1(tmp_path / "blank.fits")[0], image)
    write(tmp_path / "a.fits", image, header(), compressed)
    with pytest.raises(FrameError, match="BLANK is missing and BITPIX is 16, but pixels are -32768"):
        read_level1(tmp_path / "a.fits")


@given(
    key=st.sampled_from(sorted(NUMBERS)),
    value=st.one_of(
        st.sampled_from([1e300, -1e300, 1e308, np.inf, -np.inf, True, "big", "12", "0x12", 2**70]),
        st.floats(0.001, 1e6).flatmap(lambda beyond: st.sampled_from([("below", beyond), ("above", beyond)])),
    ),
)
def test_no_keyword_has_a_value_that_none_can_have(key, value):
    cards, allowed = dict(header()), NUMBERS[key]
    if isinstance(value, tuple):
        side, beyond = value
        value = allowed.low - beyond if side == "below" else allowed.high + beyond
    cards[key] = value
    with pytest.raises(FrameError, match=f"{key} is "):
        check_level1(cards)


@pytest.mark.parametrize("key", TEXTS)
@pytest.mark.parametrize("value", ["GLON-CAR", "deg", 5, True])
def test_an_image_in_other_coordinates_or_units_is_refused(key, value):
    with pytest.raises(FrameError, match=f"{key} is .*; level-1 frames have"):
        check_level1(dict(header()) | {key: value})


@pytest.mark.parametrize(
    "key", sorted((set(NUMBERS) | set(TEXTS)) - {"CRPIX1", "CRPIX2", "CDELT1", "CDELT2", "CROTA2"})
)
@pytest.mark.parametrize("value", [None, float("nan"), "MISSING", "-nan", "Invalid KeyLink"])
def test_what_a_header_does_not_say_is_no_contradiction(key, value):
    check_level1(dict(header()) | {key: value})


@pytest.mark.parametrize(
    ("changes", "both"),
    [
        ({"CDELT2": 0.6013}, ("CDELT1", "CDELT2")),
        ({"PC1_2": 0.5}, ("PC1_2", "CROTA2")),
        ({"PC1_1": 0.0, "PC1_2": -1.0, "PC2_1": 1.0, "PC2_2": 0.0}, ("PC1_1", "CROTA2")),
        ({"CD1_1": 0.6, "CD2_2": 0.6}, ("CD1_1", "CROTA2")),
        ({"PIXLUNIT": "DN/s", "BUNIT": "DN"}, ("PIXLUNIT", "BUNIT")),
        ({"PIXLUNIT": "DN", "BUNIT": "DN/s"}, ("PIXLUNIT", "BUNIT")),
        ({"BLANK": 99999}, ("BLANK", "BITPIX")),
        ({"BLANK": "x"}, ("BLANK", "BITPIX")),
    ],
)
def test_a_header_that_contradicts_itself_is_refused_by_both_keywords(changes, both):
    with pytest.raises(FrameError) as refused:
        check_level1(dict(header()) | changes)
    assert all(key in str(refused.value) for key in both)


def test_a_matrix_that_says_what_crota2_says_is_none():
    angle = np.radians(header()["CROTA2"])
    terms = {"1_1": np.cos(angle), "1_2": -np.sin(angle), "2_1": np.sin(angle), "2_2": np.cos(angle)}
    check_level1(dict(header()) | {f"PC{key}": value for key, value in terms.items()})
    check_level1(dict(header()) | {f"CD{key}": value * header()["CDELT1"] for key, value in terms.items()})


def test_the_level_is_what_a_frame_of_another_level_is_refused_for():
    cards = dict(header()) | {
        "LVL_NUM": 1.5,
        "BITPIX": -32,
        "CROTA2": None,
        "BUNIT": "DN/s",
        "CDELT1": 2.4,
        "BSCALE": 2,
    }
    with pytest.raises(FrameError, match=r"LVL_NUM is 1\.5"):
        check_level1(cards)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *((key, value) for key in ("TFIELDS", "ZNAXIS") for value in (2**62, 10**6, -1)),
        *((key, value) for key in ("ZNAXIS1", "ZNAXIS2", "NAXIS2", "PCOUNT", "THEAP") for value in (10**9, -5)),
        ("BLANK", "x"),
        ("EXPTIME", 1e-300),
        ("ZCMPTYPE", "GZIP_9"),
        ("ZBITPIX", 17),
        ("TFORM1", "1PE(9)"),
        ("ZVAL1", "x"),
    ],
)
def test_a_table_of_any_size_and_kind_is_refused_at_once(frame, tmp_path, key, value):
    """astropy counts to a million million fields, or takes memory for them; a decoder's exception is of no module."""
    with pytest.raises(FrameError):
        read_level1(changed(frame, tmp_path, **{key: value}))


@pytest.mark.hostile
@pytest.mark.timeout(0)
def test_whatever_happens_to_a_file_it_is_read_as_it_was_or_refused(frame, tmp_path):
    rng, whole, path = np.random.default_rng(3), frame[0].read_bytes(), tmp_path / "b.fits"
    with fits.open(frame[0], disable_image_compression=True) as hdus:
        data = hdus[1].fileinfo()["datLoc"]
    refused = 0
    for n in range(300 * TIMES):
        content = bytearray(whole)
        for place in rng.integers(0, data if n % 3 else len(whole), 3):
            content[place] = rng.choice([0, 255, 32, ord("T"), ord("9"), content[place] ^ 1])
        path.write_bytes(content)
        with trial("damaged level-1 file") as attack:
            try:
                read_level1(path)
            except FrameError:
                attack.refuse()
        refused += attack.refused
    assert 30 * TIMES < refused < 300 * TIMES


def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.fits")
    (tmp_path / "b.fits").symlink_to("/dev/zero")
    for name in ("a.fits", "b.fits"):
        for digest in (None, "0" * 64):
            with pytest.raises(FrameError, match=r"missing or damaged .*not a regular file"):
                read_level1(tmp_path / name, digest=digest)


def test_a_leftover_blank_beside_other_pixels_is_not_damage(tmp_path):
    """astropy warns of it; what makes the frame none of level 1 is that its pixels are no integers."""
    with pytest.warns(VerifyWarning, match="Invalid 'BLANK' keyword"):
        write(tmp_path / "a.fits", counts((20, 40)).astype(np.float32), stating(BLANK=-32768), compressed=False)
    with pytest.raises(FrameError, match="its pixels are float32"):
        read_level1(tmp_path / "a.fits")


def test_spikes_are_read_by_their_form(tmp_path):
    spikes = np.array([[5, 70000], [900, 12]], np.int32)
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(spikes, compression_type="RICE_1")]).writeto(tmp_path / "s.fits")
    for found, expected in zip(read_spikes(tmp_path / "s.fits"), spikes, strict=True):
        np.testing.assert_array_equal(found, expected)
    fits.PrimaryHDU(np.zeros(5, np.int16)).writeto(tmp_path / "t.fits")
    with pytest.raises(FrameError, match=r"t\.fits: there is no image in it"):
        read_spikes(tmp_path / "t.fits")
