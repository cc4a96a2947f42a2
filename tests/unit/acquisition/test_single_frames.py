"""Frames of the series that have a record for each of them, by FSN: final ones, and those of near real time."""

import re
from dataclasses import replace

import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st
from small_archive import place, settings_of, small_archive

from aia_sequence.acquisition import steps
from aia_sequence.acquisition.arrival_checks import check_identity
from aia_sequence.acquisition.cache import Key
from aia_sequence.acquisition.request import DIRECT, FrameRequest
from aia_sequence.acquisition.selection import select_records
from aia_sequence.acquisition.sources import Server
from aia_sequence.archive import metadata
from aia_sequence.archive.retries import Patience
from aia_sequence.config.conditions import compile_where
from aia_sequence.config.cutouts import im_patch
from aia_sequence.errors import ArchiveError, FrameError
from aia_sequence.frames.level1header import check_listed
from aia_sequence.instrument import SERIES
from aia_sequence.lists.manifests import LEVEL1
from aia_sequence.lists.records import METADATA, RECORDS
from aia_sequence.times import read_time

SINGLE = ["aia.lev1", "aia.lev1_nrt2"]
SPAN = ("2021-07-03T14:25:00Z", "2021-07-03T14:28:00Z")
NEAR_REAL_TIME = 1 << 30


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with small_archive(tmp_path_factory.mktemp("state")) as archive:
        yield replace(archive, patience=Patience(attempts=3, first=0.01, longest=0.02))


def listed(service, folder, series, where=None, channel=211, every=None):
    """The block's list of records, written and read as the workflow does it; and the record sets of the kept ones."""
    table = service.block(series, *SPAN).assign(archive=service.name)
    metadata.check_complete(table, series, *SPAN)
    METADATA.write_frame(folder / "metadata.csv", table)
    about = {"series": series, "channel": channel, "span": SPAN, "segments": ["image"], "steps": every}
    marked, text = select_records(Server(service), METADATA.frame(folder / "metadata.csv"), **about, where=where or {})
    RECORDS.write_frame(folder / "records.csv", marked)
    return folder / "records.csv", text


def request_of(path, series, processing=None, segments=("image",), method="url"):
    wanted = {"series": series, "where": {}, "segments": list(segments), "processing": processing or {}}
    return FrameRequest.of(path, wanted, method)


@pytest.mark.parametrize("series", SINGLE)
@pytest.mark.parametrize("how", ["url", DIRECT, "cut out", "spikes"])
def test_single_frames_come_verified_by_their_own_names(service, tmp_path, series, how):
    records, _ = listed(service, tmp_path, series)
    region = {"x": [-30.0, 30.0], "y": [-30.0, 30.0]}
    patch = im_patch(region, read_time(SPAN[0]), 60.0) if how == "cut out" else {}
    segments = ("image", "spikes") if how == "spikes" else ("image",)
    wanted = request_of(records, series, patch, segments, DIRECT if how == DIRECT else "url")
    options = settings_of(tmp_path)
    for turn in ("fetched", "from the cache"):
        cached, delivery = steps.request(service, wanted, options)
        assert len(cached) == (0 if turn == "fetched" else len(wanted.kept))
        steps.download(service, wanted, delivery, place(tmp_path), options)
        manifest = LEVEL1.frame(place(tmp_path).manifest)
        assert list(manifest["record"]) == [f"{series}[{row.T_REC}][{row.FSN}]" for row in wanted.kept.itertuples()]
        assert len(manifest) == 15
        assert manifest["reason"].eq("").all()
    for row in manifest.to_dict("records"):
        header = fits.getheader(place(tmp_path).manifest.parent / row["file"], 1)
        check_listed(header, row)
        assert f"{series}[{header['T_REC']}][{header['FSN']}]" == row["record"]
        assert header["DRMS_ID"].startswith(f"{series}{'_mod' if how == 'cut out' else ''}:")
        assert header["DRMS_ID"].endswith(":image_lev1")
        assert header["PRIMARYK"].startswith("T_REC, FSN")
        assert bool(header["QUALITY"] & NEAR_REAL_TIME) == (not SERIES[series].final)
        assert row["file"].endswith(".image_lev1.fits")
        assert str(header["FSN"]) in row["file"]


@pytest.mark.parametrize("series", SINGLE)
def test_of_steps_the_frame_nearest_to_the_middle_is_kept_and_proved(service, tmp_path, series):
    """Frames lie in no slots, so hardly one is in the middle of a minute."""
    phase = round(read_time(SPAN[0])) % 60
    path, text = listed(service, tmp_path, series, every={"length": 60, "phase": phase})
    marked = RECORDS.frame(path)
    kept = marked[marked["kept"]]
    assert list(kept["step"]) == [f"2021-07-03T14:2{n}:00Z" for n in (5, 6, 7, 8)]
    everything = [read_time(time) for time in marked["T_REC"]]
    for row in kept.itertuples():
        middle = read_time(row.step)
        assert abs(read_time(row.T_REC) - middle) == min(abs(time - middle) for time in everything)
    (line,) = text.splitlines()
    assert list(service.query(line)["record"]) == list(kept["record"])


def test_conditions_on_near_real_time_compare_the_bit(service, tmp_path):
    path, _ = listed(service, tmp_path, "aia.lev1_nrt2", {"QUALITY": "ignore bits 30"})
    marked = RECORDS.frame(path)
    assert marked["kept"].all()
    assert (marked["QUALITY"] == NEAR_REAL_TIME).all()


def test_an_answer_without_the_number_of_a_frame_is_refused(service):
    raw = service.raw_query(f"aia.lev1[{SPAN[0]}-{SPAN[1]}][? WAVELNTH = 211 ?]", ["T_REC", "FSN", "WAVELNTH"])
    raw.loc[2, "FSN"] = "MISSING"
    with pytest.raises(ArchiveError, match="'MISSING' for the prime key FSN"):
        metadata.typed("aia.lev1", raw)


@pytest.mark.parametrize(
    ("keyword", "value"),
    [("FSN", 7), ("T_REC", "2021-07-03T14:25:02Z"), ("WAVELNTH", 171), ("DRMS_ID", "aia.lev1_euv_12s:7:image_lev1")],
)
def test_another_frame_of_the_same_channel_is_refused(service, tmp_path, keyword, value):
    wanted = request_of(listed(service, tmp_path, "aia.lev1")[0], "aia.lev1")
    row = wanted.kept.iloc[0].to_dict()
    identity = wanted.identity(row, "image")
    header = fits.Header({key: row[key] for key in ("T_REC", "T_OBS", "FSN", "WAVELNTH")} | {"TRECSTEP": 1.0})
    header["DRMS_ID"] = f"aia.lev1:{row['recnum']}:image_lev1"
    check_identity(header, identity, "file")
    header[keyword] = value
    with pytest.raises(FrameError, match=re.escape(f"file is not of {row['record']}: {keyword} is {value!r}")):
        check_identity(header, identity, "file")


numbers = st.integers(1, 2**31 - 1)
keys = st.builds(
    Key,
    st.sampled_from(["jsoc", "rob"]),
    st.sampled_from(SINGLE),
    st.sampled_from(["2021-07-03T14:25:01Z", "2021-07-03T14:25:02Z"]),
    st.sampled_from([94, 1600]),
    st.sampled_from([0, 16, 1600]),
    st.sampled_from(["image", "spikes"]),
    st.sampled_from(["", "direct"]),
    st.sampled_from([16, 1600, 94]),
)


@settings(max_examples=200)
@given(one=keys, other=keys)
def test_two_frames_never_share_an_address_in_the_cache(one, other):
    assert (one.path == other.path) == (one == other)


def test_the_address_of_a_record_of_a_slot_is_as_it_always_was():
    key = Key("jsoc", "aia.lev1_euv_12s", "2021-07-03T14:27:23Z", 211, 205107971)
    assert str(key.path) == "records/jsoc/aia.lev1_euv_12s/20210703/142723Z.211.205107971.image.json"
    assert list(key.described) == ["archive", "series", "t_rec", "wavelnth", "recnum", "segment", "processing"]


def test_conditions_go_into_record_sets_of_single_frames(service, tmp_path):
    where = {"EXPTIME": "< 2.0"}
    path, text = listed(service, tmp_path, "aia.lev1", where)
    kept = RECORDS.frame(path).query("kept")
    assert 0 < len(kept) < 15
    assert text == (
        f"aia.lev1[{SPAN[0]}-{SPAN[1]}][? WAVELNTH = 211 AND EXPTIME < 2.0 AND QUALITY >= 0 ?]{{image_lev1}}"
    )
    assert compile_where(where)[0].select(kept).all()
