"""Real headers, real full-disk frames, real cutouts: what the model cannot know."""

import warnings
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from aiapy.calibrate.utils import get_correction_table
from astropy import units as u
from astropy.io import fits
from astropy.table import QTable
from astropy.time import Time
from level1_frames import header_from_row, real_headers
from PIL import Image
from scipy import ndimage, optimize

from aia_sequence.calibration import lookup, tables
from aia_sequence.calibration.block import calibrate_block
from aia_sequence.calibration.corrections import Corrections, of_frame
from aia_sequence.calibration.job import CalibrationJob
from aia_sequence.calibration.level15 import calibrate
from aia_sequence.config.calibration import CalibrationOptions
from aia_sequence.errors import FrameError
from aia_sequence.files import sha256
from aia_sequence.frames import fits as frames
from aia_sequence.frames.geometry import FULL_DISK, Geometry
from aia_sequence.frames.level1file import read_level1
from aia_sequence.frames.level1header import slot_at
from aia_sequence.instrument import EUV
from aia_sequence.times import read_time

ONLY_REGISTERED = CalibrationOptions(pointing=False, degradation=False)


@pytest.fixture(scope="module")
def headers(shared_data):
    return real_headers(shared_data / "fulldisk_8bit" / "headers_all200.csv")


def test_two_hundred_real_headers_have_the_geometry_that_their_documents_state(headers):
    assert len(headers) == 200
    for row, cards in headers:
        geometry = Geometry.of_header(cards)
        # CRPIX1 = X0_MP + 1, CROTA2 = INST_ROT + SAT_ROT
        assert geometry.x0 == pytest.approx(float(row["X0_MP"]), abs=2e-4)
        assert geometry.y0 == pytest.approx(float(row["Y0_MP"]), abs=2e-4)
        # Where the spacecraft's attitude is missing (QUALITY bit 2), the archive counts its roll as zero.
        attitude_is_missing = int(row["QUALITY"]) & 4
        assert np.isnan(float(row["SAT_ROT"])) == bool(attitude_is_missing)
        satellite = 0 if attitude_is_missing else float(row["SAT_ROT"])
        assert geometry.roll == pytest.approx(float(row["INST_ROT"]) + satellite, abs=1e-6)
        assert geometry.scale == float(row["IMSCL_MP"])
        matrix, offset = geometry.map(FULL_DISK)
        np.testing.assert_allclose(matrix @ (2047.5, 2047.5) + offset, (geometry.x0, geometry.y0), atol=1e-9)
        # 1000 arcsec due solar north lie where the roll puts them
        x, y = matrix @ (2047.5, 2047.5 + 1000 / 0.6) + offset - (geometry.x0, geometry.y0)
        assert np.hypot(x, y) * geometry.scale == pytest.approx(1000)
        assert np.degrees(np.arctan2(x, y)) == pytest.approx(geometry.roll, abs=1e-9)


def test_a_pointing_table_of_what_real_headers_state_changes_nothing(headers):
    """Real headers are consistent: the table's row, from the header's own master pointing, gives the same geometry."""
    for row, cards in headers:
        time = Time(row["T_OBS"].rstrip("Z"))
        table = QTable({"T_START": [time - 1 * u.hour], "T_STOP": [time + 1 * u.hour]})
        for key, source, unit in (
            ("X0", "X0_MP", u.pix), ("Y0", "Y0_MP", u.pix), ("IMSCALE", "IMSCL_MP", u.arcsec / u.pix),
            ("INSTROT", "INST_ROT", u.deg),
        ):  # fmt: skip
            table[f"A_171_{key}"] = [float(row[source])] * unit
        table.meta = {"archive": "jsoc", "source": "header", "sha256": "0"}
        found = of_frame(cards, lookup.Tables.of(table), CalibrationOptions(degradation=False)).geometry
        own = Geometry.of_header(cards)
        for name in ("x0", "y0", "scale", "roll"):
            assert getattr(found, name) == pytest.approx(getattr(own, name), abs=1e-6)


def limb_centre(image, radius):
    """Offset of the limb's circle from the middle of the frame, in pixels.

    At 171 Å brightness rises steeply a few pixels outside the photospheric limb, where the far side comes into view.
    The circle is the one along which, sector by sector, it rises most; the rise is cut off, so that no loop dominates.
    """
    angles, radii = np.radians(np.arange(0, 360, 0.25)), np.arange(radius - 25, radius + 25, 0.25)
    places = [2047.5 + radii[:, None] * direction(angles) for direction in (np.sin, np.cos)]
    rays = ndimage.gaussian_filter(ndimage.map_coordinates(image.astype(float), places, order=1), [6, 0])
    sectors = rays.reshape(radii.size, -1, 8).mean(axis=2)
    middle = angles.reshape(-1, 8).mean(axis=1)
    rise = np.gradient(sectors, axis=0)
    rise /= np.abs(rise).std(axis=0)

    def along(circle):
        distance = circle[2] + circle[0] * np.cos(middle) + circle[1] * np.sin(middle)
        place = [(distance - radii[0]) / 0.25, np.arange(middle.size)]
        return -np.clip(ndimage.map_coordinates(rise, place, order=1), -1, 2.5).mean()

    guesses = [(x, y, radius + r) for x in range(-5, 6) for y in range(-5, 6) for r in range(-10, 15)]
    best = np.array(min(guesses, key=along), float)
    simplex = best + 0.5 * np.array([[-1, -1, -1], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    return optimize.minimize(along, best, method="Nelder-Mead", options={"initial_simplex": simplex}).x[:2]


def jp2_frame(path):
    """A real frame as level 1 has it: pixels (8-bit display values) the FITS way up, and the header of its XML box."""
    with Image.open(path) as picture:
        pixels = np.asarray(picture)[::-1].astype(np.int16)
    raw = path.read_bytes()
    start, end = raw.index(b"<meta>"), raw.index(b"</meta>") + len(b"</meta>")
    fields = ET.fromstring(raw[start:end]).find("fits")
    return pixels, header_from_row({field.tag: (field.text or "").strip() for field in fields})


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_real_frames_are_centred_on_the_limb(shared_data, tmp_path, number):
    pixels, cards = jp2_frame(shared_data / "fulldisk_8bit" / f"source_00{number}.jp2")
    (tmp_path / "out").mkdir()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Card is too long")
        hdu = fits.CompImageHDU(pixels, cards, compression_type="RICE_1")
        fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(tmp_path / "a.image_lev1.fits")
    table = get_correction_table(shared_data / "tables" / "aia_V10_20201119_190000_response_table.txt")
    tables.freeze(tmp_path / "d.ecsv", table, "jsoc", "V10")
    slot = slot_at(EUV, read_time(cards["T_OBS"]))
    row = {"file": "a.image_lev1.fits", "record": "r", "T_REC": slot, "T_OBS": cards["T_OBS"],
           "WAVELNTH": 171, "EXPTIME": cards["EXPTIME"], "QUALITY": cards["QUALITY"], "reason": "",
           "sha256": sha256(tmp_path / "a.image_lev1.fits")}  # fmt: skip
    options = CalibrationOptions(pointing=False)
    found = lookup.Tables.read(degradation=tmp_path / "d.ecsv")
    made = calibrate_block([row], CalibrationJob(tmp_path, tmp_path / "out", options, found))
    image, header = frames.read_level15(tmp_path / made[0]["file"])
    assert image.shape == (4096, 4096)
    assert header["DEGCORR"] == pytest.approx(0.75, abs=0.1)
    raw = limb_centre(pixels, cards["RSUN_OBS"] / cards["CDELT1"])
    assert np.hypot(*raw) > 3
    assert raw == pytest.approx([cards["CRPIX1"] - 2048.5, cards["CRPIX2"] - 2048.5], abs=1)
    assert np.hypot(*limb_centre(np.nan_to_num(image), header["R_SUN"])) < 1


CUTOUTS = {
    "aia_171_cutout.fits": (705, 769),
    "aia.lev1_euv_12s.2022-04-02T132011Z.304.image.fits": (400, 450),
    "aia.lev1_euv_12s.2021-05-22T032907Z.304.image_lev1.fits": (251, 251),
}


@pytest.mark.parametrize("name", CUTOUTS)
def test_real_cutouts_are_registered_on_the_full_disks_grid(shared_data, name):
    image, cards = read_level1(shared_data / "frames_16bit" / name)
    geometry = Geometry.of_header(cards)
    pixels = calibrate(image, cards, Corrections(geometry), ONLY_REGISTERED)
    assert pixels.grid.crpix1 % 1 == pixels.grid.crpix2 % 1 == 0.5
    assert pixels.image.shape == pytest.approx(np.array(image.shape) * geometry.scale / 0.6, abs=4)
    # The brightest place of the cutout is where the header says that it is on the Sun.
    row, column = np.unravel_index(np.nanargmax(pixels.image), pixels.image.shape)
    x, y = 0.6 * (column + 1 - pixels.grid.crpix1), 0.6 * (row + 1 - pixels.grid.crpix2)
    angle = np.radians(geometry.roll)
    i = (x * np.cos(angle) + y * np.sin(angle)) / geometry.scale + geometry.x0
    j = (y * np.cos(angle) - x * np.sin(angle)) / geometry.scale + geometry.y0
    around = image[int(j) - 1 : int(j) + 3, int(i) - 1 : int(i) + 3]
    assert around.max() == image.max()
    assert np.isfinite(pixels.image).mean() > 0.97


def test_a_binned_full_disk_frame_is_refused():
    from sunpy.data.test import get_test_filepath

    with pytest.raises(FrameError, match="this one was binned or resampled"):
        read_level1(get_test_filepath("aia_171_level1.fits"))
