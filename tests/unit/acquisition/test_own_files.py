"""Frames that are files at hand: an archive of their own, which refuses what is no level-1 frame for what it is."""

import csv
import gzip
import os
import re
import shutil
import socket
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st
from level1_frames import counts, freeze_tables, header, put, write
from stages import Event
from test_real_frames import jp2_frame

from aia_sequence.acquisition import file_list, places
from aia_sequence.acquisition.cache import Cache
from aia_sequence.acquisition.file_rows import row_of
from aia_sequence.acquisition.journal import Journal
from aia_sequence.acquisition.own_files import OwnFiles
from aia_sequence.acquisition.request import AcquisitionSettings, FrameRequest, Place
from aia_sequence.acquisition.selection import select_records
from aia_sequence.calibration.block import calibrate_block
from aia_sequence.calibration.job import CalibrationJob
from aia_sequence.config import conditions
from aia_sequence.config.calibration import CalibrationOptions
from aia_sequence.config.settings import load
from aia_sequence.errors import ArchiveError, ConfigError
from aia_sequence.files import sha256
from aia_sequence.lists.manifests import LEVEL1
from aia_sequence.lists.own_files import FILES
from aia_sequence.times import iso, read_time

SERIES = "aia.lev1_euv_12s"
SPAN = ["2021-07-03T14:00:11Z", "2021-07-03T14:59:59Z"]
ALWAYS = ["1900-01-01T00:00:00Z", "2100-01-01T00:00:00Z"]


def frame(path, number=0, image=None, compressed=True, **changes):
    """A small level-1 file, as an export writes it but for what is changed; a None leaves a keyword out."""
    cards = header(number)
    cards.update({"FSN": 1000 + number, "CAMERA": 2, "DATAMEAN": 1.5})
    cards["DRMS_ID"] = f"{SERIES}:{5000 + number}:image"
    for key, value in changes.items():
        if value is None:
            del cards[key.replace("_OF_", "-")]
        else:
            cards[key.replace("_OF_", "-")] = value
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    write(path, counts((24, 30), number) if image is None else image, cards, compressed)
    return Path(path)


def source(folder, *places):
    """The files of places, as the workflow opens them."""
    table = folder / "files.csv"
    FILES.write(table, file_list.listed(map(str, places), table))
    return OwnFiles(table)


def kept(archive, where=None, segments=("image",), span=SPAN, channel=211):
    """What is wanted of a block, after the proof."""
    asked = {"series": SERIES, "channel": channel, "span": span, "where": where or {}, "segments": list(segments)}
    extra = conditions.extra_keywords(conditions.compile_where(where))
    marked, _ = select_records(archive, archive.block(SERIES, *span, extra), **asked)
    return FrameRequest(SERIES, marked[marked["kept"]].reset_index(drop=True), (), tuple(segments))


def bring(archive, wanted, folder, **options):
    """Level 1 of a block: rows of its manifest."""
    settings = AcquisitionSettings(Cache(folder / "cache"), Journal(folder / "journal"), **options)
    place = Place(folder / "level1" / "b", folder / "level1" / "b.csv", folder / "quarantine")
    cached, delivery = archive.request(wanted, settings)
    assert cached == []
    archive.download(wanted, delivery, place, settings)
    return LEVEL1.read(place.manifest)


# The worked example as cut-outs: exported, then calibrated from the files alone.

ENTRY = {
    "name": "flare",
    "start": "2021-07-03T14:27:20Z",
    "end": "2021-07-03T14:27:34Z",
    "channels": [211],
    "where": {"EXPTIME": "< 2.0", "QUALITY": "= 0"},
    "cutout": True,
    "region": {"x": [780, 840], "y": [290, 350]},
}


def audited(event):
    with open(event.folder / "audit.csv", newline="", encoding="utf-8") as file:
        return {row["record"]: row for row in csv.DictReader(file) if row["outcome"] == "calibrated"}


@pytest.mark.slow
def test_frames_that_an_archive_has_exported_become_the_same_level_15_from_the_files_alone(root, tmp_path, monkeypatch):
    exported = Event(root, tmp_path / "archive", ENTRY)
    exported.level15()
    exported.audit()
    own = tmp_path / "own"
    shutil.copytree(exported.folder / "level1" / "211" / "20210703T1400", own / "frames")
    (own / "tables").mkdir()
    for path in (*exported.lists["pointing"], *exported.lists["degradation"]):
        shutil.copy(path, own / "tables")
    for number, path in enumerate(sorted((own / "frames").iterdir())):
        path.rename(path.with_name(f"my frame {number}.fits"))  # names do not matter

    def no_network(*_, **__):
        raise OSError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    at_hand = {"archive": "files", "files": [str(own / "frames")], "tables": str(own / "tables")}
    event = Event(root, tmp_path / "files", ENTRY, **at_hand)
    event.level15()
    event.audit()

    ours, theirs = audited(event), audited(exported)
    assert list(ours) == list(theirs)
    assert len(ours) > 0
    names = {"request", "archive", "level1", "level1.5", "level1.5_sha256", "DATAMEAN"}  # of a cut-out, its own mean
    for record, row in ours.items():
        assert {key for key in row if row[key] != theirs[record][key]} <= names
        assert (row["archive"], theirs[record]["archive"]) == ("files", "synthetic")
        paths = [
            one.folder / "level1.5" / "211" / found["level1.5"]
            for one, found in ((event, row), (exported, theirs[record]))
        ]
        with fits.open(paths[0]) as one, fits.open(paths[1]) as other:
            np.testing.assert_array_equal(one[0].data, other[0].data)
            assert one[0].header["L1ARCHIV"] == "files"
            different = {
                key for key in {*one[0].header, *other[0].header} if one[0].header.get(key) != other[0].header.get(key)
            }
            assert different <= {"L1ARCHIV", "L1FILE", "L1REQ", "CHECKSUM"}
    page = (event.folder / "audit.html").read_text(encoding="utf-8")
    assert "Synthetic data" in page
    assert f"<code>files</code> ({len(ours)})" in page


# What a file is

REASONS = {
    "level-1.5": ({"LVL_NUM": 1.5}, "LVL_NUM is 1.5"),
    "synoptic": ({"LVL_NUM": 1.5, "CDELT1": 2.4, "CDELT2": 2.4}, "a synoptic frame (30 x 24 pixels of 2.4 arcsec)"),
    "of HMI": ({"TELESCOP": "SDO/HMI", "INSTRUME": "HMI_SIDE1", "WAVELNTH": 6173.0}, "it is of HMI_SIDE1, not of AIA"),
    "of SUVI": ({"TELESCOP": "GOES-16", "INSTRUME": "SUVI"}, "it is of SUVI, not of AIA"),
    "rewritten by IDL": ({"LVL_NUM": 0.5, "HISTORY": "read_sdo VERSION:  2.10"}, "written anew by IDL (read_sdo)"),
    "another channel": ({"WAVELNTH": 195}, "WAVELNTH is 195; AIA has no such channel"),
    "without quality": ({"QUALITY": None}, "QUALITY missing in its header"),
    "without a time": ({"T_OBS": None}, "T_OBS missing in its header"),
    "a time that is none": ({"T_OBS": "yesterday"}, "T_OBS is 'yesterday', which is no time"),
    "between slots": ({"T_REC": "2021-07-03T14:27:28Z"}, "which is no slot of aia.lev1_euv_12s"),
    "normalised": ({"PIXLUNIT": "DN/s"}, "normalised already"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REASONS)
def test_a_file_is_refused_for_what_it_is(tmp_path, kind):
    changes, reason = REASONS[kind]
    assert reason in row_of(str(frame(tmp_path / "a.fits", **changes)))["reason"]


def test_a_file_as_it_lies_in_the_archive_is_refused_with_the_way_out(tmp_path):
    write(tmp_path / "image_lev1.fits", counts((8, 8)), fits.Header())
    assert "export: {method: direct}" in row_of(str(tmp_path / "image_lev1.fits"))["reason"]


BYTES = {
    "empty": (b"", "it is empty"),
    "a web page": (b"<html>busy</html>", "it is a web page"),
    "a picture": (b"\x00\x00\x00\x0cjP  \r\n\x87\nwhatever", "JPEG 2000"),
    "cut in its header": (b"SIMPLE  =                    T".ljust(80) + b"BITPIX", "it is damaged"),
    "cut where it is packed": (gzip.compress(b"SIMPLE  =" + bytes(9000))[:40], "it is damaged"),
}


@pytest.mark.parametrize("kind", BYTES)
def test_what_is_no_fits_file_is_refused_in_a_line(tmp_path, kind):
    content, reason = BYTES[kind]
    (tmp_path / "a.fits").write_bytes(content)
    found = row_of(str(tmp_path / "a.fits"))["reason"]
    assert reason in found
    assert "\n" not in found


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("keyword", ["DRMS_ID", "T_REC", "WAVELNTH", "LVL_NUM", "CRPIX1", "EXPNORM"])
def test_a_value_that_fits_does_not_know_is_no_value_or_refuses_its_file(tmp_path, keyword, compressed):
    """T_REC follows from T_OBS where it has none."""
    path = frame(tmp_path / "a.fits", compressed=compressed, **{"EXPNORM": 1.0} if keyword == "EXPNORM" else {})
    put(path, keyword, "2021-07-03 no text")
    found = row_of(str(path))["reason"]
    assert (keyword in found) == (keyword != "T_REC")
    assert "\n" not in found


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.fits")
    assert "cannot be read" in row_of(str(tmp_path / "a.fits"))["reason"]


def test_a_header_says_what_a_query_would(tmp_path):
    row = row_of(str(frame(tmp_path / "a.fits", 3)))
    assert row["reason"] == ""
    assert (row["series"], row["segment"], row["recnum"]) == (SERIES, "image", 5003)
    assert (row["T_REC"], row["T_OBS"], row["DATE__OBS"]) == (
        "2021-07-03T14:27:59Z", "2021-07-03T14:28:01.09Z", "2021-07-03T14:28:00.09Z",
    )  # fmt: skip
    assert (row["WAVELNTH"], row["EXPTIME"], row["QUALITY"], row["FSN"]) == (211, 2.0, 0, 1003)


@pytest.mark.parametrize("seconds", [0.3, 5.84, 11.9])
@pytest.mark.parametrize("series", ["aia.lev1", "aia.lev1_nrt2"])
@pytest.mark.parametrize("step", [{}, {"TRECSTEP": 1.0}])
def test_a_frame_of_aia_lev1_lies_in_the_slot_that_the_cadence_series_gives_it(tmp_path, seconds, series, step):
    """The cadence series has a frame in the slot that begins at T_OBS or before; T_REC of aia.lev1 is T_OBS itself."""
    t_obs = read_time("2021-07-03T14:24:59Z") + seconds
    cards = {"T_OBS": iso(t_obs, 2), "T_REC": iso(t_obs), "DRMS_ID": f"{series}:77:image_lev1", **step}
    row = row_of(str(frame(tmp_path / "a.fits", **cards)))
    assert (row["T_REC"], row["recnum"], row["reason"]) == ("2021-07-03T14:24:59Z", None, "")
    assert row["segment"] == "image"


def test_a_cutout_has_the_record_that_it_was_cut_out_of(tmp_path):
    row = row_of(str(frame(tmp_path / "a.fits", DRMS_ID=f"{SERIES}_mod:12:image")))
    assert (row["series"], row["recnum"]) == (SERIES, None)


# Which files


def test_paths_patterns_and_folders_lead_to_files_whatever_their_names(tmp_path):
    names = ["a/x.fits", "a/deep/Y.FTS.GZ", "a/.hidden.fits", "a/notes.txt", "b/no-ending", "c/1.fits", "c/2.fits"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    named = [
        str(tmp_path / "a"),
        str(tmp_path / "b" / "no-ending"),
        str(tmp_path / "c" / "[2-9].fits"),
        str(tmp_path / "a" / "x.fits"),
    ]
    found = [str(Path(path).relative_to(tmp_path)) for path in places.find(named)]
    assert found == ["a/deep/Y.FTS.GZ", "a/x.fits", "b/no-ending", "c/2.fits"]


def test_a_folder_that_a_link_leads_to_is_searched_once_wherever_links_lead(tmp_path):
    (tmp_path / "disk" / "2021").mkdir(parents=True)
    (tmp_path / "disk" / "2021" / "x.fits").touch()
    (tmp_path / "aia").mkdir()
    (tmp_path / "aia" / "2021").symlink_to(tmp_path / "disk" / "2021")
    (tmp_path / "disk" / "2021" / "up").symlink_to(tmp_path / "aia")
    (tmp_path / "aia" / "again").symlink_to(tmp_path / "disk" / "2021")
    assert places.find([str(tmp_path / "aia")]) == [str(tmp_path / "aia" / "2021" / "x.fits")]


@pytest.mark.parametrize("pattern", ["frames [2021]/*.fits", "frames [[]2021]/*.fits", "frames [2021]", "*[[]*/**"])
def test_brackets_of_a_name_can_stand_in_a_pattern(tmp_path, pattern):
    (tmp_path / "frames [2021]").mkdir()
    (tmp_path / "frames [2021]" / "x.fits").touch()
    assert places.find([str(tmp_path / pattern)]) == [str(tmp_path / "frames [2021]" / "x.fits")]


def test_a_folder_that_cannot_be_listed_is_told(tmp_path, monkeypatch, caplog):
    frame(tmp_path / "aia" / "x.fits")
    (tmp_path / "aia" / "locked").mkdir()
    scan = os.scandir

    def refusing(path):
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert len(file_list.listed([str(tmp_path / "aia")], tmp_path / "files.csv")) == 1
    assert re.search(r"a folder is left out: .*Permission denied.*locked", caplog.text)


@pytest.mark.parametrize("name", [b"caf\xe9.fits", b"new\nline.fits", b"return\r.fits", b"\x1b[31m.fits"])
def test_a_file_whose_name_is_no_line_of_text_is_refused_for_that(tmp_path, name):
    frame(tmp_path / "x.fits")
    shutil.copyfile(tmp_path / "x.fits", os.path.join(os.fsencode(tmp_path), name))
    rows = file_list.listed([str(tmp_path)], tmp_path / "files.csv")
    FILES.write(tmp_path / "files.csv", rows)
    assert sorted(row["reason"] for row in FILES.read(tmp_path / "files.csv")) == [
        "",
        "its name has characters that no list can hold; rename it",
    ]
    assert all(row["file"].isprintable() for row in rows)


def test_places_without_a_file_are_all_named_with_what_is_there_instead(tmp_path):
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "draft.tex").touch()
    with pytest.raises(ConfigError) as caught:
        places.find([str(tmp_path / "papers"), str(tmp_path / "nowhere"), str(tmp_path / "*.fits")])
    papers, nowhere, pattern = str(caught.value).splitlines()
    assert "no FITS file (.fits, .fit, .fts, also with .gz or .fz)" in papers
    assert "draft.tex" in papers
    assert "there is nothing of that name" in nowhere
    assert "nothing fits the pattern" in pattern


def test_a_folder_of_which_nothing_can_be_used_is_refused_with_the_reasons(tmp_path):
    for number in range(3):
        frame(tmp_path / f"{number}.fits", number, LVL_NUM=1.5)
    (tmp_path / "broken.fits").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"none of 4 files can be used:\n  3 × it is finished.*\n  1 × it is no FITS"):
        file_list.listed([str(tmp_path)], tmp_path / "files.csv")


def test_a_mix_of_instruments_and_cadences_loses_nothing(tmp_path):
    """Frames of AIA are taken, each into its series; of all others the list says what they are."""
    for number in range(4):
        frame(tmp_path / "mix" / f"euv{number}.fits", number)
        frame(tmp_path / "mix" / f"hmi{number}.fits", number, TELESCOP="SDO/HMI", INSTRUME="HMI_SIDE1")
    for number in range(2):
        t_rec = iso(read_time("2021-07-03T14:27:23Z") // 24 * 24 + 24 * number)
        frame(
            tmp_path / "mix" / f"uv{number}.fits", T_REC=t_rec, T_OBS=t_rec, WAVELNTH=1600,
            DRMS_ID=f"aia.lev1_uv_24s:{number}:image",
        )  # fmt: skip
    (tmp_path / "mix" / "unreadable.fits").symlink_to(tmp_path / "gone.fits")
    archive = source(tmp_path, tmp_path / "mix")
    assert list(archive.block(SERIES, *SPAN)["WAVELNTH"]) == [211] * 4
    assert list(archive.block("aia.lev1_uv_24s", *SPAN)["WAVELNTH"]) == [1600] * 2
    rows = FILES.read(tmp_path / "files.csv")
    assert len(rows) == 11
    told = [row["reason"] for row in rows if row["reason"]]
    assert sorted(told) == ["it cannot be read: No such file or directory"] + ["it is of HMI_SIDE1, not of AIA"] * 4


def test_headers_are_read_once_by_several_processes_and_again_when_a_file_changes(tmp_path, monkeypatch):
    for number in range(250):
        frame(tmp_path / "many" / f"{number:04d}.fits", number, compressed=False)
    table = tmp_path / "files.csv"
    first = file_list.listed([str(tmp_path / "many")], table, processes=2)
    assert len({row["T_REC"] for row in first}) == 250
    FILES.write(table, first)
    changed = tmp_path / "many" / "0007.fits"
    changed.write_bytes(b"<html>")
    read = []
    monkeypatch.setattr(file_list, "row_of", lambda path: read.append(path) or row_of(path))
    again = file_list.listed([str(tmp_path / "many")], table)
    assert read == [str(changed)]
    assert [row for row in again if row["file"] != str(changed)] == [*first[:7], *first[8:]]
    table.write_text("nonsense", encoding="utf-8")
    assert file_list.listed([str(tmp_path / "many")], table) == again


def test_a_list_takes_a_few_kilobytes_of_memory_for_each_file_whatever_its_size(tmp_path):
    """So twenty thousand frames are tens of megabytes: neither headers nor pixels are kept."""
    for number in range(120):
        frame(tmp_path / f"{number:03d}.fits", number, compressed=False)
    peaks = []
    for pattern in ("00*.fits", "*.fits"):
        file_list.listed([str(tmp_path / pattern)], tmp_path / "files.csv")
        tracemalloc.start()
        file_list.listed([str(tmp_path / pattern)], tmp_path / "files.csv")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert (peaks[1] - peaks[0]) / 110 < 5000


STATES = st.dictionaries(st.integers(0, 5), st.tuples(st.integers(0, 3), st.integers(0, 1)), max_size=6)


@given(before=STATES, now=STATES)
def test_blocks_are_marked_whose_frames_are_of_other_files(before, now):
    """A file that is new, gone, changed, of another record than before; that could not be used, or can now."""

    def row(number, slot, reason):
        about = {"file": f"{number}.fits", "reason": "damaged" if reason else "", "changed": slot}
        return about | ({"series": "", "T_REC": ""} if reason else {"series": SERIES, "T_REC": f"T{slot}"})

    lists = [[row(number, *state) for number, state in states.items()] for states in (before, now)]
    blocks = [[f"block {slot}", SERIES, f"T{slot}", f"T{slot}"] for slot in range(4)]
    blocks.append(["of another series", "aia.lev1_uv_24s", "T0", "T9"])
    differing = [states.get(n) for n in {*before, *now} if before.get(n) != now.get(n) for states in (before, now)]
    slots = {state[0] for state in differing if state and not state[1]} if before else set()
    assert file_list.marked(*lists, blocks) == [f"block {slot}" for slot in sorted(slots)]


def test_the_listing_of_a_folder_changes_with_every_file_and_reads_none(tmp_path, monkeypatch):
    for number in range(3):
        frame(tmp_path / f"{number}.fits", number)
    monkeypatch.setattr("builtins.open", None)
    known = [places.listing([str(tmp_path)])]
    assert places.listing([str(tmp_path)]) == known[0]
    for change in (
        lambda: os.rename(tmp_path / "0.fits", tmp_path / "a.fits"),
        lambda: os.utime(tmp_path / "1.fits", ns=(1, 1)),
        lambda: os.truncate(tmp_path / "2.fits", 2880),
        lambda: os.unlink(tmp_path / "2.fits"),
        lambda: os.symlink("nowhere", tmp_path / "2.fits"),
    ):
        change()
        known.append(places.listing([str(tmp_path)]))
    assert len(set(known)) == len(known)
    assert places.listing([str(tmp_path / "nothing here")]) == ""


# Frames


def test_frames_are_links_to_the_files_and_the_files_stay_as_they_are(tmp_path):
    path = frame(tmp_path / "mine" / "a.fits")
    before = path.stat()
    archive = source(tmp_path, tmp_path / "mine")
    (row,) = bring(archive, kept(archive), tmp_path)
    link = tmp_path / "level1" / row["file"]
    assert link.is_symlink()
    assert link.resolve() == path
    assert (row["sha256"], row["bytes"], row["archive"]) == (sha256(path), before.st_size, "files")
    after = path.stat()
    assert (after.st_mode, after.st_mtime_ns, after.st_nlink) == (before.st_mode, before.st_mtime_ns, before.st_nlink)


def test_where_a_link_cannot_be_the_file_is_copied(tmp_path, monkeypatch):
    path = frame(tmp_path / "mine" / "a.fits")
    archive = source(tmp_path, path)

    def refuse(*_):
        raise OSError("no links here")

    monkeypatch.setattr(os, "symlink", refuse)
    (row,) = bring(archive, kept(archive), tmp_path)
    assert (tmp_path / "level1" / row["file"]).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("packing", ["plain", "rice", "gzip"])
def test_files_are_calibrated_however_they_are_packed(tmp_path, packing):
    path = frame(tmp_path / "mine" / "a.image_lev1.fits", compressed=packing == "rice")
    if packing == "gzip":
        packed = path.with_name(f"{path.name}.gz")
        packed.write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    archive = source(tmp_path, tmp_path / "mine")
    rows = bring(archive, kept(archive), tmp_path)
    (tmp_path / "out").mkdir()
    job = CalibrationJob(tmp_path / "level1", tmp_path / "out", CalibrationOptions(pointing=False, degradation=False))
    (made,) = calibrate_block(rows, job)
    assert made["file"] == "out/a.image_lev1.5.fits"


def test_files_of_one_name_in_two_folders_are_named_by_their_records(tmp_path):
    for number in range(2):
        frame(tmp_path / "mine" / str(number) / "image_lev1.fits", number)
    archive = source(tmp_path, tmp_path / "mine")
    names = [Path(row["file"]).name for row in bring(archive, kept(archive), tmp_path)]
    assert names == [f"{SERIES}.2021-07-03T1427{second}Z.211.image_lev1.fits" for second in (23, 35)]


def test_spikes_are_brought_with_their_images(tmp_path):
    frame(tmp_path / "mine" / "a.fits", 0)
    frame(tmp_path / "mine" / "b.fits", 1)
    frame(tmp_path / "mine" / "s.fits", 0, np.zeros((2, 3), np.int32), DRMS_ID=f"{SERIES}:5000:spikes")
    archive = source(tmp_path, tmp_path / "mine")
    first, second = bring(archive, kept(archive, segments=["image", "spikes"]), tmp_path)
    assert (first["file"], first["spikes"]) == ("b/a.fits", "b/s.fits")
    assert first["spikes_sha256"] == sha256(tmp_path / "mine" / "s.fits")
    assert second["reason"] == "there is no file of its spikes"


def test_conditions_select_files_as_they_select_records(tmp_path):
    for number, exposure in enumerate((2.9, 1.2, 0.4)):
        frame(tmp_path / "mine" / f"{number}.fits", number, EXPTIME=exposure, QUALITY=2**30 if number == 1 else 0)
    archive = source(tmp_path, tmp_path / "mine")
    assert list(kept(archive, {"EXPTIME": "< 2.0"}).kept["EXPTIME"]) == [1.2, 0.4]
    assert list(kept(archive, {"QUALITY": "= 0", "FSN": "> 1000"}).kept["EXPTIME"]) == [0.4]


def test_conditions_on_any_keyword_read_it_from_the_headers(tmp_path):
    for number, roll in enumerate((0.01, 0.05, None)):
        frame(tmp_path / "mine" / f"{number}.fits", number, SAT_ROT=roll, ACS_ECLP="YES" if number == 0 else "NO")
    archive = source(tmp_path, tmp_path / "mine")
    for where, numbers in (
        ({"SAT_ROT": "> 0.02"}, [1]),
        ({"ACS_ECLP": "= NO"}, [1, 2]),
        ({"DATE__OBS": ">= 2021-07-03T14:27:48Z"}, [2]),
    ):
        assert [int(Path(path).stem) for path in kept(archive, where).kept["image"]] == numbers


# Several files of one record


def test_of_two_files_of_a_record_the_whole_one_is_taken(tmp_path):
    path = frame(tmp_path / "mine" / "a.fits")
    whole = tmp_path / "mine" / "b.fits"
    shutil.copy(path, whole)
    path.write_bytes(path.read_bytes()[:-2880])
    archive = source(tmp_path, tmp_path / "mine")
    assert list(archive.block(SERIES, *SPAN)["image"]) == [str(whole)]


def test_of_two_files_with_one_frame_the_first_is_taken_whatever_packs_them(tmp_path):
    image = counts((24, 30))
    first = frame(tmp_path / "mine" / "a.fits", image=image)
    frame(tmp_path / "mine" / "b.fits", image=image, compressed=False)
    archive = source(tmp_path, tmp_path / "mine")
    assert list(archive.block(SERIES, *SPAN)["image"]) == [str(first)]


DIFFERENT = {
    "pixels": ({"image": counts((24, 30), seed=9)}, "their pixels differ"),
    "a cut-out": ({"image": counts((8, 8))}, "their images have 30 x 24 and 8 x 8 pixels"),
    "a faster cadence": (
        {"T_OBS": "2021-07-03T14:27:29.00Z", "FSN": 2000},
        "T_OBS is 2021-07-03T14:27:25.09Z and 2021-07-03T14:27:29.00Z: the files are of more frames than",
    ),
}


@pytest.mark.parametrize("kind", DIFFERENT)
def test_two_whole_files_of_a_record_that_differ_are_both_named(tmp_path, kind):
    changes, reason = DIFFERENT[kind]
    frame(tmp_path / "mine" / "a.fits")
    frame(tmp_path / "mine" / "b.fits", **changes)
    archive = source(tmp_path, tmp_path / "mine")
    with pytest.raises(ArchiveError, match=reason) as caught:
        archive.block(SERIES, *SPAN)
    for name in ("a.fits", "b.fits"):
        assert str(tmp_path / "mine" / name) in str(caught.value)


# What changes between the stages


def test_a_file_that_is_another_one_by_the_time_of_the_proof_is_noticed(tmp_path):
    path = frame(tmp_path / "mine" / "a.fits")
    archive = source(tmp_path, tmp_path / "mine")
    table = archive.block(SERIES, *SPAN)
    path.unlink()
    frame(path, EXPTIME=1.5)
    asked = {"series": SERIES, "channel": 211, "span": SPAN, "where": {}, "segments": ["image"]}
    with pytest.raises(ArchiveError, match=r"EXPTIME 2\.0 and 1\.5"):
        select_records(OwnFiles(tmp_path / "files.csv"), table, **asked)


def test_a_file_that_was_removed_is_named_with_what_to_do(tmp_path):
    path = frame(tmp_path / "mine" / "a.fits")
    archive = source(tmp_path, tmp_path / "mine")
    path.unlink()
    with pytest.raises(ArchiveError, match=r"a\.fits: it cannot be read.*--config refresh=true"):
        archive.block(SERIES, *SPAN)


@pytest.mark.parametrize("on_missing", ["fail", "skip"])
def test_a_file_that_is_not_whole_fails_its_block_or_is_left_out_with_the_reason(tmp_path, on_missing):
    frame(tmp_path / "mine" / "a.fits", 0)
    broken = frame(tmp_path / "mine" / "b.fits", 1)
    broken.write_bytes(broken.read_bytes()[:-2880])
    archive = source(tmp_path, tmp_path / "mine")
    wanted = kept(archive)
    if on_missing == "fail":
        with pytest.raises(
            ArchiveError, match=r"1 of 2 files cannot be used:\n  .*b\.fits: .* bytes where its headers"
        ):
            bring(archive, wanted, tmp_path, on_missing=on_missing)
        assert not (tmp_path / "level1" / "b.csv").exists()
        return
    good, lost = bring(archive, wanted, tmp_path, on_missing=on_missing)
    assert good["reason"] == ""
    assert "bytes where its headers promise" in lost["reason"]
    assert sorted(path.name for path in (tmp_path / "level1" / "b").iterdir()) == ["a.fits"]
    assert broken.exists()


# The configuration

EVENT = {"name": "e", "start": "2021-07-03T14:25:00Z", "end": "2021-07-03T14:35:00Z", "channels": [211]}
WRONG = {
    "no files named": ({"archive": "files", "tables": "t"}, "archive: 'files' needs the files"),
    "files without the archive": ({"files": "a"}, "files: belongs to archive: files"),
    "no tables named": ({"archive": "files", "files": "a"}, "asks for pointing, degradation; write tables: ssw"),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG)
def test_a_configuration_of_files_says_what_it_lacks(kind):
    config, said = WRONG[kind]
    with pytest.raises(ConfigError, match=said):
        load({**config, "events": [EVENT]})


def test_files_need_no_tables_where_no_correction_asks_for_them():
    own = {**EVENT, "calibration": {"pointing": "header", "degradation": False}}
    assert load({"archive": "files", "files": "a", "events": [own]}).options["files"] == ["a"]


# Real files

CUTOUTS = {
    "aia_171_cutout.fits": "2013-03-10T12:00:01Z",
    "aia.lev1_euv_12s.2021-05-22T032907Z.304.image_lev1.fits": "2021-05-22T03:28:59Z",
    "aia.lev1_euv_12s.2022-04-02T132011Z.304.image.fits": "2022-04-02T13:20:11Z",
    "aia.lev1_euv_12s.2022-04-02T132211Z.304.image.fits": "2022-04-02T13:22:11Z",
    "aia.lev1_euv_12s.2022-04-02T132423Z.304.image.fits": "2022-04-02T13:24:23Z",
}


def test_real_files_are_calibrated_or_refused_for_what_they_are(shared_data, tmp_path):
    archive = source(tmp_path, shared_data / "frames_16bit", shared_data / "fulldisk_8bit" / "*.jp2")
    refused = {Path(row["file"]).name: row["reason"] for row in FILES.read(tmp_path / "files.csv") if row["reason"]}
    idl, pictures = ([name for name in refused if name.endswith(ending)] for ending in ("_0304.fits", ".jp2"))
    assert (len(idl), len(pictures), len(refused)) == (8, 4, 12)
    assert all("written anew by IDL" in refused[name] and "LVL_NUM is 0.5" in refused[name] for name in idl)
    assert all("JPEG 2000" in refused[name] for name in pictures)
    options = CalibrationOptions(pointing=False, degradation=False)
    found = {}
    for channel in (171, 304):
        folder = tmp_path / str(channel)
        rows = bring(archive, kept(archive, span=ALWAYS, channel=channel), folder)
        (folder / "out").mkdir()
        for row in calibrate_block(rows, CalibrationJob(folder / "level1", folder / "out", options)):
            assert row["reason"] == ""
            found[row["file"].removeprefix("out/")] = row["T_REC"]
    assert sorted(found.values()) == sorted(CUTOUTS.values())


@pytest.mark.slow
def test_real_frames_of_the_full_disk_are_calibrated(shared_data, tmp_path):
    """Four hours of real headers, exported from aia.lev1: no slot of the cadence series is their T_REC."""
    (tmp_path / "mine").mkdir()
    for number in (1, 2, 3, 4):
        pixels, cards = jp2_frame(shared_data / "fulldisk_8bit" / f"source_00{number}.jp2")
        cards["TELESCOP"] = "SDO/AIA"  # as exports write it; INSTRUME is AIA_3 in the XML box, too
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Card is too long")
            hdu = fits.CompImageHDU(pixels, cards, compression_type="RICE_1")
            fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(tmp_path / "mine" / f"{number}.fits")
    archive = source(tmp_path, tmp_path / "mine")
    rows = bring(archive, kept(archive, span=ALWAYS, channel=171), tmp_path)
    assert [row["T_OBS"][:16] for row in rows] == [
        f"2017-08-{hour}" for hour in ("07T23:59", "08T00:59", "08T01:59", "08T02:59")
    ]
    for row in rows:
        assert 0 <= read_time(row["T_OBS"]) - read_time(row["T_REC"]) < 12
    (tmp_path / "out").mkdir()
    tables = freeze_tables(tmp_path / "tables")
    assert tables
    job = CalibrationJob(tmp_path / "level1", tmp_path / "out", CalibrationOptions(pointing=False, degradation=False))
    made = calibrate_block(rows, job, processes=2)
    assert [row["reason"] for row in made] == [""] * 4
