"""Level-1.5 files are standard FITS, say nothing without a value, and are one map each to others' readers."""

import shutil
import subprocess

import numpy as np
import pytest
import sunpy.map
from astropy import units as u
from astropy.io import fits
from level1_frames import block, counts, freeze_tables, header, tables_of, write

from aia_sequence.calibration import tables
from aia_sequence.calibration.block import calibrate_block
from aia_sequence.calibration.job import CalibrationJob
from aia_sequence.calibration.lookup import sigma_of_counts
from aia_sequence.config import figure as figures
from aia_sequence.config.calibration import CalibrationOptions
from aia_sequence.figures.measure import measure
from aia_sequence.figures.sequence import Frame
from aia_sequence.files import sha256
from aia_sequence.frames.fits import read_header
from aia_sequence.frames.level1file import read_level1
from aia_sequence.frames.level15file import COMPRESSIONS

UNCERTAIN = [{"compression": packing, "uncertainty": wanted} for packing in COMPRESSIONS for wanted in (False, True)]
OPTIONS = [*UNCERTAIN, {"exposure": False}, {"degradation": False, "exposure": False}, {"pointing": False}]
NAMES = [" ".join(f"{name}={value}" for name, value in options.items()) for options in OPTIONS]


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Paths of frozen tables, by name."""
    return freeze_tables(tmp_path_factory.mktemp("tables"))


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """Rows of a level-1 manifest, and where their files are."""
    folder = tmp_path_factory.mktemp("block")
    return block(folder, exposures=(2.0, 0.5)), folder / "level1"


def calibrated(rows, folder, sources, **options):
    """Level-1.5 files of a block."""
    options = CalibrationOptions(**options)
    (folder / "b").mkdir(parents=True)
    made = calibrate_block(
        rows[0], CalibrationJob(rows[1], folder / "b", options, tables_of(sources), sources["errors"])
    )
    return [folder / row["file"] for row in made]


def single(path, cards):
    """Rows of a block of one frame."""
    row = {key: cards[key] for key in ("T_REC", "T_OBS", "WAVELNTH", "EXPTIME", "QUALITY")}
    row |= {"file": path.name, "record": "r", "reason": "", "sha256": sha256(path), "bytes": path.stat().st_size}
    return [row], path.parent


def assert_standard(paths):
    """fitsverify, NASA's judge of FITS files, finds neither errors nor warnings; astropy neither."""
    if not shutil.which("fitsverify"):
        pytest.skip("fitsverify (a Debian package of that name) is not installed")
    for path in paths:
        judged = subprocess.run(["fitsverify", str(path)], capture_output=True, text=True, check=False).stdout
        assert "Verification found 0 warning(s) and 0 error(s)" in judged, judged
        with fits.open(path, checksum=True) as hdus:
            hdus.verify("exception")


@pytest.mark.parametrize("options", OPTIONS, ids=NAMES)
def test_fitsverify_finds_nothing_whatever_the_options(rows, sources, tmp_path, options):
    assert_standard(calibrated(rows, tmp_path, sources, **options))


@pytest.mark.parametrize("options", OPTIONS, ids=NAMES)
def test_sunpy_makes_one_map_of_each_frame_whatever_the_options(rows, sources, tmp_path, options):
    """Neither flags nor uncertainties are taken for an observation; a warning would fail the test."""
    paths = calibrated(rows, tmp_path, sources, **options)
    maps = sunpy.map.Map(f"{tmp_path}/b/*.fits", sequence=True)
    assert len(maps) == len(paths)
    for smap in maps:
        assert isinstance(smap, sunpy.map.sources.AIAMap)
        assert (smap.processing_level, str(smap.unit)) == (1.5, "DN / s" if options.get("exposure", True) else "DN")
        np.testing.assert_array_equal(smap.rotation_matrix, np.eye(2))


REAL = [
    "aia_171_cutout.fits",
    "aia.lev1_euv_12s.2022-04-02T132011Z.304.image.fits",
    "aia.lev1_euv_12s.2021-05-22T032907Z.304.image_lev1.fits",
]


@pytest.mark.parametrize("name", REAL)
def test_headers_that_come_from_the_archive_become_standard_ones(shared_data, sources, tmp_path, name):
    _, cards = read_level1(shared_data / "frames_16bit" / name)
    shutil.copy(shared_data / "frames_16bit" / name, tmp_path)
    rows = single(tmp_path / name, cards)
    paths = calibrated(rows, tmp_path / "out", sources, pointing=False, degradation=False)
    assert_standard(paths)


def test_no_keyword_is_without_a_value(tmp_path, sources):
    """Empty cards, `-nan`, and the missing integer of the archive's database."""
    cards = header()
    cards["ROI_SUM"], cards["OSCNRMS"], cards["ROI_NWIN"] = None, None, -(2**31)
    path = tmp_path / "a.image_lev1.fits"
    write(path, counts(), cards, compressed=False)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"OSCNRMS =                     ", b"OSCNRMS =                 -nan"))
    made = read_header(calibrated(single(path, cards), tmp_path / "out", sources)[0])
    assert not {"ROI_SUM", "ROI_NWIN", "OSCNMEAN", "OSCNRMS"} & set(made)
    assert not [card.keyword for card in made.cards if isinstance(card.value, fits.card.Undefined)]


def test_keywords_of_the_level_1_record_say_that_they_are(tmp_path, sources):
    cards = header()
    cards.update(DATE="2021-07-09T01:02:03", RECNUM=205107971, DRMS_ID="aia.lev1_euv_12s:205107971:image")
    write(tmp_path / "a.image_lev1.fits", counts(), cards)
    made = read_header(calibrated(single(tmp_path / "a.image_lev1.fits", cards), tmp_path / "out", sources)[0])
    assert not {"DATE", "RECNUM", "DRMS_ID", "CROTA2"} & set(made)
    assert (made["L1DATE"], made["L1RECNUM"]) == ("2021-07-09T01:02:03", 205107971)
    assert made["L1DRMSID"] == "aia.lev1_euv_12s:205107971:image"


def test_dividing_by_the_exposure_time_again_changes_nothing(rows, sources, tmp_path):
    """sunpy users write `m / m.exposure_time`, users of SolarSoft divide by `index.exptime`."""
    for path, exposure in zip(calibrated(rows, tmp_path, sources), (2.0, 0.5), strict=True):
        smap = sunpy.map.Map(path)
        np.testing.assert_array_equal((smap / smap.exposure_time).data, smap.data)
        assert smap.exposure_time == 1 * u.s
        assert smap.meta["o_exptim"] == smap.meta["expnorm"] == exposure


def test_a_frame_that_is_not_normalised_keeps_its_exposure_time(rows, sources, tmp_path):
    for path, exposure in zip(calibrated(rows, tmp_path, sources, exposure=False), (2.0, 0.5), strict=True):
        assert sunpy.map.Map(path).exposure_time == exposure * u.s
        assert "O_EXPTIM" not in read_header(path)


@pytest.mark.parametrize(
    "options", [{}, {"exposure": False}, {"compression": "rice"}, {"interpolation": "keys"}], ids=str
)
def test_the_light_curve_reads_flags_and_uncertainty_off_the_files(tmp_path, sources, options):
    """One saturated pixel of level 1 makes a frame a saturated one, and noise is in DN/s whatever the unit stored."""
    image, cards = np.full((120, 150), 400, np.int16), header(exposure=2.0)
    image[60, 80] = 16383
    write(tmp_path / "a.image_lev1.fits", image, cards)
    rows, folder = single(tmp_path / "a.image_lev1.fits", cards)
    (path,) = calibrated((rows, folder), tmp_path / "out", sources, uncertainty=True, **options)
    frame = Frame(path, "r", cards["T_REC"], cards["T_OBS"], 211, 2.0, 0, rows[0]["sha256"])
    (point,), _ = measure([frame], {"x": [-670, -620], "y": [-380, -330]}, figures.FigureOptions())
    assert 1 <= point.saturated * point.pixels <= 4
    # 400 DN of 0.88 DN a photon, read noise and compression: sigma of a pixel, in DN
    sigma = sigma_of_counts(211, tables.thaw(sources["errors"]))[400]
    expected = sigma * np.sqrt(point.pixels) * cards["CDELT1"] / 0.6 / (2.0 * 0.75 / 1.2)
    assert point.sum_uncertainty == pytest.approx(expected, rel=0.05)
    assert point.mean_uncertainty == pytest.approx(point.sum_uncertainty / point.pixels)
