"""One level-1 file, calibrated without a workflow."""

import shutil
import subprocess
import sys

import level1_frames
import numpy as np
import pytest
from astropy.io import fits

import aia_sequence
from aia_sequence.calibration import lookup
from aia_sequence.calibration.block import calibrate_block
from aia_sequence.calibration.job import CalibrationJob
from aia_sequence.config.calibration import CalibrationOptions
from aia_sequence.errors import ConfigError, FrameError


@pytest.fixture(scope="module")
def frozen(tmp_path_factory):
    """Tables as the workflow keeps them, for 2021-07-03."""
    resources = tmp_path_factory.mktemp("resources")
    paths = level1_frames.freeze_tables(resources / "calibration")
    (resources / "calibration" / "pointing").mkdir()
    paths["pointing"].rename(resources / "calibration" / "pointing" / "20210703.ecsv")
    return resources


@pytest.fixture
def level1(tmp_path):
    """A level-1 file, and its row of the workflow's manifest."""
    (row,) = level1_frames.block(tmp_path, exposures=(0.5,))
    return tmp_path / "level1" / row["file"], row


@pytest.mark.parametrize("options", [{}, {"uncertainty": True, "compression": "gzip", "interpolation": "keys"}])
def test_a_file_calibrated_alone_has_the_pixels_and_the_header_of_the_workflows(tmp_path, level1, frozen, options):
    path, row = level1
    alone = aia_sequence.calibrate(path, tmp_path / "alone", tables=frozen, **options)
    assert alone == tmp_path / "alone" / path.name.replace("lev1.fits", "lev1.5.fits")

    wanted = CalibrationOptions(**options)
    folder = frozen / "calibration"
    found = lookup.Tables.read([folder / "pointing" / "20210703.ecsv"], folder / "degradation.ecsv")
    (tmp_path / "block").mkdir()
    errors = frozen / "calibration" / "errors.ecsv"
    job = CalibrationJob(path.parents[1], tmp_path / "block", wanted, found, errors)
    (made,) = calibrate_block([row | {"request": ""}], job)
    assert alone.read_bytes() == (tmp_path / made["file"]).read_bytes()

    image, header = aia_sequence.read_level15(alone)
    assert image.dtype == np.float32
    assert header["L1RECORD"] == row["record"]
    assert header["BUNIT"] == "DN / s"


def test_a_file_that_is_not_there_or_is_no_fits_is_named_and_there_is_no_block_to_delete(tmp_path, frozen):
    (tmp_path / "text.fits").write_text("no FITS", encoding="utf-8")
    for name in ("nothing.fits", "text.fits"):
        with pytest.raises(FrameError, match=rf"{name}: the file is missing or damaged \(") as error:
            aia_sequence.calibrate(tmp_path / name, tmp_path / "out", tables=frozen)
        assert "block" not in str(error.value)


def test_the_documentation_of_calibrate_names_every_option():
    with pytest.raises(ConfigError, match="unknown key") as error:
        aia_sequence.calibrate("x.fits", tables="x", bim=2)
    named = str(error.value).partition("llowed are ")[2].split(", ")
    assert "bin" in named
    assert [name for name in named if f"`{name}`" not in aia_sequence.calibrate.__doc__] == []


def test_exposure_and_degradation_are_what_was_divided_by(tmp_path, level1, frozen):
    """0.75 is what the table of effective areas says of the day, and 0.5 s the exposure."""
    path, _ = level1
    made = aia_sequence.calibrate(path, tmp_path / "both", tables=frozen)
    counts = aia_sequence.calibrate(path, tmp_path / "none", tables=frozen, exposure=False, degradation=False)
    both, neither = (aia_sequence.read_level15(one)[0] for one in (made, counts))
    assert np.isfinite(both).any()
    np.testing.assert_allclose(both, neither / (0.5 * 0.75 / 1.2), rtol=1e-5)


def test_without_corrections_no_table_is_needed(tmp_path, level1):
    path, _ = level1
    made = aia_sequence.calibrate(path, tmp_path, tables=tmp_path / "nowhere", pointing=False, degradation=False)
    assert aia_sequence.read_level15(made)[1]["LVL_NUM"] == 1.5


def test_a_table_that_is_missing_is_named(tmp_path, level1, frozen):
    path, _ = level1
    with pytest.raises(
        FrameError, match=r"pointing/20210703\.ecsv is missing; .* with pointing=False it is not needed"
    ):
        aia_sequence.calibrate(path, tmp_path, tables=tmp_path / "nowhere")
    with pytest.raises(FrameError, match=r"psf/211\.fits is missing"):
        aia_sequence.calibrate(path, tmp_path, tables=frozen, psf=True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"exposuer": True}, "unknown key 'exposuer'; did you mean exposure"),
        ({"on_bad_frame": "skip"}, "unknown key 'on_bad_frame'"),
        ({"interpolation": "linear"}, "interpolation: 'linear' is not allowed"),
        ({"exposure": "no"}, "exposure: 'no' is not true or false"),
        ({"psf_iterations": 0}, "psf_iterations: 0 is out of range"),
    ],
)
def test_an_option_that_is_none_is_refused_before_anything_is_done(tmp_path, level1, frozen, options, said):
    path, _ = level1
    with pytest.raises(ConfigError, match=said):
        aia_sequence.calibrate(path, tmp_path / "new", tables=frozen, **options)
    assert not (tmp_path / "new").exists()


def test_a_file_that_is_not_of_level_1_is_refused(tmp_path, level1, frozen):
    path, _ = level1
    made = aia_sequence.calibrate(path, tmp_path / "new", tables=frozen)
    with pytest.raises(FrameError, match=r"image_lev1\.5\.fits: LVL_NUM is 1\.5; only level 1\.0"):
        aia_sequence.calibrate(made, tmp_path / "newer", tables=frozen)
    with pytest.raises(FrameError, match="missing or damaged"):
        aia_sequence.calibrate(tmp_path / "none.fits", tables=frozen)
    text = tmp_path / "text.fits"
    text.write_text("SIMPLE")
    with pytest.raises(FrameError, match=r"text\.fits: the file is missing or damaged"):
        aia_sequence.calibrate(text, tables=frozen)


@pytest.mark.parametrize("keyword", ["T_REC", "T_OBS", "WAVELNTH"])
def test_a_keyword_that_is_missing_is_named(tmp_path, level1, frozen, keyword):
    path, _ = level1
    bare = tmp_path / "bare.fits"
    shutil.copy(path, bare)
    fits.delval(bare, keyword, 1)
    with pytest.raises(FrameError, match=rf"bare\.fits: .*{keyword}"):
        aia_sequence.calibrate(bare, tmp_path, tables=frozen)


@pytest.mark.parametrize("keyword", ["T_REC", "T_OBS", "WAVELNTH", "EXPTIME", "DATE-OBS", "X0_MP", "LVL_NUM"])
def test_a_value_that_fits_does_not_know_is_named(tmp_path, level1, frozen, keyword):
    path, _ = level1
    level1_frames.put(path, keyword, "1,2 x")
    with pytest.raises(FrameError, match=rf"image_lev1\.fits: .*{keyword}"):
        aia_sequence.calibrate(path, tmp_path, tables=frozen)


def test_a_file_exported_from_aia_lev1_is_the_frame_of_its_slot(tmp_path, level1, frozen):
    """Its T_REC is T_OBS to the second; the cadence series has the frame under the slot that T_OBS lies in."""
    path, _ = level1
    other = tmp_path / "aia.lev1.2021-07-03T142725Z.211.image_lev1.fits"
    shutil.copy(path, other)
    with fits.open(other, mode="update") as hdus:
        hdus[1].header.update(
            T_REC=f"{hdus[1].header['T_OBS'][:19]}Z", TRECSTEP=1.0, DRMS_ID="aia.lev1:205107971:image"
        )
    image, header = aia_sequence.read_level15(aia_sequence.calibrate(other, tmp_path / "a", tables=frozen))
    expected, _ = aia_sequence.read_level15(aia_sequence.calibrate(path, tmp_path / "b", tables=frozen))
    np.testing.assert_array_equal(image, expected)
    assert header["L1RECORD"] == "aia.lev1_euv_12s[2021-07-03T14:27:23Z][211]"


def test_spikes_are_put_back_in_from_their_file(tmp_path, level1, frozen):
    path, _ = level1
    spikes = tmp_path / "elsewhere" / "spikes.fits"
    spikes.parent.mkdir()
    # Indices into the CCD: pixels (960, 1450) and (980, 1460), in the cutout whose first is (900, 1400)
    places = np.array([[1450 * 4096 + 960, 1460 * 4096 + 980], [9000, 8000], [1, 1]], np.int32)
    fits.PrimaryHDU(places).writeto(spikes)
    options = {"pointing": False, "degradation": False, "exposure": False, "tables": frozen}
    made = aia_sequence.calibrate(path, tmp_path / "with", respike=True, spikes=spikes, **options)
    plain = aia_sequence.calibrate(path, tmp_path / "without", **options)
    added = aia_sequence.read_level15(made)[0] - aia_sequence.read_level15(plain)[0]
    assert np.nanmax(added) > 4000  # half a pixel off, the spline spreads the 8,800 over four pixels
    assert aia_sequence.read_level15(made)[1]["RESPIKED"]
    with pytest.raises(FrameError, match="the frame's spikes file is missing"):
        aia_sequence.calibrate(path, tmp_path / "with", respike=True, **options)


def test_the_library_is_imported_at_once_and_tells_what_it_offers():
    program = "import sys, aia_sequence; print(*sorted({'numpy', 'astropy', 'yaml', 'numba'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
    assert {"calibrate", "read_level15"} <= set(dir(aia_sequence))
    assert all(callable(getattr(aia_sequence, name)) for name in aia_sequence.__all__ if name != "__version__")
    with pytest.raises(AttributeError, match="no attribute 'calibrat'"):
        _ = aia_sequence.calibrat
