"""Frozen tables, and what aiapy makes of them: degradation, pointing, errors."""

import os

import drms
import numpy as np
import pytest
from aiapy.calibrate import estimate_error, update_pointing
from aiapy.calibrate.utils import get_correction_table, get_error_table, get_pointing_table
from astropy import units as u
from astropy.table import QTable
from astropy.time import Time
from hypothesis import given, settings
from hypothesis import strategies as st
from level1_frames import TABLES_FOLDER, freeze_tables, header, pointing_table
from sunpy.map.sources import AIAMap

from aia_sequence.archive.client import open_archive
from aia_sequence.archive.retries import Patience
from aia_sequence.archive.web import UnreachableError
from aia_sequence.calibration import fetch, frozen, lookup, tables
from aia_sequence.calibration.corrections import of_frame
from aia_sequence.config.calibration import CalibrationOptions
from aia_sequence.errors import ArchiveError, FrameError
from aia_sequence.frames.geometry import Geometry
from aia_sequence.instrument import CHANNELS
from aia_sequence.lists import ecsv
from synthetic_jsoc.tables import error_table

V10 = {94: 0.90317732, 171: 0.78689527, 193: 0.86181854, 211: 0.82998772, 304: 0.14925002, 335: 0.32689207,
       1600: 0.56048306, 1700: 0.87895035}  # fmt: skip
ONLY_DEGRADATION = CalibrationOptions(pointing=False)


@pytest.fixture(scope="module")
def response(shared_data, tmp_path_factory):
    """The real table V10, frozen and thawed."""
    path = tmp_path_factory.mktemp("tables") / "degradation.ecsv"
    table = get_correction_table(shared_data / "tables" / "aia_V10_20201119_190000_response_table.txt")
    tables.freeze(path, table, "jsoc", "V10")
    return tables.thaw(path)


def degradation(table, channel, date, version=10):
    cards = header()
    cards["WAVELNTH"], cards["T_OBS"], cards["DATE-OBS"] = channel, date, date
    cards["CDELT1"] = cards["CDELT2"] = 0.6
    options = CalibrationOptions(pointing=False, degradation_version=version)
    return of_frame(cards, lookup.Tables.of(degradation=table), options)


@pytest.mark.parametrize("channel", V10)
def test_degradation_of_2015_is_that_of_version_10(response, channel):
    assert degradation(response, channel, "2015-01-01T00:00:00").degradation == pytest.approx(V10[channel], rel=1e-3)


def test_degradation_of_an_older_version_is_asked_for_by_its_number(tmp_path):
    table = get_correction_table(TABLES_FOLDER / "aia_V8_20171210_050627_response_table.txt")
    tables.freeze(tmp_path / "v8.ecsv", table, "jsoc", "V8")
    found = degradation(tables.thaw(tmp_path / "v8.ecsv"), 94, "2015-01-01T00:00:00", version=8)
    assert found.degradation == pytest.approx(0.76671, rel=1e-3)
    assert found.degradation_about["version"] == 8


def test_a_date_after_the_last_epoch_is_an_extrapolation_and_says_so(response):
    before = degradation(response, 304, "2015-01-01T00:00:00")
    after = degradation(response, 304, "2021-07-03T00:00:00")
    assert before.degradation_about["note"] == ""
    assert after.degradation_about["note"] == "extrapolated beyond the last epoch, 2020-06-01"
    assert after.degradation == degradation(response, 304, "2022-07-03T00:00:00").degradation


@pytest.mark.parametrize(("channel", "date", "version", "found"), [
    (4500, "2015-01-01T00:00:00", 10, "no degradation of 4500 Å"),
    (171, "2015-01-01T00:00:00", 9, "The table has versions 10 for this channel"),
    (171, "2010-03-01T00:00:00", 10, "no degradation of 171 Å on 2010-03-01"),
])  # fmt: skip
def test_a_table_without_the_channel_version_or_epoch_is_an_error_that_says_what_to_do(
    response, channel, date, version, found
):
    with pytest.raises(FrameError, match=found) as caught:
        degradation(response, channel, date, version)
    assert "calibration.degradation: false" in str(caught.value)


def test_frozen_tables_come_back_as_they_were(tmp_path):
    paths = freeze_tables(tmp_path)
    again = tables.thaw(paths["pointing"])
    for name in pointing_table().colnames:
        assert np.all(again[name] == pointing_table()[name])
    assert again.meta["archive"] == "synthetic"
    assert again.meta["source"] == "aia.master_pointing3h[test]"


def test_the_hash_is_that_of_the_rows_alone(tmp_path):
    for name, archive, source in (("a", "synthetic", "one"), ("b", "jsoc", "other")):
        tables.freeze(tmp_path / name, pointing_table(), archive, source)
    tables.freeze(tmp_path / "c", pointing_table(x0=2042.0), "jsoc", "other")
    first, second, third = (tables.thaw(tmp_path / name).meta["sha256"] for name in "abc")
    assert first == second != third


def test_the_same_table_is_frozen_into_the_same_bytes(tmp_path):
    for name in "ab":
        tables.freeze(tmp_path / name, pointing_table(), "synthetic", "s")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_frozen_table_that_was_edited_is_refused(tmp_path):
    path = freeze_tables(tmp_path)["degradation"]
    path.write_text(path.read_text(encoding="utf-8").replace("0.75", "0.85"), encoding="utf-8")
    with pytest.raises(FrameError, match="its rows have SHA-256"):
        tables.thaw(path)
    with pytest.raises(FrameError, match="its rows have SHA-256"):
        frozen.read(path)


# What befalls a file: cut anywhere, bytes that are no text, lines that are gone, another page in its place.
@given(
    cut=st.floats(0, 1),
    kind=st.sampled_from(["cut", "byte", "line", "page", "without meta", "without types"]),
    byte=st.sampled_from([b"\0", b"\xff", b"\t", b"!", b":", b'"', b"{"]),
)
@settings(max_examples=60)
def test_a_frozen_table_that_is_damaged_is_named_in_a_line(tmp_path_factory, cut, kind, byte):
    folder = tmp_path_factory.getbasetemp() / "damaged"
    path = freeze_tables(folder)["errors"]
    whole = path.read_bytes()
    place, lines = int(cut * len(whole)), whole.splitlines(keepends=True)
    without = {"without meta": b"# meta", "without types": b"# datatype"}.get(kind, b"nothing")
    path.write_bytes({
        "cut": whole[:place], "byte": whole[:place] + byte + whole[place:], "page": b"<html>busy</html>",
        "line": b"".join(line for number, line in enumerate(lines) if number != int(cut * len(lines))),
    }.get(kind, b"".join(line for line in lines if not line.startswith(without))))  # fmt: skip
    found, said = None, f"{path}: "
    try:
        found = frozen.read(path)
    except FrameError as error:
        said = str(error)
    assert said.startswith(f"{path}: ")
    assert "\n" not in said
    if found is not None:
        expected = frozen.read(freeze_tables(folder)["errors"]).columns
        assert {name: column.tolist() for name, column in found.columns.items()} == {
            name: column.tolist() for name, column in expected.items()
        }


@pytest.mark.parametrize("name", ["pointing", "degradation", "errors"])
@pytest.mark.parametrize("missing", [(), (211,)])
def test_calibration_reads_of_a_table_what_astropy_reads(tmp_path, monkeypatch, name, missing):
    path = freeze_tables(tmp_path, missing=missing)[name]
    theirs = frozen.Frozen.of(tables.thaw(path))
    monkeypatch.setattr(tables, "thaw", None)  # it is not asked
    ours = frozen.read(path)
    assert list(ours.columns) == list(theirs.columns)
    assert {key: ours.meta[key] for key in ("archive", "source", "sha256")} == {
        key: theirs.meta[key] for key in ("archive", "source", "sha256")
    }
    for column, values in theirs.columns.items():
        np.testing.assert_array_equal(ours.columns[column], values)
        assert ours.columns[column].dtype.kind == values.dtype.kind


TEXT = st.text("aZ09.:,;\"'[]=-_", min_size=1, max_size=6)


@given(texts=st.lists(TEXT, min_size=1, max_size=4), seed=st.integers(0, 99))
def test_a_table_of_any_texts_and_numbers_is_read_as_astropy_reads_it(tmp_path_factory, texts, seed):
    path, random = tmp_path_factory.getbasetemp() / "any.ecsv", np.random.default_rng(seed)
    numbers = random.choice([np.nan, np.inf, 0.1, -2.5e-7, 1e22], len(texts))
    table = QTable({"NAME": texts, "VALUE": numbers * u.cm, "COUNT": random.integers(-9, 9, len(texts))})
    tables.freeze(path, table, "a", "s")
    ours, theirs = frozen.read(path), frozen.Frozen.of(tables.thaw(path))
    for name, values in theirs.columns.items():
        np.testing.assert_array_equal(ours.columns[name], values)


def test_days_that_share_rows_are_joined_without_repeating_them(tmp_path):
    tables.freeze(tmp_path / "one", pointing_table()[:2], "synthetic", "one")
    tables.freeze(tmp_path / "two", pointing_table()[1:], "synthetic", "two")
    joined = frozen.join(frozen.read(tmp_path / name) for name in ("two", "one"))
    assert list(joined.columns["T_START"]) == list(pointing_table()["T_START"].isot)
    assert joined.meta["source"] == "two; one"


def resolve_pointing(table, **changes):
    table.meta.update({"archive": "synthetic", "source": "s", "sha256": "0"})
    cards = header()
    cards.update(changes)
    options = CalibrationOptions(degradation=False)
    return of_frame(cards, lookup.Tables.of(table), options)


def test_pointing_moves_the_disc_centre_by_what_the_table_says():
    found = resolve_pointing(pointing_table())
    old = Geometry.of_header(header())
    assert found.geometry.x0 - old.x0 == pytest.approx(0.8)
    assert found.geometry.y0 - old.y0 == pytest.approx(-0.6)
    assert found.geometry.roll - old.roll == pytest.approx(0.001)
    assert found.pointing["record"] == "aia.master_pointing3h[2021-07-03T12:00:00Z]"


@pytest.mark.parametrize("changes", [
    {},
    {"CRPIX1": 17.25, "CRPIX2": -640.75, "SAT_ROT": 179.93},
    {"CRVAL1": 12.0, "CRVAL2": -7.5},
])  # fmt: skip
@pytest.mark.parametrize("channel", [94, 171, 304, 335])
def test_the_geometry_is_that_of_aiapys_updated_map(channel, changes):
    """Of the whole frame and of cutouts: what aiapy does to a map's header, in numbers."""
    table = pointing_table()
    found = resolve_pointing(table, WAVELNTH=channel, **changes)
    cards = header()
    cards.update({"WAVELNTH": channel, **changes})
    meta = {key.lower(): value for key, value in cards.items() if value is not None}
    theirs = update_pointing(AIAMap(np.zeros((2, 2)), meta), pointing_table=table).meta
    theirs = Geometry.of_header({key.upper(): value for key, value in theirs.items()})
    for name in ("x0", "y0", "scale", "roll"):
        assert getattr(found.geometry, name) == pytest.approx(getattr(theirs, name), abs=1e-9)


@pytest.mark.parametrize(("t_obs", "start"), [
    ("2021-07-03T11:59:59.99Z", "2021-07-03T09"),
    ("2021-07-03T12:00:00.00Z", "2021-07-03T12"),
])  # fmt: skip
def test_the_row_is_the_one_that_holds_t_obs_and_not_the_start_of_the_exposure(t_obs, start):
    found = resolve_pointing(pointing_table(), T_OBS=t_obs, **{"DATE-OBS": "2021-07-03T11:59:58.99"})
    assert found.pointing["start"].startswith(start)


@pytest.mark.parametrize(("table", "changes", "text"), [
    (pointing_table(), {"T_OBS": "2021-07-03T20:00:00.00Z"}, "no row of the pointing table"),
    (pointing_table(missing=[211]), {}, "has no value for 211 Å"),
    (pointing_table(), {"X0_MP": None}, "X0_MP missing in the header"),
])  # fmt: skip
def test_a_frame_without_pointing_is_an_error(table, changes, text):
    with pytest.raises(FrameError, match=text):
        resolve_pointing(table, **changes)


@pytest.mark.parametrize(("channel", "scale"), [(1600, 0.609373), (1700, 0.612898)])
def test_plate_scales_of_the_ultraviolet_channels_are_no_reason_to_warn(channel, scale):
    found = resolve_pointing(pointing_table(), WAVELNTH=channel, CDELT1=scale, CDELT2=scale)
    assert found.pointing["record"]


@pytest.mark.parametrize("channel", CHANNELS)
def test_errors_are_aiapys_for_every_count_of_every_channel(shared_data, channel):
    table = get_error_table(shared_data / "tables" / "aia_V3_error_table.txt")
    table.meta["source"] = "V3"
    counts = np.arange(16384.0)
    theirs = estimate_error(counts * u.DN / u.pix, channel * u.angstrom, error_table=table)
    np.testing.assert_allclose(lookup.sigma_of_counts(channel, table), theirs.value, rtol=1e-14)


def test_errors_of_a_channel_that_the_table_lacks_are_none(shared_data):
    table = get_error_table(shared_data / "tables" / "aia_V3_error_table.txt")
    table.meta["source"] = "V3"
    with pytest.raises(FrameError, match="no row for 172"):
        lookup.sigma_of_counts(172, table)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    with open_archive("synthetic", tmp_path_factory.mktemp("state")) as opened, opened.as_jsoc():
        yield opened


def test_what_is_fetched_is_what_aiapy_fetches(archive, tmp_path):
    """To the byte of the frozen file: columns, units, times and numbers."""
    ours, source = fetch.pointing("20210703")
    span = source.removesuffix("]").partition("[")[2].replace("Z", "")
    theirs = get_pointing_table("jsoc", time_range=Time([span[:23], span[24:]]))
    theirs.sort("T_START")
    effective, stated = fetch.degradation()[0], get_correction_table("jsoc")
    stated.sort(["VER_NUM", "WAVE_STR", "T_START", "DATE"])
    (tmp_path / "errors.txt").write_text(error_table(), encoding="utf-8")
    errors = fetch.errors(error_table())[0], get_error_table(tmp_path / "errors.txt")
    for number, pair in enumerate([(ours, theirs), (effective, stated), errors]):
        for name, table in zip("ab", pair, strict=True):
            tables.freeze(tmp_path / f"{number}{name}", table, "synthetic", "s")
        assert (tmp_path / f"{number}a").read_bytes() == (tmp_path / f"{number}b").read_bytes()


def test_a_days_pointing_comes_with_six_hours_on_both_sides(archive):
    table, source = fetch.pointing("20210703")
    assert source == "aia.master_pointing3h[2021-07-02T18:00:00.000Z-2021-07-04T06:00:00.000Z]"
    assert table["T_START"].min().isot <= "2021-07-02T18:00:00.000"
    assert table["T_STOP"].max().isot >= "2021-07-04T06:00:00.000"


def test_the_archives_effective_areas_correct_its_frames(archive, tmp_path):
    table, source = fetch.degradation()
    tables.freeze(tmp_path / "d.ecsv", table, "synthetic", source)
    thawed = tables.thaw(tmp_path / "d.ecsv")
    assert 0 < degradation(thawed, 304, "2015-01-01T00:00:00").degradation < 0.5
    assert degradation(thawed, 4500, "2015-01-01T00:00:00").degradation_about["version"] == 3


def test_a_failure_that_can_pass_is_tried_again(archive, monkeypatch):
    """A broken connection is told from a refusal."""
    broken, pauses = iter([ConnectionResetError("reset"), TimeoutError("late")]), []

    def query(*arguments, **options):
        if (error := next(broken, None)) is not None:
            raise error
        return unhurt(*arguments, **options)

    unhurt = drms.Client.query
    monkeypatch.setattr(drms.Client, "query", query)
    table, _ = fetch.degradation(Patience(attempts=3, sleep=pauses.append))
    assert len(table) > 10
    assert len(pauses) == 2
    broken = iter([TimeoutError("late")] * 3)
    with pytest.raises(ArchiveError, match="given up after 3 attempts"):
        fetch.degradation(Patience(attempts=3, sleep=pauses.append))


def test_where_nobody_answers_tables_are_not_asked_for_longer_than_records(monkeypatch):
    def query(*arguments, **options):
        try:
            raise ConnectionRefusedError(111, "Connection refused")
        except OSError as error:
            raise UnreachableError(error.errno, "jsoc.stanford.edu: Connection refused") from error

    pauses = []
    monkeypatch.setattr(drms.Client, "query", query)
    with pytest.raises(ArchiveError, match=r"the archive was not reached \(jsoc.stanford.edu: .*Check the network"):
        fetch.degradation(Patience(sleep=pauses.append))
    assert sum(pauses) < 20


def test_an_archive_without_the_table_is_an_error_in_its_words(archive):
    with pytest.raises(ArchiveError, match=r"aia.master_pointing3h\[1995.*No data found"):
        fetch.pointing("19950703")


def test_the_table_of_errors_is_fetched_through_the_proxy_that_small_letters_name(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setattr("aiapy.calibrate.utils.get_error_table", lambda: os.environ["HTTPS_PROXY"])
    assert fetch.errors()[0] == "http://proxy.example:3128"
    assert "HTTPS_PROXY" not in os.environ


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), min_size=1), st.booleans())
@settings(max_examples=60, deadline=None)
def test_where_a_frozen_table_comes_from_is_read_as_astropy_reads_it(tmp_path_factory, source, quantity):
    path = tmp_path_factory.getbasetemp() / "origin.ecsv"
    values = np.array([1.0, 2.0]) * (u.cm**2 if quantity else 1.0)
    tables.freeze(path, QTable({"EFF_AREA": values, "WAVE_STR": ["# 94", "131"]}), "jsoc", source)
    told = QTable.read(path, format="ascii.ecsv").meta
    found = ecsv.meta(path)
    assert {name: found[name] for name in told} == dict(told)
    assert found["source"] == source
