"""A block's level-1 frames: verified, linked to the cache, named in a manifest, and quarantined if they stay wrong."""

import json
import multiprocessing
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from small_archive import flare_request, place, settings_of, small_archive

from aia_sequence.acquisition import steps
from aia_sequence.archive.retries import Patience
from aia_sequence.config.cutouts import im_patch
from aia_sequence.errors import ArchiveError
from aia_sequence.files import sha256
from aia_sequence.lists.manifests import LEVEL1
from aia_sequence.times import read_time
from synthetic_jsoc.holdings.store import count_fetches, read_log

BAD = "*2021-07-03T142749Z*"


def acquire(folder, archive, wanted, **options):
    """Request and download a wanted; the manifest."""
    archive = replace(archive, patience=Patience(attempts=3, first=0.01, longest=0.02))
    settings = settings_of(folder, **options)
    _, delivery = steps.request(archive, wanted, settings)
    steps.download(archive, wanted, delivery, place(folder), settings)
    return listed(folder)


def listed(folder):
    """What the manifest in a folder says."""
    return LEVEL1.frame(place(folder).manifest)


def test_the_manifest_names_every_frame_with_its_record_and_hash(tmp_path):
    with small_archive(tmp_path / "state") as archive:
        wanted = flare_request(archive)
        manifest = acquire(tmp_path, archive, wanted)
    assert list(manifest.columns) == LEVEL1.names(["archive"])
    assert list(manifest["record"]) == list(wanted.kept["record"])
    assert list(manifest["EXPTIME"]) == list(wanted.kept["EXPTIME"])
    for row in manifest.itertuples():
        path = place(tmp_path).manifest.parent / row.file
        assert (path.stat().st_size, sha256(path)) == (row.bytes, row.sha256)
        assert fits.getheader(path, 1)["T_OBS"].startswith(row.T_OBS[:22])
    assert manifest["request"].str.startswith("JSOC_20210703_").all()
    assert not list(tmp_path.rglob("*.arriving"))
    assert not (tmp_path / "quarantine").exists()


def test_a_block_without_records_is_an_empty_result(tmp_path):
    with small_archive(tmp_path / "state") as archive:
        manifest = acquire(tmp_path, archive, flare_request(archive, where={"EXPTIME": "< 0.01"}))
    assert manifest.empty
    assert place(tmp_path).manifest.read_text() == ",".join(LEVEL1.names(["archive"])) + "\n"
    assert list(place(tmp_path).frames.iterdir()) == []


def test_the_same_block_is_the_same_bytes_fetched_or_cached(tmp_path):
    with small_archive(tmp_path / "state") as archive:
        wanted = flare_request(archive)
        acquire(tmp_path, archive, wanted)
        first = place(tmp_path).manifest.read_bytes()
        acquire(tmp_path, archive, wanted)
    assert place(tmp_path).manifest.read_bytes() == first


def test_spikes_come_beside_the_images(tmp_path):
    with small_archive(tmp_path / "state") as archive:
        manifest = acquire(tmp_path, archive, flare_request(archive, segments=("image", "spikes")))
    folder = place(tmp_path).manifest.parent
    assert list(manifest.columns) == LEVEL1.names(["spikes", "spikes_sha256", "archive"])
    for row in manifest.itertuples():
        assert row.spikes_sha256 == sha256(folder / row.spikes)
        assert fits.getheader(folder / row.file, 1)["DRMS_ID"].endswith(":image")
        assert fits.getheader(folder / row.spikes, 1)["DRMS_ID"].endswith(":spikes")


def test_a_frame_that_stays_wrong_is_quarantined_with_the_reason_and_fails_the_block(tmp_path):
    with small_archive(tmp_path / "state", [{"mode": "corrupt", "file": BAD}]) as archive:
        wanted = flare_request(archive)
        with pytest.raises(ArchiveError, match=r"1 of 20 frames could not be fetched:\n.*\[2021-07-03T14:27:47Z\]"):
            acquire(tmp_path, archive, wanted)
    (name,) = [path.name for path in place(tmp_path).quarantine.glob("*.fits")]
    assert "142749Z" in name
    reason = (place(tmp_path).quarantine / f"{name}.reason.txt").read_text()
    assert reason.startswith("aia.lev1_euv_12s[2021-07-03T14:27:47Z][211]: ")
    assert "damaged" in reason
    assert not place(tmp_path).manifest.exists()
    with small_archive(tmp_path / "state") as archive:
        manifest = acquire(tmp_path, archive, wanted)
    assert (manifest["reason"] == "").all()
    assert not (tmp_path / "quarantine").exists()


def test_with_skip_the_block_goes_on_and_says_which_frame_is_missing(tmp_path):
    with small_archive(tmp_path / "state", [{"mode": "html-as-fits", "file": BAD}]) as archive:
        manifest = acquire(tmp_path, archive, flare_request(archive), on_missing="skip")
    (lost,) = manifest[manifest["reason"] != ""].to_dict("records")
    assert lost["record"] == "aia.lev1_euv_12s[2021-07-03T14:27:47Z][211]"
    assert "web page" in lost["reason"]
    assert (lost["file"], lost["sha256"]) == ("", "")
    assert (manifest["reason"] == "").sum() == 19
    assert len(list(place(tmp_path).frames.glob("*.fits"))) == 19


def test_an_image_whose_spikes_do_not_come_is_not_left_among_the_results(tmp_path):
    with small_archive(tmp_path / "state", [{"mode": "corrupt", "file": BAD.replace("Z*", "Z*spikes*")}]) as archive:
        wanted = flare_request(archive, segments=("image", "spikes"))
        manifest = acquire(tmp_path, archive, wanted, on_missing="skip")
    assert (manifest["reason"] != "").sum() == 1
    named = {Path(name).name for column in ("file", "spikes") for name in manifest[column] if name}
    assert {path.name for path in place(tmp_path).frames.iterdir()} == named
    assert len(named) == 38


@pytest.mark.parametrize("on_missing", ["fail", "skip"])
def test_an_image_without_its_spikes_is_a_frame_that_could_not_be_fetched(tmp_path, monkeypatch, on_missing):
    """An archive that exports images alone, as it does of cutouts, whatever segments are asked for."""
    obtain = steps.obtain

    def without_spikes(*arguments):
        delivery = obtain(*arguments)
        delivery.files = [file for file in delivery.files if file.segment == "image"]
        return delivery

    monkeypatch.setattr(steps, "obtain", without_spikes)
    with small_archive(tmp_path / "state") as archive:
        wanted = flare_request(archive, segments=("image", "spikes"))
        if on_missing == "fail":
            with pytest.raises(
                ArchiveError, match=r"20 of 20 frames could not be fetched:\n.*did not deliver every seg"
            ):
                acquire(tmp_path, archive, wanted)
            assert not place(tmp_path).manifest.exists()
        else:
            manifest = acquire(tmp_path, archive, wanted, on_missing=on_missing)
            assert set(manifest["reason"]) == {"the archive did not deliver every segment of it"}
    assert list(place(tmp_path).frames.iterdir()) == []


def test_a_frame_of_another_record_under_the_right_name_is_refused(tmp_path):
    with small_archive(tmp_path / "state") as archive:
        wanted = flare_request(archive)
        settings = settings_of(tmp_path)
        _, delivery = steps.request(archive, wanted, settings)
        one, two = delivery.files[:2]
        delivery.files[:2] = replace(one, url=two.url), replace(two, url=one.url)
        quick = replace(archive, patience=Patience(attempts=2, first=0.01))
        with pytest.raises(ArchiveError, match=r"2 of 20 frames[^\n]*\n[^\n]* is not of aia.lev1_euv_12s.*T_REC is"):
            steps.download(quick, wanted, delivery, place(tmp_path), settings)
    assert len(list((tmp_path / "cache" / "records").rglob("*.json"))) == 18


@pytest.mark.parametrize("poison", ["another record's file", "another record's name", "a name that leads away"])
def test_a_cache_entry_that_names_the_wrong_file_is_not_used_and_the_frame_is_fetched(tmp_path, poison, caplog):
    """Hashes and sizes are right, so that only the file's own header, or its name, tells."""
    with small_archive(tmp_path / "state") as archive:
        wanted = flare_request(archive)
        first = acquire(tmp_path, archive, wanted)
        one, two = sorted((tmp_path / "cache" / "records").rglob("*.json"))[3:5]
        wrong, right = (json.loads(path.read_text()) for path in (one, two))
        if poison == "another record's file":
            wrong |= {key: right[key] for key in ("filename", "bytes", "sha256")}
        else:
            wrong["filename"] = right["filename"] if poison == "another record's name" else "../../away.fits"
        one.write_text(json.dumps(wrong))
        second = acquire(tmp_path, archive, wanted)
    # The archive's second export of it is another request; what it holds is the same.
    assert (second["reason"] == "").all()
    assert list(second["record"]) == list(first["record"])
    assert list(second["file"]) == list(first["file"])
    for row in second.itertuples():
        assert fits.getheader(place(tmp_path).manifest.parent / row.file, 1)["T_OBS"].startswith(row.T_OBS[:22])
    assert "fetched again" in caplog.text


def test_a_cached_frame_that_vanished_since_the_request_is_asked_for_again(tmp_path):
    with small_archive(tmp_path / "state") as archive:
        wanted = flare_request(archive)
        acquire(tmp_path, archive, wanted)
        settings = settings_of(tmp_path)
        cached, delivery = steps.request(archive, wanted, settings)
        assert (len(cached), delivery.files) == (20, [])
        next((settings.cache.root / "objects").rglob("*.fits")).unlink()
        steps.download(archive, wanted, delivery, place(tmp_path), settings)
    assert (listed(tmp_path)["reason"] == "").sum() == 20


def test_what_an_interrupted_transfer_left_whole_is_not_fetched_again(tmp_path):
    with small_archive(tmp_path / "state") as archive:
        wanted = flare_request(archive)
        settings = settings_of(tmp_path)
        _, delivery = steps.request(archive, wanted, settings)
        arriving = place(tmp_path).frames.with_name(f".{place(tmp_path).frames.name}.arriving")
        arriving.mkdir(parents=True)
        acquire(tmp_path / "elsewhere", archive, wanted)
        fetched = sorted(place(tmp_path / "elsewhere").frames.glob("*.fits"))
        whole, part = fetched[0], fetched[1]
        (arriving / whole.name).write_bytes(whole.read_bytes())
        (arriving / part.name).write_bytes(part.read_bytes()[:-100])
        before = count_fetches(tmp_path / "state")
        steps.download(archive, wanted, delivery, place(tmp_path), settings)
        after = count_fetches(tmp_path / "state") - before
    assert sum(after.values()) == 19
    assert not [path for path in after if path.endswith(whole.name)]


def test_the_results_share_their_bytes_with_the_cache(tmp_path):
    with small_archive(tmp_path / "state") as archive:
        acquire(tmp_path, archive, flare_request(archive))
    objects = {path.stat().st_ino for path in (tmp_path / "cache" / "objects").rglob("*.fits")}
    frames = {path.stat().st_ino for path in place(tmp_path).frames.glob("*.fits")}
    assert frames == objects


def test_direct_files_say_what_exported_ones_say(tmp_path):
    headers = {}
    with small_archive(tmp_path / "state") as archive:
        for method in ("url", "direct"):
            manifest = acquire(tmp_path / method, archive, flare_request(archive, method=method))
            folder = place(tmp_path / method).manifest.parent
            with fits.open(folder / manifest["file"][3]) as hdus:
                headers[method] = hdus[1].header, np.array(hdus[1].data), Path(manifest["file"][3]).name
    (exported, pixels, name), (filled, same, direct_name) = headers["url"], headers["direct"]
    assert direct_name == name
    np.testing.assert_array_equal(pixels, same)
    missing = [key for key in exported if key not in filled]
    assert missing == []
    different = {
        key: (value, filled[key])
        for key, value in exported.items()
        if key not in ("COMMENT", "HISTORY") and str(value) != str(filled[key])
    }
    assert different == {}
    assert filled["SYNTH"] is True


def test_a_cutout_is_asked_for_by_its_middle_and_size_with_a_margin_for_level_15():
    (arguments,) = im_patch({"x": [650, 1050], "y": [150, 550]}, read_time("2021-07-03T14:25:00Z")).values()
    assert (arguments["x"], arguments["y"]) == ("850", "350")
    assert arguments["width"] == arguments["height"] == "433"
    assert arguments["t"] == "1"
    assert arguments["t_ref"] == "2021-07-03T14:25:00"


@pytest.mark.slow
def test_a_cutout_is_fetched_and_kept_apart_from_the_full_disk(tmp_path):
    from aia_sequence.archive.client import open_archive

    region = im_patch({"x": [650, 1050], "y": [150, 550]}, read_time("2021-07-03T14:25:00Z"))
    with open_archive("synthetic", tmp_path / "state") as archive:
        wanted = flare_request(archive, where={"T_REC": "= 2021-07-03T14:28:35Z"}, processing=region)
        manifest = acquire(tmp_path, archive, wanted)
    ((row),) = manifest.itertuples()
    with fits.open(place(tmp_path).manifest.parent / row.file) as hdus:
        assert hdus[1].header["NAXIS1"] == pytest.approx(433 / 0.6, abs=5)
        assert hdus[1].header["DRMS_ID"].startswith("aia.lev1_euv_12s_mod:")
    (entry,) = (tmp_path / "cache" / "records").rglob("*.json")
    assert "im_patch" in entry.name


@pytest.fixture
def processes(monkeypatch):
    """Makes processes of their own, forked from one that has imported what they need."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["small_archive", "test_level1"])
    return context


def run_workflow(folder, shared, state):
    """Acquire the worked example into a folder of its own, through the shared cache."""
    folder.mkdir()
    (folder / "cache").symlink_to(shared, target_is_directory=True)
    with small_archive(state) as archive:
        os._exit(0 if len(acquire(folder, archive, flare_request(archive))) == 20 else 1)


def test_two_workflows_fill_one_cache_at_once(tmp_path, processes):
    shared, state = tmp_path / "shared", tmp_path / "state"
    shared.mkdir()
    folders = [tmp_path / f"run{number}" for number in range(2)]
    workers = [processes.Process(target=run_workflow, args=(folder, shared, state)) for folder in folders]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    one, two = map(listed, folders)
    # Which request brought a frame depends on which of the two was the first to need it.
    assert one.drop(columns="request").equals(two.drop(columns="request"))
    objects = {sha256(path) for path in (shared / "objects").rglob("*.fits")}
    assert set(one["sha256"]) == objects


GUEST = """
import sys
from pathlib import Path
from test_level1 import acquire, flare_request, small_archive
folder = Path(sys.argv[1])
with small_archive(folder / "state") as archive:
    acquire(folder, archive, flare_request(archive))
"""


def test_a_group_reads_a_cache_that_only_its_owner_can_write_to(tmp_path):
    shared, owner, guest = (tmp_path / name for name in ("shared", "owner", "guest"))
    for folder in (shared, owner, guest):
        folder.mkdir()
    for folder in (owner, guest):
        (folder / "cache").symlink_to(shared, target_is_directory=True)
    with small_archive(tmp_path / "state") as archive:
        manifest = acquire(owner, archive, flare_request(archive))
    next((shared / "records").rglob("*.json")).unlink()
    held = {path.relative_to(shared) for path in shared.rglob("*")}
    folders = [path for path in (shared, *shared.rglob("*")) if path.is_dir()]
    for path in folders:
        path.chmod(0o555)
    command = [sys.executable, "-c", GUEST, str(guest)]
    if os.geteuid() == 0:  # the administrator may write everywhere, unless the right to is given away
        command = ["setpriv", "--bounding-set", "-dac_override", *command]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    for path in folders:
        path.chmod(0o755)
    assert done.returncode == 0, done.stderr
    assert {path.relative_to(shared) for path in shared.rglob("*")} == held
    assert sum(count_fetches(guest / "state").values()) == 1
    found = listed(guest)
    assert found.drop(columns="request").equals(manifest.drop(columns="request"))


@pytest.mark.slow
def test_a_job_killed_in_the_middle_of_its_transfers_fetches_no_verified_frame_again(tmp_path, processes):
    shared, state = tmp_path / "shared", tmp_path / "state"
    shared.mkdir()
    fetched, known = [], set()
    for enough in (2, 7, 13, 99):
        folder = tmp_path / f"until{enough}"
        worker = processes.Process(target=run_workflow, args=(folder, shared, state))
        worker.start()
        while worker.is_alive() and len(list((shared / "records").rglob("*.json"))) < enough:
            worker.join(0.002)
        worker.kill()
        worker.join()
        log = [entry for entry in read_log(state) if entry["op"] == "file"][len(fetched) :]
        assert not [entry for entry in log if clock_of(entry["record"]) in known]
        fetched += log
        known = {path.name.split(".")[0] for path in (shared / "records").rglob("*.json")}
        assert len(known) >= min(enough, 20)
    assert worker.exitcode == 0
    with small_archive(tmp_path / "other") as archive:
        undisturbed = acquire(tmp_path, archive, flare_request(archive))
    assert listed(folder)["sha256"].equals(undisturbed["sha256"])


def clock_of(record):
    """Clock time of a record's slot, as the cache's entries begin with it."""
    return record.split("T")[1].split("Z")[0].replace(":", "") + "Z"


def test_a_manifest_reads_back_as_it_was_written(tmp_path):
    rows = [
        {"record": "b", "T_REC": "2021-07-03T14:27:35Z", "T_OBS": "", "WAVELNTH": 211, "QUALITY": 2**31, "reason": "x"},
        {
            "file": "b/a.fits",
            "record": "a",
            "T_REC": "2021-07-03T14:27:23Z",
            "T_OBS": "2021-07-03T14:27:25.09Z",
            "WAVELNTH": 211,
            "EXPTIME": 0.578715,
            "QUALITY": 0,
            "bytes": 7,
            "sha256": "f" * 64,
            "request": "JSOC_1",
            "reason": "",
        },
    ]
    LEVEL1.write(tmp_path / "m.csv", rows)
    arrived, lost = LEVEL1.read(tmp_path / "m.csv")
    assert arrived == rows[1]
    assert lost == dict.fromkeys(LEVEL1.names(), "") | {"EXPTIME": None, "bytes": None} | rows[0]
