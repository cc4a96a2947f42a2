"""Blocks of frames: files and manifests that hold what they promise, the same however they were made."""

import errno
import hashlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest
import sunpy.map
from aiapy.calibrate import correct_degradation, register, update_pointing
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st
from level1_frames import block, counts, freeze_tables, header, tables_of, write

from aia_sequence import versions
from aia_sequence.audit import remarks
from aia_sequence.calibration import psf, tables, worker
from aia_sequence.calibration.block import calibrate_block
from aia_sequence.calibration.header import check_level15
from aia_sequence.calibration.job import CalibrationJob
from aia_sequence.calibration.statistics import statistics
from aia_sequence.calibration.worker import level15_name
from aia_sequence.config.calibration import CalibrationOptions
from aia_sequence.errors import FrameError, ProductError
from aia_sequence.frames import fits as frames
from aia_sequence.joblog import job_log
from aia_sequence.lists.manifests import LEVEL1, LEVEL15

# Golden digests of a block's files by LEVEL15 version: a change of pixels or headers needs a new version.
GOLDEN = {"6": "87b8dc46bbbef012b488d1878f75db4db918916abc75b03253b2d2b68fcea88b"}


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Paths of frozen tables, by name."""
    return freeze_tables(tmp_path_factory.mktemp("tables"))


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """Rows of a level-1 manifest, and where their files are."""
    folder = tmp_path_factory.mktemp("block")
    return block(folder), folder / "level1"


def run(rows, folder, sources, processes=1, **options):
    folder.mkdir(parents=True, exist_ok=True)
    options = CalibrationOptions(**options)
    return calibrate_block(
        rows[0], CalibrationJob(rows[1], folder, options, tables_of(sources), sources["errors"]), processes
    )


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(Path(folder).iterdir())}


@pytest.fixture(scope="module")
def made(rows, sources, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "b"
    return run(rows, folder, sources, uncertainty=True), folder


def test_every_frame_holds_the_invariants_of_level_15(made):
    result, folder = made
    for row in result:
        with fits.open(folder.parent / row["file"], checksum=True) as hdus:
            hdus.verify("exception")
            cards, image = hdus[0].header, hdus[0].data
            assert image.dtype == ">f4"
            assert cards["LVL_NUM"] == 1.5
            assert (cards["CDELT1"], cards["CDELT2"]) == (0.6, 0.6)
            assert [cards[f"PC{n}_{m}"] for n in (1, 2) for m in (1, 2)] == [1.0, 0.0, 0.0, 1.0]
            assert (cards["CRVAL1"], cards["CRVAL2"], cards["CRPIX1"] % 1, cards["CRPIX2"] % 1) == (0, 0, 0.5, 0.5)
            assert cards["R_SUN"] == cards["RSUN_OBS"] / cards["CDELT1"]
            assert cards["BUNIT"] == "DN / s"
            assert not {"BLANK", "BSCALE", "BZERO", "HEADSUM"} & set(cards)
            assert np.isnan(image).any()
            assert hdus["UNCERT"].data["SIGMA"].shape == image.shape
            assert len(hdus["FLAGS"].data) == 0


def test_statistics_are_those_of_the_new_pixels(made):
    result, folder = made
    image, cards = frames.read_level15(folder.parent / result[0]["file"])
    valid = image[np.isfinite(image)].astype(float)
    assert cards["DATAMIN"] == pytest.approx(valid.min())
    assert cards["DATAMAX"] == pytest.approx(valid.max())
    assert cards["DATAMEAN"] == pytest.approx(valid.mean())
    assert cards["DATARMS"] == pytest.approx(valid.std())
    assert (cards["DATAVALS"], cards["TOTVALS"]) == (valid.size, image.size)
    assert cards["DATAVALS"] + cards["MISSVALS"] == cards["TOTVALS"]
    assert cards["DATAP99"] == pytest.approx(np.percentile(valid, 99, method="inverted_cdf"))
    assert cards["NSATPIX"] == 0


def test_the_header_tells_what_was_done(made, rows):
    result, folder = made
    cards = frames.read_header(folder.parent / result[1]["file"])
    assert cards["POINTCOR"] is True
    assert cards["MPO_REC"] == "aia.master_pointing3h[2021-07-03T12:00:00Z]"
    assert cards["REGMETH"] == "cubic-spline"
    assert cards["DEGCORR"] == pytest.approx(0.75 / 1.2)
    assert (cards["DEG_VER"], cards["EXPNORM"], cards["EXPTIME"], cards["O_EXPTIM"]) == (10, 0.5, 1.0, 0.5)
    assert cards["DEG_NOTE"].startswith("extrapolated")
    assert all(len(cards[key]) == 64 for key in ("PNT_SHA", "DEG_SHA", "ERR_SHA", "L1SHA256"))
    assert (cards["L1REQ"], cards["L1RECORD"]) == ("JSOC_20210703_001", rows[0][1]["record"])
    assert cards["L15VERS"] == versions.LEVEL15
    assert cards["SYNTH"] is True
    history = list(cards["HISTORY"])
    steps = [line.split(":")[0] for line in history[1:]]
    assert steps == ["pointing", "registration", "degradation", "degradation", "exposure", "uncertainty"]


def test_the_manifest_has_a_row_for_each_frame(made, rows, tmp_path):
    result, folder = made
    LEVEL15.write(tmp_path / "b.csv", result)
    table = LEVEL15.read(tmp_path / "b.csv")
    assert [row["record"] for row in table] == [row["record"] for row in rows[0]]
    assert [row["level1_sha256"] for row in table] == [row["sha256"] for row in rows[0]]
    assert [row["exposure"] for row in table] == [2.0, 0.5, 1.9, 0.2]
    for row in result:
        path = folder.parent / row["file"]
        assert row["bytes"] == path.stat().st_size
        assert row["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_golden_digest_holds_as_long_as_the_version_does(made):
    result, _ = made
    digest = hashlib.sha256("".join(row["sha256"] for row in result).encode()).hexdigest()
    assert digest == GOLDEN.get(versions.LEVEL15), (
        "level-1.5 files have changed: raise aia_sequence.versions.LEVEL15 and put the new digest beside it"
    )


@pytest.mark.parametrize("processes", [2, 4])
def test_the_number_of_processes_changes_no_byte(made, rows, sources, tmp_path, processes):
    result = run(rows, tmp_path / "b", sources, processes, uncertainty=True)
    assert result == made[0]
    assert digests(tmp_path / "b") == digests(made[1])


@settings(max_examples=4)
@given(st.lists(st.integers(0, 3), min_size=1, unique=True))
def test_a_frame_is_the_same_alone_or_in_any_block(made, rows, sources, tmp_path_factory, chosen):
    folder = tmp_path_factory.mktemp("some") / "b"
    run(([rows[0][n] for n in chosen], rows[1]), folder, sources, uncertainty=True)
    whole = digests(made[1])
    assert all(whole[name] == digest for name, digest in digests(folder).items())
    assert len(digests(folder)) == len(chosen)


def test_a_calibrated_frame_is_not_calibrated_again(made, rows, sources, tmp_path):
    result, folder = made
    row = dict(rows[0][0], file=result[0]["file"], sha256=result[0]["sha256"])
    with pytest.raises(FrameError, match=r"LVL_NUM is 1\.5; only level 1\.0"):
        run(([row], folder.parent), tmp_path / "b", sources)


def spoil(rows, folder, number, **changes):
    """A copy of a block in which one frame's header is changed."""
    spoilt = [dict(row) for row in rows[0]]
    cards = header(number)
    cards.update(changes)
    path = folder / f"bad{number}.image_lev1.fits"
    write(path, counts(seed=number), cards)
    spoilt[number] |= {"file": os.path.relpath(path, rows[1]), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    return spoilt, rows[1]


@pytest.mark.parametrize("processes", [1, 2])
def test_a_bad_frame_fails_its_block_and_every_one_is_named(rows, sources, tmp_path, processes):
    spoilt = spoil(rows, tmp_path, 1, EXPTIME=-1.0)
    late = {"T_OBS": "2021-07-04T14:27:23.00Z"}
    spoilt = spoil(spoilt, tmp_path, 3, **late)
    spoilt[0][3] |= late
    with pytest.raises(FrameError) as caught:
        run(spoilt, tmp_path / "b", sources, processes)
    text = str(caught.value)
    assert "2 of 4 frames cannot be calibrated" in text
    assert f"{rows[0][1]['record']} (" in text
    assert "EXPTIME is -1.0" in text
    assert "no row of the pointing table" in text
    assert "on_bad_frame: skip" in text


@pytest.mark.parametrize("processes", [1, 2])
def test_a_bad_frame_can_be_left_out_and_is_listed_with_its_reason(rows, sources, tmp_path, processes):
    spoilt = spoil(rows, tmp_path, 1, LVL_NUM=0.5)
    result = run(spoilt, tmp_path / "b", sources, processes, on_bad_frame="skip")
    assert [bool(row["reason"]) for row in result] == [False, True, False, False]
    assert "LVL_NUM is 0.5" in result[1]["reason"]
    LEVEL15.write(tmp_path / "b.csv", result)
    good = [row for row in LEVEL15.read(tmp_path / "b.csv") if not row["reason"]]
    assert len(good) == len(list((tmp_path / "b").iterdir())) == 3


def test_a_frame_without_a_valid_pixel_or_with_other_pixels_than_counts_is_a_bad_frame(rows, sources, tmp_path):
    spoilt = spoil(rows, tmp_path, 1)
    spoilt = spoil(spoilt, tmp_path, 2)
    others = {1: (np.full((120, 150), -32768, np.int16), {"BLANK": -32768}), 2: (counts(seed=2).astype(np.float32), {})}
    for number, (image, further) in others.items():
        path = tmp_path / f"bad{number}.image_lev1.fits"
        path.unlink()
        cards = header(number)
        cards.update(further)
        write(path, image, cards, compressed=False)
        spoilt[0][number]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    result = run(spoilt, tmp_path / "b", sources, on_bad_frame="skip")
    assert [bool(row["reason"]) for row in result] == [False, True, True, False]
    assert "none of its pixels is valid" in result[1]["reason"]
    assert "its pixels are float32" in result[2]["reason"]


def test_a_frame_that_did_not_arrive_stays_a_row_with_its_reason(rows, sources, tmp_path):
    gone = [dict(row) for row in rows[0][:2]]
    gone[0] |= {"file": "", "reason": "not delivered", "sha256": ""}
    result = run((gone, rows[1]), tmp_path / "b", sources)
    assert [row["reason"] for row in result] == ["not delivered", ""]
    assert result[0]["record"] == rows[0][0]["record"]


def test_spikes_that_came_with_a_frame_are_put_back_in(rows, sources, tmp_path):
    cards = frames.read_header(rows[1] / rows[0][0]["file"])
    x, y = (round(cards[f"{axis}0_MP"] + 1 - cards[f"CRPIX{n}"]) for n, axis in ((1, "X"), (2, "Y")))
    spikes = np.array([[(y + 40) * 4096 + x + 70, (y + 41) * 4096 + x + 90], [9000, 9000]], np.int32)
    hdu = fits.CompImageHDU(spikes, compression_type="RICE_1")
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(rows[1] / "a.spikes.fits")
    digest = hashlib.sha256((rows[1] / "a.spikes.fits").read_bytes()).hexdigest()
    spiked = [dict(rows[0][0], spikes="a.spikes.fits", spikes_sha256=digest)]
    result = run((spiked, rows[1]), tmp_path / "b", sources, respike=True)
    image, header = frames.read_level15(tmp_path / result[0]["file"])
    assert (header["RESPIKED"], header["RSP_NUM"], header["NSPIKES"]) == (True, 2, 0)
    assert header["RSP_SHA"] == digest
    assert result[0]["respiked"] == 2
    with pytest.raises(FrameError, match=r"a\.spikes\.fits: its SHA-256 is .*its manifest says 000"):
        run(([spiked[0] | {"spikes_sha256": "0" * 64}], rows[1]), tmp_path / "b", sources, respike=True)
    plain, _ = frames.read_level15(tmp_path / run(([rows[0][0]], rows[1]), tmp_path / "b", sources)[0]["file"])
    assert np.nanmax(image) > 4 * np.nanmax(plain)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_block_is_deconvolved_before_it_is_registered_and_says_so(rows, sources, tmp_path, monkeypatch, processes):
    """A point spread function that takes a tenth of all light and spreads it evenly: undone, contrasts are larger."""
    monkeypatch.setattr(psf, "SHAPE", (120, 150))
    kernel = np.full((120, 150), 0.1 / 120 / 150)
    kernel[60, 75] += 0.9
    psf.write(tmp_path / "psf.fits", kernel, 211)
    options = CalibrationOptions(psf=True, psf_iterations=3)
    (tmp_path / "b").mkdir()
    job = CalibrationJob(rows[1], tmp_path / "b", options, tables_of(sources), psf=tmp_path / "psf.fits")
    result = calibrate_block(rows[0], job, processes)
    plain = run(rows, tmp_path / "plain", sources)
    for one, other in zip(result, plain, strict=True):
        image, cards = frames.read_level15(tmp_path / one["file"])
        assert one["psf_iterations"] == cards["PSF_ITER"] == 3
        assert (cards["PSFDECON"], cards["PSF_SHA"]) == (True, psf.about(tmp_path / "psf.fits")["sha256"])
        expected, cards = frames.read_level15(tmp_path / other["file"])
        assert cards["PSFDECON"] is False
        np.testing.assert_array_equal(np.isnan(image), np.isnan(expected))
        valid = np.isfinite(image)
        assert np.corrcoef(image[valid], expected[valid])[0, 1] > 0.999
        assert image[valid].std() == pytest.approx(expected[valid].std() / 0.9, rel=0.03)


def test_respike_without_the_spikes_file_is_an_error(rows, sources, tmp_path):
    with pytest.raises(FrameError, match="spikes file is missing"):
        run(rows, tmp_path / "b", sources, respike=True)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_table_that_was_changed_is_refused_by_name(rows, sources, tmp_path, processes):
    text = sources["errors"].read_text(encoding="utf-8")
    changed = tmp_path / "errors.ecsv"
    changed.write_text(text.replace("11.67", "11.68"), encoding="utf-8")
    assert changed.read_text(encoding="utf-8") != text
    with pytest.raises(FrameError, match=f"{changed}: its rows have SHA-256 .* delete it"):
        run(rows, tmp_path / "b", sources | {"errors": changed}, processes, uncertainty=True)


def test_a_block_without_frames_needs_no_table(tmp_path):
    assert calibrate_block([], CalibrationJob(tmp_path, tmp_path / "b", CalibrationOptions())) == []


def test_a_correction_without_its_table_is_not_left_out_silently(rows, tmp_path):
    with pytest.raises(FrameError, match=r"calibration\.pointing asks for a table of the pointing, and there is none"):
        calibrate_block(rows[0], CalibrationJob(rows[1], tmp_path, CalibrationOptions()))


def test_a_file_that_is_not_the_manifests_is_refused(rows, sources, tmp_path):
    wrong = [dict(rows[0][0], sha256="0" * 64)]
    with pytest.raises(FrameError, match="delete the block to fetch it again"):
        run((wrong, rows[1]), tmp_path / "b", sources)


def test_damaged_files_are_frames_that_cannot_be_calibrated(rows, sources, tmp_path):
    for name, content in (("text.fits", b"<html>"), ("short.fits", (rows[1] / rows[0][0]["file"]).read_bytes()[:9000])):
        path = tmp_path / name
        path.write_bytes(content)
        row = dict(rows[0][0], file=name, sha256=hashlib.sha256(content).hexdigest())
        with pytest.raises(FrameError, match=name):
            run(([row], tmp_path), tmp_path / "b", sources)


@pytest.mark.parametrize("status", [0, 9])
def test_a_process_that_ends_before_its_work_is_done_is_an_error_and_no_wait(
    rows, sources, tmp_path, monkeypatch, status
):
    monkeypatch.setattr(worker.Worker, "_calibrate", lambda *_: os._exit(status))
    with pytest.raises(RuntimeError, match="calibrating process died"):
        run(rows, tmp_path / "b", sources, 2)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("told", [0.0, 0.5, 1.0])
def test_a_process_that_is_killed_while_it_tells_of_a_frame_is_an_error_and_no_wait(
    rows, sources, tmp_path, monkeypatch, told
):
    """The system stops it anywhere in a message that is longer than what a pipe takes at once."""
    parent, send = os.getpid(), Connection._send

    def cut_short(self, content, *rest):
        if os.getpid() != parent:
            os.write(self.fileno(), content[: int(told * len(content))])
            os.kill(os.getpid(), signal.SIGKILL)
        return send(self, content, *rest)

    monkeypatch.setattr(Connection, "_send", cut_short)
    with pytest.raises(RuntimeError, match="calibrating process died"):
        run(rows, tmp_path / "b", sources, 2)


@pytest.mark.parametrize("processes", [1, 2])
def test_whatever_is_raised_by_a_frame_is_that_frames_failure_and_a_defect_is_in_the_log(
    rows, sources, tmp_path, monkeypatch, processes
):
    calibrate, bad = worker.Worker._calibrate, rows[0][1]["record"]
    monkeypatch.setattr(
        worker.Worker, "_calibrate", lambda self, row: 1 / 0 if row["record"] == bad else calibrate(self, row)
    )
    with job_log(tmp_path / "job.log"):
        result = run(rows, tmp_path / "b", sources, processes, on_bad_frame="skip")
    assert [bool(row["reason"]) for row in result] == [row["record"] == bad for row in rows[0]]
    assert "ZeroDivisionError: division by zero; this is a defect of the workflow" in result[1]["reason"]
    told = (tmp_path / "job.log").read_text(encoding="utf-8")
    assert f"{bad}: Traceback (most recent call last)" in told
    with pytest.raises(FrameError, match="ZeroDivisionError"):
        run(rows, tmp_path / "c", sources, processes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"T_OBS": "2021-07-03T14:27:37.09Z"},
            "T_OBS is '2021-07-03T14:27:25.*' and should be '2021-07-03T14:27:37",
        ),
        ({"T_REC": "2021-07-03T14:27:35Z"}, "T_REC is '2021-07-03T14:27:23.*' and should be '2021-07-03T14:27:35Z'"),
        ({"WAVELNTH": 193}, "WAVELNTH is 211 and should be 193"),
    ],
)
def test_a_file_of_another_record_than_the_list_says_is_not_calibrated(rows, sources, tmp_path, changes, said):
    wrong = [rows[0][0] | changes]
    with pytest.raises(FrameError, match=rf"{rows[0][0]['file']} is not of .*: {said}"):
        run((wrong, rows[1]), tmp_path / "b", sources)
    assert not list((tmp_path / "b").iterdir())


def test_a_written_frame_that_does_not_hold_what_it_must_is_not_accepted(made, tmp_path):
    result, folder = made
    path = folder.parent / result[0]["file"]
    shape = frames.read_level15(path)[0].shape
    worker.accept(path, CalibrationOptions(uncertainty=True), shape)
    with pytest.raises(ProductError, match="BUNIT is 'DN / s' instead of 'DN'"):
        worker.accept(path, CalibrationOptions(exposure=False), shape)
    with pytest.raises(ProductError, match="instead of 4096 x 4096"):
        worker.accept(path, CalibrationOptions(), (4096, 4096))
    damaged = tmp_path / "damaged.fits"
    content = bytearray(path.read_bytes())
    content[40000] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(ProductError, match="does not fit its CHECKSUM"):
        worker.accept(damaged, CalibrationOptions(uncertainty=True), shape)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"DEGCORR": 0.0}, "DEGCORR is 0.0"),
        ({"R_SUN": 1571.2}, "R_SUN is 1571.2 instead of RSUN_OBS / CDELT1"),
        ({"POINTCOR": False}, "POINTCOR is False instead of True"),
        ({"CTYPE1": "HPLT-TAN"}, "CTYPE1 is 'HPLT-TAN'"),
        ({"DATAVALS": 1}, "DATAVALS and MISSVALS do not add up"),
        ({"CRPIX1": 20.0}, "its pixels are not those of the full disk's grid"),
        ({"BLANK": -32768}, "BLANK is in the header"),
    ],
)
def test_a_header_that_contradicts_itself_is_not_accepted(made, changes, said):
    result, folder = made
    cards = frames.read_header(folder.parent / result[0]["file"])
    check_level15(cards, CalibrationOptions(uncertainty=True))
    cards.update(changes)
    with pytest.raises(FrameError, match=said):
        check_level15(cards, CalibrationOptions(uncertainty=True))


@pytest.mark.parametrize("processes", [1, 2])
def test_a_frame_that_was_not_written_well_is_never_left_out(rows, sources, tmp_path, monkeypatch, processes):
    """`skip` is for frames that the archive has like that; here it is the disk, or we."""

    def damaged(path):
        raise FrameError("HDU 0 does not fit its CHECKSUM")

    monkeypatch.setattr(frames, "verify", damaged)
    with pytest.raises(ProductError, match=r"lev1\.5\.fits is not a valid level-1\.5 frame: HDU 0"):
        run(rows, tmp_path / "b", sources, processes, on_bad_frame="skip")


@pytest.mark.parametrize("compression", ["gzip", "rice"])
def test_compressed_frames_hold_the_same_image(made, rows, sources, tmp_path, compression):
    result = run(rows, tmp_path / "b", sources, uncertainty=True, compression=compression)
    for plain, packed in zip(made[0], result, strict=True):
        image, cards = frames.read_level15(made[1].parent / plain["file"])
        other, header = frames.read_level15(tmp_path / packed["file"])
        np.testing.assert_array_equal(np.isnan(image), np.isnan(other))
        assert header["L15VERS"] == cards["L15VERS"]
        assert packed["bytes"] < plain["bytes"]
        # The uncertainty is rounded where files are compressed, by less than a per cent.
        sigma, _ = frames.read_level15(made[1].parent / plain["file"], None, "uncertainty")
        rounded, _ = frames.read_level15(tmp_path / packed["file"], None, "uncertainty")
        np.testing.assert_allclose(rounded, sigma, rtol=0.008)
        region = {"x": [-640, -625], "y": [-350, -330]}
        part, uncertain, cards = frames.read_level15(tmp_path / packed["file"], region, "image", "uncertainty")
        left, bottom = (round(header[f"CRPIX{n}"] - cards[f"CRPIX{n}"]) for n in (1, 2))
        assert 5 < bottom < 110
        np.testing.assert_array_equal(uncertain, rounded[bottom:, left:][: part.shape[0], : part.shape[1]])
        if compression == "gzip":
            assert "ROUNDED" not in header
            np.testing.assert_array_equal(image, other)
            continue
        assert header["ROUNDED"] == pytest.approx(0.1 / (header["DEGCORR"] * header["EXPNORM"]))
        assert list(header["HISTORY"])[-1].startswith("compression: rounded to ")
        assert np.nanmax(np.abs(image - other)) <= 0.501 * header["ROUNDED"]
        # Rounding stays below a tenth of the noise, everywhere: photons make most of it where there are many.
        assert np.nanmax(np.abs(image - other) / sigma) < 0.1
        assert np.nanstd(image - other) < 0.04 * np.nanmin(sigma)


def test_regions_are_read_by_their_coordinates(made):
    result, folder = made
    path = folder.parent / result[0]["file"]
    whole, cards = frames.read_level15(path)
    x = [(20 + 1 - cards["CRPIX1"]) * 0.6, (49 + 1 - cards["CRPIX1"]) * 0.6]
    y = [(30 + 1 - cards["CRPIX2"]) * 0.6 - 0.2, (59 + 1 - cards["CRPIX2"]) * 0.6 + 0.2]
    part, header = frames.read_level15(path, {"x": x, "y": y})
    np.testing.assert_array_equal(part, whole[30:60, 20:50])
    assert (header["NAXIS1"], header["NAXIS2"]) == (30, 30)
    assert (header["CRPIX1"], header["CRPIX2"]) == (cards["CRPIX1"] - 20, cards["CRPIX2"] - 30)
    with pytest.raises(FrameError, match="lies outside the frame"):
        frames.read_level15(path, {"x": [2000, 2100], "y": y})


def test_a_frame_without_uncertainty_says_how_to_get_one(rows, sources, tmp_path):
    result = run(([rows[0][0]], rows[1]), tmp_path / "b", sources)
    with pytest.raises(FrameError, match=r"calibration\.uncertainty: true"):
        frames.read_level15(tmp_path / result[0]["file"], None, "uncertainty")


@pytest.mark.parametrize(("level1", "level15"), [
    ("aia.lev1_euv_12s.2021-07-03T142725Z.211.image_lev1.fits", "2021-07-03T142725Z.211.image_lev1.5.fits"),
    ("aia.lev1_euv_12s.2022-04-02T132011Z.304.image.fits", "2022-04-02T132011Z.304.image_lev1.5.fits"),
])  # fmt: skip
def test_level_15_files_are_named_after_their_level_1_files(level1, level15):
    assert level15_name(level1) == f"aia.lev1_euv_12s.{level15}"


def test_statistics_of_nothing_are_counts_alone():
    assert statistics(np.full((7, 5), np.nan, np.float32)) == {
        "TOTVALS": 35, "DATAVALS": 0, "MISSVALS": 35, "PERCENTD": 0.0,
    }  # fmt: skip


@given(st.integers(1, 60), st.integers(1, 40), st.integers(0, 999))
def test_statistics_agree_with_numpy(ny, nx, seed):
    rng = np.random.default_rng(seed)
    image = rng.normal(rng.uniform(-50, 500), 30, (ny, nx)).astype(np.float32)
    image[rng.random((ny, nx)) < 0.2] = np.nan
    valid = image[np.isfinite(image)].astype(float)
    found = statistics(image)
    assert found["DATAVALS"] == valid.size
    if valid.size:
        assert found["DATAMEAN"] == pytest.approx(valid.mean(), abs=1e-4)
        assert found["DATARMS"] == pytest.approx(valid.std(), abs=1e-3)
        assert (found["DATAMIN"], found["DATAMAX"]) == pytest.approx((valid.min(), valid.max()), rel=1e-8)
        for key, rank in (("DATAP01", 1), ("DATAMEDN", 50), ("DATAP99", 99)):
            assert found[key] == pytest.approx(np.percentile(valid, rank, method="inverted_cdf"), rel=1e-6)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="processes are looked up in Linux's /proc")
def test_a_killed_job_leaves_no_process_behind(rows, tmp_path):
    """The job is killed while its processes calibrate frames that will never be done."""
    script = (
        "import sys, time; from pathlib import Path\n"
        "from aia_sequence.calibration import block, worker\n"
        "from aia_sequence.calibration.job import CalibrationJob\n"
        "from aia_sequence.config.calibration import CalibrationOptions\n"
        "from aia_sequence.lists.manifests import LEVEL1\n"
        "worker.Worker._calibrate = lambda *_: print('calibrating', flush=True) or time.sleep(600)\n"
        "folder = Path(sys.argv[1])\n"
        "job = CalibrationJob(folder, folder, CalibrationOptions())\n"
        "block.calibrate_block(LEVEL1.read(folder / 'b.csv'), job, 2)\n"
    )
    LEVEL1.write(rows[1] / "b.csv", rows[0])
    with subprocess.Popen([sys.executable, "-c", script, str(rows[1])], stdout=subprocess.PIPE, text=True) as job:
        job.stdout.readline()
        workers = Path(f"/proc/{job.pid}/task/{job.pid}/children").read_text(encoding="ascii").split()
        assert workers
        job.kill()
        job.wait()
    for _ in range(300):
        if not any(Path(f"/proc/{worker}").exists() for worker in workers):
            return
        time.sleep(0.1)
    pytest.fail("processes of a killed job are still there")


@pytest.mark.slow
def test_the_whole_chain_gives_what_aiapys_own_gives(tmp_path):
    """A full-disk frame through the block's code, and through the loop of aiapy's documentation."""
    (tmp_path / "b").mkdir()
    image, cards = counts((4096, 4096)), header(exposure=0.6, x=0, y=0)
    write(tmp_path / "a.image_lev1.fits", image, cards)
    frozen = freeze_tables(tmp_path / "tables")
    path = tmp_path / "a.image_lev1.fits"
    row = {key: cards[key] for key in ("T_REC", "T_OBS", "WAVELNTH", "EXPTIME", "QUALITY")}
    row |= {"file": path.name, "record": "r", "reason": "", "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    (made,) = run(([row], tmp_path), tmp_path / "b", frozen, uncertainty=True)
    ours, new = frames.read_level15(tmp_path / made["file"])

    meta = {key.lower(): value for key, value in cards.items() if value is not None}
    smap = sunpy.map.sources.AIAMap(image.astype(np.float32), meta)
    smap = update_pointing(smap, pointing_table=tables.thaw(frozen["pointing"]))
    smap = register(smap, missing=np.nan, order=3, method="scipy")
    smap = correct_degradation(smap, correction_table=tables.thaw(frozen["degradation"])) / smap.exposure_time
    shift = [int(new[f"CRPIX{n}"] - smap.meta[f"crpix{n}"]) for n in (1, 2)]
    same = ours[shift[1] : shift[1] + smap.data.shape[0], shift[0] : shift[0] + smap.data.shape[1]]
    divided = new["DEGCORR"] * new["EXPNORM"]
    same = np.clip(same, image.min() / divided, image.max() / divided)  # as sunpy cuts, and we do not
    inside = (slice(20, -20), slice(20, -20))
    both = np.isfinite(same[inside]) & np.isfinite(smap.data[inside])
    assert both.mean() > 0.98
    largest = np.abs(same[inside] - smap.data[inside])[both].max()
    assert largest < 1e-5 * np.percentile(smap.data[inside][both], 99)
    assert str(smap.unit) == new["BUNIT"]
    (alone,) = sunpy.map.Map(f"{tmp_path}/b/*.fits", sequence=True)
    assert alone.data.shape == (4096, 4096)
    if shutil.which("fitsverify"):
        judged = subprocess.run(["fitsverify", tmp_path / made["file"]], capture_output=True, text=True, check=False)
        assert "0 warning(s) and 0 error(s)" in judged.stdout


def test_a_frame_that_the_disk_does_not_take_is_no_result(rows, sources, tmp_path, monkeypatch):
    def full(path):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(worker, "flush_to_disk", full)
    with pytest.raises(ProductError, match=r"lev1\.5\.fits: there is no space left on the disk; make room"):
        run(rows, tmp_path / "b", sources, on_bad_frame="skip")


@pytest.mark.parametrize("made", list(itertools.product([True, False], repeat=3)))
def test_the_audit_names_each_correction_that_was_not_made_and_no_other(rows, sources, tmp_path, made):
    """From the manifest as it is written and the headers as they are: nothing between the two is made up here."""
    options = dict(zip(("pointing", "degradation", "exposure"), made, strict=True))
    result = run(rows, tmp_path / "level1.5" / "211" / "b", sources, **options)
    LEVEL15.write(tmp_path / "level1.5" / "211" / "b.csv", result)
    listed = LEVEL15.texts([tmp_path / "level1.5" / "211" / "b.csv"])
    table = listed.assign(**{"level1.5": listed["file"]})
    said = remarks.about_corrections(table.assign(**remarks.read_headers(table, tmp_path)), 211)
    words = {
        "pointing": "with the pointing of their own headers, which no table has updated",
        "degradation": "not corrected for the degradation",
        "exposure": "not corrected for the exposure time",
    }
    wanted = {f"4 frames of 4 {words[name]}." for name, done in options.items() if not done}
    assert {note.text for note in said if note.kind == "not corrected"} == wanted
