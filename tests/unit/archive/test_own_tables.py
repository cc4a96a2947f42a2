"""Calibration tables at hand: published files and bundles say what archive and aiapy say, or which one is missing."""

import shutil

import numpy as np
import pytest
from aiapy.calibrate import utils
from aiapy.calibrate.utils import get_correction_table, get_error_table, get_pointing_table
from astropy.time import Time
from level1_frames import TABLES_FOLDER, freeze_tables

from aia_sequence.archive.client import open_archive
from aia_sequence.calibration import fetch, lookup, own_tables, tables
from aia_sequence.commands.bundle import export
from aia_sequence.errors import ConfigError

V8, V3 = (TABLES_FOLDER / name for name in ("aia_V8_20171210_050627_response_table.txt", "aia_V3_error_table.txt"))
DAY = "20210703"


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    with open_archive("synthetic", tmp_path_factory.mktemp("state")) as opened, opened.as_jsoc():
        yield opened


def frozen(folder, table):
    """The bytes of a table, frozen."""
    folder.mkdir(exist_ok=True)
    tables.freeze(folder / "t.ecsv", table, "a", "s")
    return (folder / "t.ecsv").read_bytes()


@pytest.mark.parametrize(("kind", "file", "published"), [
    ("degradation", V8, get_correction_table), ("errors", V3, get_error_table),
])  # fmt: skip
def test_solarsofts_tables_are_known_by_their_columns_and_read_as_aiapy_reads_them(tmp_path, kind, file, published):
    shutil.copy(V8, tmp_path / "one.dat")
    shutil.copy(V3, tmp_path / "another.txt")
    (tmp_path / "notes.txt").write_text("not a table, at all\n", encoding="utf-8")
    table, source, archive = getattr(own_tables, kind)(tmp_path)
    theirs = published(file)
    if kind == "degradation":
        theirs.sort(["VER_NUM", "WAVE_STR", "T_START", "DATE"])
    assert frozen(tmp_path / "a", table) == frozen(tmp_path / "b", theirs)
    assert archive == "own"
    assert source.startswith("one.dat, SHA-256" if kind == "degradation" else "another.txt, SHA-256")


@pytest.mark.parametrize("ending", ["csv", "ecsv", "txt"])
def test_a_pointing_table_as_aiapy_writes_it_moves_the_disc_as_the_archives_does(archive, tmp_path, ending):
    fetched, _ = fetch.pointing(DAY)
    theirs = get_pointing_table("jsoc", time_range=Time(["2021-06-30T00:00:00", "2021-07-06T00:00:00"]))
    style = {"csv": "ascii.csv", "ecsv": "ascii.ecsv", "txt": "ascii.fixed_width_two_line"}[ending]
    theirs.write(tmp_path / f"mine.{ending}", format=style)
    table, source, _ = own_tables.pointing(tmp_path, DAY)
    assert len(table) <= len(fetched) + 2
    assert source.startswith(f"mine.{ending}")
    for at_hand, asked in zip(*(_pointings(one, tmp_path) for one in (table, fetched)), strict=True):
        assert at_hand == asked


def _pointings(table, folder):
    """What a table says of a channel during the day."""
    tables.freeze(folder / "frozen.ecsv", table, "a", "s")
    told = lookup.Pointing(tables.thaw(folder / "frozen.ecsv"))
    for hour in (0, 5, 23):
        row = told.of(211, f"2021-07-03T{hour:02d}:30:00")
        yield {key: row[key] for key in ("x0", "y0", "scale", "roll", "record")}


def test_the_published_copy_of_the_pointing_table_has_zones_in_its_times(shared_data):
    table, *_ = own_tables.pointing(shared_data / "tables" / "master_pointing3h_2rows_excerpt.csv", "20100513")
    assert list(table["T_START"].isot) == ["2010-05-13T00:00:00.000", "2010-05-13T03:00:00.000"]
    assert np.isclose(table["A_094_X0"][0].value, 2048.285889)


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_a_bundle_gives_the_very_tables_that_were_frozen(tmp_path, form):
    resources = tmp_path / "resources"
    paths = freeze_tables(resources / "synthetic" / "calibration")
    (resources / "synthetic" / "calibration" / "pointing").mkdir()
    day = paths["pointing"].rename(resources / "synthetic" / "calibration" / "pointing" / f"{DAY}.ecsv")
    place = resources
    if form == "zip":
        place = tmp_path / "tables.zip"
        export(place, [], resources)
    frozen_ones = {"pointing": day, "degradation": paths["degradation"], "errors": paths["errors"]}
    for kind, path in frozen_ones.items():
        asked = (DAY,) if kind == "pointing" else ()
        table, source, archive = getattr(own_tables, kind)(place, *asked)
        tables.freeze(tmp_path / "again.ecsv", table, archive, source)
        assert (tmp_path / "again.ecsv").read_bytes() == path.read_bytes()


MISSING = {
    "pointing": ((DAY,), "the pointing of 20210703 is not there; .*pointing: header"),
    "degradation": ((), "a table of the degradation is not there; .*degradation: false"),
    "errors": ((), "a table of the errors is not there; .*uncertainty: false"),
}


@pytest.mark.parametrize("kind", MISSING)
def test_a_table_that_is_not_there_is_named_with_the_way_to_do_without(tmp_path, kind):
    asked, said = MISSING[kind]
    (tmp_path / "empty.csv").touch()
    with pytest.raises(ConfigError, match=said):
        getattr(own_tables, kind)(tmp_path, *asked)


def test_a_place_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(ConfigError, match="nowhere: there is no such file or folder; allowed are archive, ssw"):
        own_tables.errors(tmp_path / "nowhere")


def test_a_frozen_table_that_was_edited_is_refused(tmp_path):
    path = freeze_tables(tmp_path)["degradation"]
    path.write_text(path.read_text(encoding="utf-8").replace("0.75", "0.95"), encoding="utf-8")
    with pytest.raises(ConfigError, match="its rows have SHA-256"):
        own_tables.degradation(tmp_path)


def test_solarsoft_is_asked_through_aiapy(archive, tmp_path, monkeypatch):
    monkeypatch.setattr(utils, "_fetch_correction_table_latest", lambda: V8)
    lmsal = tmp_path / "lmsal.csv"
    get_pointing_table("jsoc", time_range=Time(["2021-06-30", "2021-07-06"])).write(lmsal, format="ascii.csv")
    monkeypatch.setattr(utils, "_fetch_pointing_table", lambda: lmsal)
    degradation, source = fetch.ssw_degradation()
    assert set(degradation["VER_NUM"]) == {8}
    assert "SolarSoft" in source
    pointing, source = fetch.ssw_pointing(DAY)
    assert "LMSAL" in source
    asked = fetch.pointing(DAY)[0]
    assert list(_pointings(pointing, tmp_path)) == list(_pointings(asked, tmp_path))
