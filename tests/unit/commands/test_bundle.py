"""Calibration tables travel in one file, unchanged, and never replace others unasked."""

import shutil
import zipfile

import pytest
from test_crate import write

from aia_sequence.commands import bundle, zips
from aia_sequence.errors import AIAError

NAMES = ["synthetic/calibration/degradation.ecsv", "synthetic/calibration/pointing/20210703.ecsv"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory, root):
    return write(tmp_path_factory.mktemp("finished"), root)


@pytest.fixture
def resources(finished, tmp_path):
    shutil.copytree(finished.parents[1] / "resources", tmp_path / "resources")
    return tmp_path / "resources"


def test_a_colleague_gets_the_tables_of_an_event_byte_for_byte(finished, resources, tmp_path, capsys):
    (resources / "synthetic" / "calibration" / "pointing" / "20110215.ecsv").write_text("of another event")
    path = tmp_path / "tables.zip"
    assert bundle.main(["export", str(path), str(finished), "--resources", str(resources)]) == 0
    theirs = tmp_path / "theirs"
    assert bundle.main(["import", str(path), "--resources", str(theirs)]) == 0
    assert "2 tables taken from" in capsys.readouterr().out
    got = {file.relative_to(theirs).as_posix(): file.read_bytes() for file in theirs.rglob("*") if file.is_file()}
    assert got == {name: (resources / name).read_bytes() for name in NAMES}


def test_without_an_event_all_tables_are_packed(resources, tmp_path):
    (resources / "synthetic" / "calibration" / "errors.ecsv").write_text("errors")
    assert bundle.export(tmp_path / "all.zip", [], resources) == sorted([*NAMES, "synthetic/calibration/errors.ecsv"])


def test_the_same_tables_give_the_same_bytes(finished, resources, tmp_path):
    for name in ("one.zip", "two.zip"):
        bundle.export(tmp_path / name, [finished], resources)
        (resources / NAMES[0]).touch()
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_a_table_that_is_no_longer_the_events_own_is_not_packed(finished, resources, tmp_path):
    (resources / NAMES[0]).write_text("fetched anew")
    with pytest.raises(AIAError, match="is not the table that made-up was made with"):
        bundle.export(tmp_path / "tables.zip", [finished], resources)


def test_other_tables_of_the_same_name_are_replaced_only_if_asked_for(finished, resources, tmp_path):
    path, theirs = tmp_path / "tables.zip", tmp_path / "theirs"
    bundle.export(path, [finished], resources)
    (theirs / NAMES[0]).parent.mkdir(parents=True)
    (theirs / NAMES[0]).write_text("their own")
    with pytest.raises(AIAError, match=r"other tables of the same names: synthetic/calibration/degradation\.ecsv"):
        bundle.take_in(path, theirs)
    assert (theirs / NAMES[0]).read_text() == "their own"
    assert not (theirs / NAMES[1]).exists(), "all or nothing"
    assert bundle.take_in(path, theirs, replace=True) == NAMES
    assert bundle.take_in(path, theirs) == [], "taken in twice, nothing is left to do"


def test_a_damaged_bundle_is_refused(finished, resources, tmp_path, capsys):
    path = tmp_path / "tables.zip"
    bundle.export(path, [finished], resources)
    content = bytearray(path.read_bytes())
    content[200] ^= 1
    path.write_bytes(content)
    assert bundle.main(["import", str(path), "--resources", str(tmp_path / "theirs")]) == 1
    assert "tables.zip" in capsys.readouterr().err
    assert not (tmp_path / "theirs").exists()


def test_a_zip_that_reaches_out_of_its_folder_is_refused(tmp_path):
    path = tmp_path / "evil.zip"
    zips.write(path, {"../calibration/x.ecsv": "gotcha"})
    with pytest.raises(AIAError, match="no calibration bundle"):
        bundle.take_in(path, tmp_path / "theirs")


def test_a_zip_of_something_else_is_no_bundle(tmp_path):
    path = tmp_path / "other.zip"
    zips.write(path, {"README.md": "hello"})
    with pytest.raises(AIAError, match=r"no calibration bundle: it holds 'README\.md'"):
        bundle.take_in(path, tmp_path / "theirs")


def test_files_keep_no_time_of_their_own(tmp_path):
    zips.write(tmp_path / "a.zip", {"a.txt": "a"})
    with zipfile.ZipFile(tmp_path / "a.zip") as packed:
        assert {entry.date_time for entry in packed.infolist()} == {zips.DATE}
