"""Lists of corrections: what the tables say of every record, looked up before any frame is there."""

import math
import subprocess
import sys

import pytest
from level1_frames import CHANNELS, freeze_tables, header, pointing_table

from aia_sequence.calibration import corrections, lookup, tables
from aia_sequence.config.calibration import CalibrationOptions
from aia_sequence.errors import FrameError
from aia_sequence.lists.manifests import CORRECTIONS
from aia_sequence.lists.table import ListError


@pytest.fixture(scope="module")
def frozen(tmp_path_factory):
    paths = freeze_tables(tmp_path_factory.mktemp("tables"))
    return lookup.Tables(tables.thaw(paths["pointing"]), tables.thaw(paths["degradation"]))


def record(number, channel=211, **changes):
    cards = header(number)
    known = {"record": f"r{number}", "T_OBS": cards["T_OBS"], "DATE__OBS": f"{cards['DATE-OBS']}Z", "WAVELNTH": channel}
    return known | changes


def test_a_list_reads_back_as_it_was_looked_up(tmp_path, frozen):
    rows = lookup.look_up([record(0), record(1, T_OBS="", DATE__OBS="")], frozen, CalibrationOptions())
    CORRECTIONS.write(tmp_path / "list.csv", rows)
    found = corrections.read(tmp_path / "list.csv")
    assert list(found) == ["r0", "r1"]
    assert found["r0"] == {name: value or None for name, value in rows[0].items()}
    assert isinstance(found["r0"]["degradation_version"], int)
    assert math.isclose(found["r0"]["degradation"], 0.75 / 1.2)


def test_every_record_has_a_row_and_one_without_an_answer_says_why(frozen):
    """A record without an image has no time; it may be dropped later, and is no reason to fail."""
    first, second, third = lookup.look_up(
        [record(0), record(1, T_OBS=""), record(2, channel=171)], frozen, CalibrationOptions()
    )
    assert not first["reason"]
    assert second["reason"].startswith("the archive states no T_OBS")
    assert "no degradation of 171 Å" in third["reason"]


@pytest.mark.parametrize("area", [math.nan, 0.0, -0.1])
def test_a_degradation_that_nothing_can_be_divided_by_is_a_reason(frozen, area):
    table = frozen.degradation.copy()
    table["EFF_AREA"][-1] *= area
    (row,) = lookup.look_up([record(0)], lookup.Tables(frozen.pointing, table), CalibrationOptions())
    assert row["reason"].startswith("the degradation of 211 Å on 2021-07-03T14:27:24.090 by aia.response")
    assert row["degradation"] is None


def test_a_frame_fails_with_the_reason_that_its_record_has(frozen):
    (row,) = lookup.look_up([record(0, T_OBS="2021-07-04T12:00:00Z")], frozen, CalibrationOptions())
    with pytest.raises(FrameError, match="no row of the pointing table"):
        corrections.of_frame(header(), row, CalibrationOptions())


def test_no_table_is_needed_for_what_is_not_asked_for():
    plain = CalibrationOptions(pointing=False, degradation=False)
    (row,) = lookup.look_up([record(0)], lookup.Tables(), plain)
    assert set(row.values()) == {"r0", row["T_OBS"], None}
    assert corrections.of_frame(header(), None, plain).degradation is None


def test_aiapy_is_asked_once_for_a_row_of_the_pointing_table(monkeypatch):
    """The row holds for three hours, thousands of frames."""
    table = pointing_table()
    table.meta.update({"archive": "synthetic", "source": "s", "sha256": "0"})
    asked = []
    update = lookup.update_pointing
    monkeypatch.setattr(lookup, "update_pointing", lambda *a, **k: asked.append(a) or update(*a, **k))
    records = [record(number, channel) for number in range(20) for channel in CHANNELS]
    rows = lookup.look_up(records, lookup.Tables(table), CalibrationOptions(degradation=False))
    assert not any(row["reason"] for row in rows)
    assert len(asked) == len(CHANNELS)


def test_a_file_that_is_no_list_is_refused(tmp_path):
    (tmp_path / "list.csv").write_text("record,T_OBS\nr,\n")
    with pytest.raises(ListError, match=r"list\.csv is no list of corrections"):
        corrections.read(tmp_path / "list.csv")


def test_calibrating_needs_neither_aiapy_nor_scipy_and_leaves_scipy_as_it_was():
    """Both take longer to import than several frames take; numba would import scipy to see whether it is there."""
    script = (
        "import sys\n"
        "import calibrate_level15\n"
        "from aia_sequence.calibration import worker\n"
        "from aia_sequence.config.calibration import CalibrationOptions\n"
        "worker.load_kernels(CalibrationOptions())\n"
        "assert not {'aiapy', 'sunpy', 'pandas', 'scipy.linalg'} & set(sys.modules), sorted(sys.modules)\n"
        "import scipy.linalg\n"
        "assert scipy.linalg.norm([3.0, 4.0]) == 5.0\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
