"""A committed record list is met by the archive, or the difference is told."""

import runpy

import pandas as pd
import pytest
from folders import EventFolder

from aia_sequence.acquisition import record_list
from aia_sequence.commands.freeze import main
from aia_sequence.errors import ArchiveError, ConfigError
from aia_sequence.lists.records import RECORDS

FATES = {171: ["calibrated", "filtered", "calibrated"], 211: ["filtered", "calibrated", "not exported"]}
BLOCK = {"channel": 211, "start": "2021-07-03T14:24:59Z", "end": "2021-07-03T14:25:23Z"}


@pytest.fixture
def committed(tmp_path):
    EventFolder(tmp_path / "results" / "made-up", FATES).write()
    arguments = ["made-up", "--results", str(tmp_path / "results"), "--output", str(tmp_path / "config" / "records")]
    assert main(arguments) == 0
    return tmp_path / "config" / "records" / "made-up.csv"


@pytest.fixture
def kept(tmp_path, committed):
    table = RECORDS.frame(next((tmp_path / "results" / "made-up" / "records" / "211").glob("*.csv")))
    return table[table["kept"]]


def test_the_list_holds_the_kept_records_of_all_channels(committed):
    table = record_list.read(committed)
    assert list(table["record"]) == [
        "aia.lev1_euv_12s[2021-07-03T14:24:59Z][171]",
        "aia.lev1_euv_12s[2021-07-03T14:25:11Z][211]",
        "aia.lev1_euv_12s[2021-07-03T14:25:23Z][171]",
        "aia.lev1_euv_12s[2021-07-03T14:25:23Z][211]",
    ]


def test_freezing_twice_gives_the_same_bytes(tmp_path, committed):
    before = committed.read_bytes()
    main(["made-up", "--results", str(tmp_path / "results"), "--output", str(committed.parent)])
    assert committed.read_bytes() == before


def test_the_same_answer_passes(committed, kept):
    record_list.check(committed, kept, **BLOCK)


def test_only_the_blocks_own_slots_are_compared(committed, kept):
    first = kept[kept["T_REC"] == "2021-07-03T14:25:11Z"]
    record_list.check(committed, first, channel=211, start="2021-07-03T14:24:59Z", end="2021-07-03T14:25:11Z")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda table: table.iloc[:1], r"\[2021-07-03T14:25:23Z\]\[211\]: only in the first"),
        (
            lambda table: table.assign(EXPTIME=[0.5, 0.578715]),
            r"\[2021-07-03T14:25:11Z\]\[211\]: EXPTIME 0.578715 and 0.5",
        ),
        (lambda table: table.assign(recnum=pd.array([7, 211], dtype="Int64")), "recnum 211 and 7"),
    ],
)
def test_another_answer_fails_with_the_difference(committed, kept, change, told):
    with pytest.raises(ArchiveError, match=told) as error:
        record_list.check(committed, change(kept), **BLOCK)
    assert str(committed) in str(error.value)
    assert "differences: 1" in str(error.value)


def test_filtering_fails_with_the_difference_before_it_writes_anything(tmp_path, committed, root):
    main = runpy.run_path(str(root / "scripts" / "filter_records.py"))["main"]
    table = next((tmp_path / "results" / "made-up" / "metadata").rglob("*T1424.csv"))
    with pytest.raises(ArchiveError, match=r"\[2021-07-03T14:24:59Z\]\[211\]: only in the second"):
        main(
            archive="synthetic",
            state=tmp_path / "state",
            servers="",
            series="aia.lev1_euv_12s",
            segments=["image"],
            channel=BLOCK["channel"],
            span=[BLOCK["start"], BLOCK["end"]],
            where={},
            steps=None,
            table=table,
            record_list=committed,
            records=tmp_path / "records.csv",
            recordset=tmp_path / "recordset.txt",
        )
    assert not (tmp_path / "records.csv").exists()
    assert not (tmp_path / "recordset.txt").exists()


def test_a_file_that_is_no_record_list_is_refused(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("record,T_REC\n")
    with pytest.raises(ConfigError, match="it lacks recnum, T_OBS"):
        record_list.read(path)


def test_an_event_that_was_never_run_cannot_be_frozen(tmp_path, capsys):
    assert main(["made-up", "--results", str(tmp_path), "--output", str(tmp_path)]) == 1
    assert "run the workflow first" in capsys.readouterr().err
