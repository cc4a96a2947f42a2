"""Files that are mapped without astropy say what astropy says of them; others are left to it."""

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from aia_sequence.calibration.flags import runs_of
from aia_sequence.errors import FrameError
from aia_sequence.frames import plain
from aia_sequence.frames.fits import header_lines, image_hdu, open_level15, read_level15
from aia_sequence.frames.level15file import write_level15

CARDS = {"CDELT1": 0.6, "CDELT2": 0.6, "CRPIX1": 20.5, "CRPIX2": 10.5, "EXPTIME": 2.0, "COMMENT": "a remark"}
REGION = {"x": [-3.0, 6.1], "y": [-4.1, 3.0]}


def written(path, compression="none", *, uncertainty=True):
    rng = np.random.default_rng(1)
    image, sigma = rng.normal(100, 5, (2, 20, 40)).astype(np.float32)
    image[:3] = np.nan
    flags = runs_of(rng.choice([0, 0, 2, 3], (20, 40)).astype(np.uint8))
    write_level15(path, image, fits.Header(CARDS), flags, sigma if uncertainty else None, compression, 0.1)
    return path


@pytest.mark.parametrize("region", [None, REGION])
@pytest.mark.parametrize("compression", ["none", "gzip", "rice"])
def test_either_way_gives_the_same_pixels_and_the_same_header(tmp_path, monkeypatch, compression, region):
    path = written(tmp_path / "a.fits", compression)
    parts = "image", "flags", "uncertainty"
    assert (plain.read(path) is not None) == (compression == "none")
    *ours, header = read_level15(path, region, *parts)
    lines = header_lines(path)
    monkeypatch.setattr(plain, "read", lambda path: None)
    *astropys, expected = read_level15(path, region, *parts)
    for one, other in zip(ours, astropys, strict=True):
        np.testing.assert_array_equal(one, other)
        assert (one.dtype, one.flags.writeable) == (other.dtype, True)
    assert header.tostring() == expected.tostring()
    assert lines == header_lines(path)
    with fits.open(path) as hdus:
        assert lines == image_hdu(hdus).header.tostring(sep="\n", padding=False)


def test_a_header_that_is_read_is_not_the_files(tmp_path):
    """A region has its own reference pixel, and who opens a file reads several regions of it."""
    with open_level15(written(tmp_path / "a.fits")) as opened:
        found = [opened.read(REGION)[1]["CRPIX1"] for _ in range(2)]
        assert found == [5.5, 5.5]
        assert opened.header["CRPIX1"] == 20.5


@given(
    image=st.sampled_from(["u1", "i2", "i4", "i8", "f4", "f8"]),
    columns=st.lists(st.sampled_from(["B", "I", "J", "E", "D", "3I", "L", "4A", "PB(2)"]), max_size=4),
    changes=st.sets(st.sampled_from(["BZERO", "BLANK", "TSCAL1", "TNULL1", "more", "less", "no end"]), max_size=1),
)
def test_any_file_is_astropys_or_left_to_it(tmp_path_factory, image, columns, changes):
    path = tmp_path_factory.getbasetemp() / "any.fits"
    primary = fits.PrimaryHDU(np.arange(12).reshape(3, 4).astype(image))
    rows = [fits.Column(f"C{n}", form, array=_values(form)) for n, form in enumerate(columns)]
    table = fits.BinTableHDU.from_columns(rows, name="ROWS")
    for key in changes & {"BZERO", "BLANK"}:
        primary.header[key] = 1
    for key in changes & {"TSCAL1", "TNULL1"}:
        table.header[key] = 2
    fits.HDUList([primary, table]).writeto(path, overwrite=True, output_verify="ignore")
    content = path.read_bytes()
    content = content + b"x" if "more" in changes else content[:-1] if "less" in changes else content
    path.write_bytes(content.replace(b"END ", b"FIN ") if "no end" in changes else content)
    found = plain.read(path)
    if found is None:
        assert changes or {"L", "4A", "PB(2)"} & set(columns)
        return
    assert not changes & {"more", "less", "no end"}
    with fits.open(path) as hdus:
        assert [hdu.header.raw for hdu in found] == [
            hdu.header.tostring(endcard=False, padding=False).encode() for hdu in hdus
        ]
        np.testing.assert_array_equal(found[0].data, hdus[0].data)
        for name in hdus[1].columns.names:
            np.testing.assert_array_equal(found[1].data[name], hdus[1].data[name])


def _values(form):
    if "A" in form:
        return ["abcd", "efg"]
    if "P" in form:
        return np.array([np.array([1], np.uint8), np.array([1, 2], np.uint8)], dtype=object)
    return np.array([[1, 0, 1], [0, 1, 0]]) if form == "3I" else np.array([1, 0])


@pytest.mark.parametrize("part", ["flags", "uncertainty"])
def test_what_is_not_there_is_said(tmp_path, part):
    path = tmp_path / "a.fits"
    fits.PrimaryHDU(np.zeros((20, 40), np.float32), fits.Header(CARDS)).writeto(path)
    with pytest.raises(FrameError, match="there is no"):
        read_level15(path, None, part)
