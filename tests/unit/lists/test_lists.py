"""What one stage writes, another reads: the same rows, types and words, and nobody else knows the columns."""

import ast
import json
import math
from dataclasses import fields
from pathlib import Path

import pandas as pd
import pytest
from astropy import units as u
from astropy.table import QTable
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import aia_sequence
from aia_sequence.files import inert
from aia_sequence.lists import audit, exports, lightcurve, manifests, records
from aia_sequence.lists.audit import Outcome
from aia_sequence.lists.table import TIME, Column, ListError, Table

TABLES = [
    table for module in (records, manifests, audit) for table in vars(module).values() if isinstance(table, Table)
]
ONE_FOLDER = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
WHOLE = st.integers(-(2**31), 2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAME = st.from_regex(r"[a-z0-9._]{1,20}(\[[0-9TZ:-]{1,20}\]){0,2}", fullmatch=True)
FINITE = st.floats(allow_nan=False)
every_list = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.what)


def values(column):
    """Any value that a column can hold."""
    kind = {
        str: TEXT.map(inert) if not column.optional else st.none() | TEXT.filter(bool).map(inert),
        int: WHOLE,
        float: FINITE,
        bool: st.booleans(),
    }[column.kind]
    return st.none() | kind if column.optional or column.kind is float else kind


def rows_of(table, further=()):
    names = table.names(further)
    row = st.fixed_dictionaries({name: values(table.known[name]) for name in names})
    return st.lists(row, max_size=3, unique_by=lambda row: row.get("record", row.get("name")))


def sorted_rows(table, rows):
    return sorted(rows, key=lambda row: [row[name] for name in table.order])


@every_list
@ONE_FOLDER
@given(data=st.data())
def test_rows_read_back_as_they_were_written_and_pandas_writes_the_same_bytes(table, data, tmp_path):
    """Results of several years keep their hashes, whichever of the two has written them."""
    further = [column.name for column in table.further] if data.draw(st.booleans()) else []
    names, rows = table.names(further), sorted_rows(table, data.draw(rows_of(table, further)))
    table.write(tmp_path / "ours.csv", rows[::-1] if table.order else rows, further)
    assert table.read(tmp_path / "ours.csv") == sorted_rows(table, rows[::-1] if table.order else rows)
    table.write(tmp_path / "ours.csv", rows, further)
    theirs = pd.DataFrame({name: pd.Series([row[name] for row in rows], dtype=object) for name in names})
    theirs.to_csv(tmp_path / "theirs.csv", index=False, lineterminator="\n")
    written = (tmp_path / "ours.csv").read_bytes()
    assert written == (tmp_path / "theirs.csv").read_bytes()
    frame = table.frame(tmp_path / "ours.csv")
    assert [str(kind) for kind in frame.dtypes] == [table.known[name].dtype for name in names]
    table.write_frame(tmp_path / "again.csv", frame)
    assert (tmp_path / "again.csv").read_bytes() == written


APPLIED = (
    "pointing,crpix1,crpix2,cdelt,crota2,interpolation,degradation,degradation_version,degradation_note,exposure,"
    "respiked,psf_iterations,uncertainty"
)
HEADERS = [  # as results that were published have them
    (records.METADATA, "recnum,T_REC,T_OBS,DATE__OBS,WAVELNTH,EXPTIME,QUALITY,NSATPIX,DATAMEAN,record,image"),
    (
        records.RECORDS,
        "recnum,T_REC,T_OBS,DATE__OBS,WAVELNTH,EXPTIME,QUALITY,NSATPIX,DATAMEAN,record,image,kept,dropped_by",
    ),
    (records.RECORD_LIST, "record,recnum,T_REC,T_OBS,WAVELNTH,EXPTIME,QUALITY"),
    (records.DESCRIPTION, "name,type,units,note,linkinfo"),
    (manifests.LEVEL1, "file,record,T_REC,T_OBS,WAVELNTH,EXPTIME,QUALITY,bytes,sha256,request,reason"),
    (
        manifests.LEVEL15,
        f"file,record,T_REC,T_OBS,WAVELNTH,EXPTIME,QUALITY,bytes,sha256,level1_sha256,reason,{APPLIED}",
    ),
    (
        audit.AUDIT,
        "record,T_REC,T_OBS,WAVELNTH,EXPTIME,QUALITY,NSATPIX,DATAMEAN,quality,outcome,reason,archive,request,level1,"
        f"level1_sha256,level1.5,level1.5_sha256,{APPLIED},notes",
    ),
]


@pytest.mark.parametrize(("table", "header"), HEADERS, ids=[table.what for table, _ in HEADERS])
def test_a_list_keeps_its_columns_and_their_order(table, header, tmp_path):
    table.write(tmp_path / "list.csv", [])
    assert (tmp_path / "list.csv").read_text() == f"{header}\n"


def test_no_list_is_without_a_header_that_is_kept():
    assert {table for table, _ in HEADERS} == set(TABLES)


@every_list
def test_a_unit_is_one_that_astropy_knows(table):
    for column in table.known.values():
        assert column.unit == TIME or u.Unit(column.unit) is not None
        assert column.unit in ("", TIME) or column.kind is not str


@every_list
def test_what_no_such_list_has_is_not_written(table, tmp_path):
    row = dict.fromkeys(table.names(), "") | {"colour": "red"}
    with pytest.raises(ValueError, match=f"a {table.what} has no column colour"):
        table.write(tmp_path / "list.csv", [row])
    with pytest.raises(ValueError, match=f"a {table.what} has no column colour"):
        table.write(tmp_path / "list.csv", [], ["colour"])


@every_list
@pytest.mark.parametrize("text", ["", "colour\nred\n"])
def test_another_file_is_refused_with_what_it_lacks(table, tmp_path, text):
    (tmp_path / "list.csv").write_text(text)
    lacking = (table.needed or table.names())[0]
    with pytest.raises(ListError, match=rf"list\.csv is no {table.what}: it lacks {lacking}.*; {table.remedy}"):
        table.read(tmp_path / "list.csv")


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ("1,short", "row 1 has 2 cells, its header 7"),
        ("r,1,2021-07-03T14:24:59Z,,211,half,0", "'half' is no EXPTIME"),
        ("r,1,2021-07-03T14:24:59Z,,211,0.5,0\ufffd", "is no QUALITY"),
        (b"r,1,\xff\xfe,,211,0.5,0", "can't decode byte 0xff"),
    ],
)
def test_a_damaged_list_is_refused_with_what_is_wrong(tmp_path, cells, told):
    header = ",".join(records.RECORD_LIST.names()) + "\n"
    (tmp_path / "list.csv").write_bytes(header.encode() + (cells if isinstance(cells, bytes) else cells.encode()))
    with pytest.raises(ListError, match=rf"list\.csv is damaged: .*{told}"):
        records.RECORD_LIST.frame(tmp_path / "list.csv")


def test_a_number_that_must_be_there_is_missed(tmp_path):
    row = {"record": "r", "recnum": 1, "T_REC": "2021-07-03T14:24:59Z", "QUALITY": 0}
    records.RECORD_LIST.write(tmp_path / "list.csv", [row])
    with pytest.raises(ListError, match="a number is missing"):
        records.RECORD_LIST.frame(tmp_path / "list.csv")


def test_the_digits_of_a_list_are_kept_where_its_text_is_asked_for(tmp_path):
    row = {"record": "r", "T_REC": "2021-07-03T14:24:59Z", "WAVELNTH": "0211", "EXPTIME": "2.900", "reason": ""}
    manifests.LEVEL1.write(tmp_path / "list.csv", [row])
    table = manifests.LEVEL1.texts([tmp_path / "list.csv"])
    assert dict(table.iloc[0]) == dict.fromkeys(manifests.LEVEL1.names(), "") | row


@pytest.mark.parametrize("table", [manifests.LEVEL1, manifests.LEVEL15], ids=lambda table: table.what)
def test_a_manifest_names_the_frames_that_have_a_file(table, tmp_path):
    frame = {"T_REC": "2021-07-03T14:24:59Z", "WAVELNTH": 211, "bytes": 7, "sha256": "0" * 64}
    rows = [
        frame | {"record": "a", "file": "b/a.fits", "reason": ""},
        frame | {"record": "b", "reason": f"{manifests.QUARANTINED}its CHECKSUM is wrong"},
    ]
    table.write(tmp_path / "b.csv", rows)
    assert list(manifests.listed(tmp_path / "b.csv")) == [
        manifests.Listed("a", tmp_path / "b" / "a.fits", 7, "0" * 64, None)
    ]
    table.write(tmp_path / "b.csv", [rows[0], rows[0]])
    with pytest.raises(ListError, match="record a listed more than once"):
        list(manifests.listed(tmp_path / "b.csv"))


NAMED = {"id": NAME, "method": NAME, "protocol": NAME, "recordset": TEXT}
DELIVERIES = st.builds(
    exports.Delivery,
    st.lists(
        st.builds(
            exports.ExportedRequest,
            **NAMED,
            processing=st.dictionaries(NAME, st.dictionaries(NAME, TEXT, max_size=2), max_size=2),
            count=st.integers(0),
            size_mb=st.none() | st.integers(0),
        ),
        max_size=3,
    ),
    st.lists(st.builds(exports.ExportedFile, TEXT, TEXT, TEXT, TEXT, TEXT), max_size=3),
    st.lists(st.builds(exports.NotExported, TEXT, TEXT), max_size=3),
)


@ONE_FOLDER
@given(export=st.builds(exports.Export, NAME, NAME, st.integers(1), NAME, TEXT, DELIVERIES, st.lists(TEXT, max_size=3)))
def test_an_export_reads_back_as_it_was_written(export, tmp_path):
    export.write(tmp_path / "export.json")
    assert exports.Export.read(tmp_path / "export.json") == export


def test_an_export_keeps_its_bytes(tmp_path):
    delivery = exports.Delivery(
        [exports.ExportedRequest("JSOC_1", "url", "fits", {"im_patch": {"x": "1"}}, "s[t]", 1, None)],
        [exports.ExportedFile("r", "image", "a.fits", "http://synthetic.invalid/a.fits", "JSOC_1")],
        [exports.NotExported("q", "the archive has no file of it (NoDataFile)")],
    )
    exports.Export("synthetic", "s", 211, "b", "s[t]", delivery, ["p"]).write(tmp_path / "export.json")
    expected = {
        "archive": "synthetic", "series": "s", "channel": 211, "block": "b", "recordset": "s[t]",
        "requests": [{
            "id": "JSOC_1", "method": "url", "protocol": "fits", "processing": {"im_patch": {"x": "1"}},
            "recordset": "s[t]", "count": 1, "size_mb": None,
        }],
        "files": [{
            "record": "r", "segment": "image", "filename": "a.fits", "url": "http://synthetic.invalid/a.fits",
            "request": "JSOC_1",
        }],
        "not_exported": [{"record": "q", "reason": "the archive has no file of it (NoDataFile)"}],
        "cached": ["p"],
    }  # fmt: skip
    written = (tmp_path / "export.json").read_text(encoding="utf-8")
    assert written == json.dumps(expected, indent=1) + "\n"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"requests": [], "files": [{"record": "r"}], "not_exported": []}'])
def test_a_file_that_is_no_export_is_refused(tmp_path, text):
    (tmp_path / "export.json").write_text(text)
    with pytest.raises(ListError, match=r"export\.json is no export of the archive"):
        exports.Export.read(tmp_path / "export.json")


POINTS = st.builds(
    lightcurve.Point,
    **{
        item.name: {str: NAME, int: WHOLE, float: st.just(math.nan) | FINITE.map(lambda value: float(f"{value:.9g}"))}[
            item.type
        ]
        for item in fields(lightcurve.Point)
    },
)


@ONE_FOLDER
@given(points=st.lists(POINTS, max_size=5))
def test_a_light_curve_reads_back_as_it_was_written(points, tmp_path):
    path = tmp_path / "lightcurve.csv"
    lightcurve.write_points(points, path)
    assert list(map(repr, lightcurve.read_points(path))) == list(map(repr, points))
    table = QTable.read(path, format="ascii.ecsv")
    assert table.colnames == lightcurve.COLUMNS
    assert {name: table[name].unit for name in lightcurve.UNITS} == {
        name: u.Unit(unit) for name, unit in lightcurve.UNITS.items()
    }


def test_every_outcome_says_what_it_means():
    assert len({outcome.meaning for outcome in Outcome}) == len(Outcome)
    assert {*audit.DROPPED, *audit.LOST} < set(Outcome)


# ----- nobody else knows a list's columns or words -----

LIBRARY = Path(aia_sequence.__path__[0])
LISTS = {table.what: set(table.names()) for table in TABLES} | {
    kind.__name__: {item.name for item in fields(kind)}
    for kind in (lightcurve.Point, exports.ExportedRequest, exports.ExportedFile, exports.Export)
}
WORDS = {str(outcome) for outcome in Outcome} - {"calibrated", "filtered", "no image"}  # which are words of others too


def spelled(source):
    """The lists whose columns a module spells: half of them or more, four at least, and little else in one display.

    A mapping counts where its values are constants or types: one that holds a row's values is a row.
    """
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Dict):
            schema = all(isinstance(value, ast.Constant | ast.Name) for value in node.values)
            items = node.keys if schema else []
        else:
            items = node.elts if isinstance(node, ast.List | ast.Tuple | ast.Set) else []
        names = {item.value for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str)}
        found |= {
            what
            for what, columns in LISTS.items()
            if len(names & columns) >= max(4, len(columns) / 2, 0.75 * len(names))
        }
    return found


def modules():
    paths = [*LIBRARY.rglob("*.py"), *LIBRARY.parent.glob("*.py")]
    return [path for path in paths if LIBRARY / "lists" not in path.parents]


def test_no_other_module_spells_the_columns_of_a_list():
    assert {path.name: found for path in modules() if (found := spelled(path.read_text(encoding="utf-8")))} == {}


def test_a_spelled_list_is_found():
    for table in TABLES:
        assert table.what in spelled(f"COLUMNS = {table.names()[: -(-len(table.names()) // 2) + 1]!r}")
    assert not spelled("x = ['T_REC', 'WAVELNTH']")


def test_no_other_module_spells_an_outcome_or_how_a_reason_begins():
    constants = {
        (path.name, node.value)
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert {
        (name, text) for name, text in constants if text in WORDS or text.startswith(manifests.QUARANTINED)
    } == set()


def test_columns_are_named_once():
    for table in TABLES:
        titles = [column.name for column in (*table.columns, *table.further, *table.last)]
        assert len(set(titles)) == len(titles)
        assert set(table.order) | set(table.needed) <= set(titles)
    assert Column("x").dtype == "str"
