"""The worked example, from the committed configuration to the sequence figure, run as a user runs it."""

import csv
import shutil

import pytest
from astropy.io import fits
from running import Workflow

pytestmark = pytest.mark.slow

# Row number in the archive's answer, EXPTIME (s) and T_REC of the 211 Å frames below 2 s: the published table.
FRAMES = """
    88, 0.578715, 14:27:23
    102, 0.693402, 14:27:47
    116, 0.832670, 14:28:11
    130, 1.000602, 14:28:35
    144, 1.199910, 14:28:59
    158, 0.237294, 14:29:23
    172, 0.286916, 14:29:47
    186, 0.344258, 14:30:11
    200, 0.414851, 14:30:35
    214, 0.495807, 14:30:59
    228, 0.594103, 14:31:23
    242, 0.712433, 14:31:47
    256, 0.855792, 14:32:11
    270, 0.168142, 14:32:35
    284, 0.204964, 14:32:59
    298, 0.246917, 14:33:23
    312, 0.296079, 14:33:47
    326, 0.353420, 14:34:11
    340, 0.427137, 14:34:35
    354, 0.509090, 14:34:59
"""
TABLE = {
    int(number): (float(exposure), f"2021-07-03T{time.strip()}Z")
    for number, exposure, time in csv.reader(FRAMES.strip().splitlines())
}


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The worked example, finished; 5-minute blocks, so that a window has inner and outer ones."""
    workflow = Workflow.example(tmp_path_factory.mktemp("demo"), block="5m")
    run = workflow.run()
    assert run.status == 0, run.output
    yield workflow, run
    shutil.rmtree(workflow.folder)


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def all_rows(folder):
    return [row for path in sorted(folder.glob("*T????.csv")) for row in rows(path)]


def test_the_archive_lists_357_records_and_20_frames_fulfil_the_conditions(demo):
    workflow, _ = demo
    metadata = all_rows(workflow.results / "metadata" / "aia.lev1_euv_12s")
    assert len(metadata) == 357
    assert sum(float(row["EXPTIME"]) < 2.0 for row in metadata) == 101
    found = {
        number: (float(row["EXPTIME"]), row["T_REC"])
        for number, row in enumerate(metadata)
        if row["WAVELNTH"] == "211" and float(row["EXPTIME"]) < 2.0
    }
    assert found == TABLE


@pytest.mark.parametrize("level", ["level1", "level1.5"])
def test_the_manifests_list_exactly_the_20_frames_of_the_table(demo, level):
    workflow, _ = demo
    frames = all_rows(workflow.results / level / "211")
    assert [(float(row["EXPTIME"]), row["T_REC"]) for row in frames] == list(TABLE.values())
    assert all((workflow.results / level / "211" / row["file"]).stat().st_size == int(row["bytes"]) for row in frames)


def test_every_level_15_frame_says_that_it_is_synthetic_and_of_level_15(demo):
    workflow, _ = demo
    paths = sorted((workflow.results / "level1.5" / "211").glob("*/*.fits"))
    assert len(paths) == 20
    for path in paths:
        header = fits.getheader(path)
        assert header["SYNTH"] is True
        assert (header["LVL_NUM"], header["NAXIS1"], header["NAXIS2"], header["BITPIX"]) == (1.5, 4096, 4096, -32)


def test_the_figures_are_there(demo):
    workflow, _ = demo
    folder = workflow.results / "figures" / "211"
    assert (folder / "sequence.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "sequence.pdf").read_bytes().startswith(b"%PDF")


def test_a_finished_run_has_nothing_to_do(demo):
    workflow, _ = demo
    again = workflow.run()
    assert (again.status, again.jobs.total()) == (0, 0), again.output


def test_a_wider_window_leaves_finished_blocks_alone(demo):
    workflow, _ = demo
    wider = workflow.changed(start="2021-07-03T14:15:00Z", end="2021-07-03T14:45:00Z").run("--dry-run")
    assert wider.status == 0, wider.output
    blocks = {message.split("block ")[1] for message in wider.messages if "block " in message}
    # 14:25 and 14:30 are finished; 14:35 held one slot, the nearest to the window's end, and is now longer.
    assert blocks == {f"20210703T{label}" for label in ("1415", "1420", "1435", "1440", "1445")}


def test_another_channel_leaves_the_first_alone(demo):
    workflow, _ = demo
    both = workflow.changed(channels=[171, 211]).run("--dry-run")
    assert both.status == 0, both.output
    per_channel = [message for message in both.messages if " Å" in message]
    assert per_channel
    assert all("at 171 Å" in message for message in per_channel)
    assert both.jobs["query_metadata"] == 0
    assert both.jobs["calibrate_level15"] == 3


def test_a_deleted_block_is_rebuilt_with_the_figures_and_nothing_else(demo):
    workflow, _ = demo
    folder = workflow.results / "level1.5" / "211"
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.glob("*.csv")}
    shutil.rmtree(folder / "20210703T1430")
    (folder / "20210703T1430.csv").unlink()
    run = workflow.run()
    assert run.status == 0, run.output
    assert run.jobs["calibrate_level15"] == 1
    assert not {"query_metadata", "filter_records", "request_export", "download_level1"} & set(run.jobs)
    after = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.glob("*.csv")}
    assert {name for name in before if before[name][1] != after[name][1]} == {"20210703T1430.csv"}
    assert {name: text for name, (text, _) in before.items()} == {name: text for name, (text, _) in after.items()}


def test_a_condition_that_no_record_passes_is_an_error_that_says_what_removed_the_records(tmp_path):
    workflow = Workflow.example(tmp_path).changed(where={"EXPTIME": "> 100"})
    run = workflow.run()
    assert run.status != 0
    assert "EXPTIME > 100" in run.output
    assert "51" in run.output
    assert "Traceback" not in run.output


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"channels": [195]}, "events[0].channels[0]: 195 is not allowed; did you mean 193? Allowed are 94, 131, 171"),
        ({"where": {"EXPOSURE": "< 2"}}, "EXPOSURE"),
        ({"end": "2021-07-03T14:00:00Z"}, "end: 2021-07-03T14:00:00Z lies before start 2021-07-03T14:25:00Z"),
    ],
)
def test_a_bad_configuration_stops_before_the_first_job_without_a_traceback(tmp_path, change, message):
    run = Workflow.example(tmp_path).changed(**change).run()
    assert run.status != 0
    assert message in run.output
    assert "Traceback" not in run.output
    assert not (tmp_path / "results").exists()


def test_jsoc_without_an_address_stops_before_the_first_job(tmp_path):
    run = Workflow.example(tmp_path, archive="jsoc").run(JSOC_EMAIL="")
    assert run.status != 0
    assert "JSOC_EMAIL is not set" in run.output
    assert "Traceback" not in run.output
