"""The worked example, from the committed configuration to the sequence figure, run as a user runs it."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import warm
from astropy.io import fits
from running import ROOT, Workflow, account, call_each, jobs_in
from terminal import in_terminal
from true_sun import mean_brightness

from aia_sequence.lists.lightcurve import read_points

pytestmark = pytest.mark.slow

DEMO = [
    "make",
    "--no-print-directory",
    "-o",
    ".venv/installed",
    "demo",
    "CORES=2",
]  # the environment is that of the tests

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
    """The worked example, finished."""
    workflow = Workflow.example(tmp_path_factory.mktemp("demo"))
    for path in ROOT.iterdir():
        if not path.name.startswith(".") and path.name not in ("results", "resources", "logs", "benchmarks"):
            (workflow.folder / path.name).symlink_to(path)
    (workflow.folder / ".venv").mkdir()
    (workflow.folder / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    run = in_terminal(DEMO, workflow.folder)
    assert run[0] == 0, run[2]
    yield workflow, run
    shutil.rmtree(workflow.folder)


def test_make_demo_is_told_in_a_few_lines_of_a_small_terminal(demo):
    """What it takes first; then a display that leaves nothing behind; then what there is, and where."""
    workflow, (_, left, shown) = demo
    lines = [line for line in left if line]
    assert len(lines) <= 25
    assert re.search(r"about a minute on two cores, [\d.]+ GB of disk", lines[0])
    assert re.search(r"\] \d+ of 8 steps, \d+ s", shown)
    assert re.search(r"download_level1 .* \d+ of 20, \d+ MB", shown)
    assert "Traceback" not in shown
    assert "x1.5-2021-07-03  20 frames kept, 31 dropped, 0 failed" in lines
    assert lines[-1] == f"Results: {workflow.folder / 'results' / 'index.html'}"
    assert (workflow.folder / "results" / "index.html").is_file()
    drawn = re.findall(r"\[[#.]{20}\] \d+ of 8 steps.*|^  \w+  .*", shown.replace("\r", ""), re.MULTILINE)
    assert max(map(len, drawn)) < 80  # a line that is broken cannot be taken back


def test_the_notebook_runs_from_top_to_bottom_where_the_demo_has_run(demo):
    """As a kernel would: cell after cell, in one namespace, in the folder of the results."""
    workflow, _ = demo
    cells = json.loads((ROOT / "examples" / "analysis.ipynb").read_text(encoding="utf-8"))["cells"]
    code = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    assert all(not cell["outputs"] for cell in cells if cell["cell_type"] == "code")
    checked = "\nassert len(maps) == 20\nassert own.shape == (20,) and float(own.max()) > 1000\nassert limit > 0"
    ran = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:__main__", "-c", code + checked],
        cwd=workflow.folder, env=os.environ | {"MPLBACKEND": "agg"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "20 frames; DN / s ; synthetic: True" in ran.stdout


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


def test_the_light_curve_is_the_models_whatever_the_exposure(demo):
    """Of the first, the shortest, and the last exposed: the flare has decayed since."""
    workflow, _ = demo
    points = read_points(workflow.results / "figures" / "211" / "lightcurve.csv")
    assert [round(point.EXPTIME, 6) for point in points] == [exposure for exposure, _ in TABLE.values()]
    known = {}
    for point in (points[0], min(points, key=lambda point: point.EXPTIME), points[-1]):
        known[point.T_REC] = mean_brightness(211, workflow.event["region"], point.T_OBS)
        assert point.saturated == 0
        assert point.mean == pytest.approx(known[point.T_REC], rel=5e-4)
    assert max(known.values()) > 1.01 * min(known.values())


def test_a_finished_run_has_nothing_to_do_and_says_in_a_pipe_where_everything_is(demo):
    workflow, _ = demo
    status, left, shown = in_terminal(DEMO, workflow.folder, terminal=False)
    assert status == 0, shown
    assert jobs_in(account(workflow.folder)).total() == 0
    lines = [line for line in left if line]
    assert lines[-1] == f"Results: {workflow.folder / 'results' / 'index.html'}"
    assert len(lines) <= 5


def test_another_channel_leaves_the_first_alone(demo):
    workflow, _ = demo
    both = workflow.changed(channels=[171, 211]).run("--dry-run")
    assert both.status == 0, both.output
    per_channel = [message for message in both.messages if " Å" in message]
    assert per_channel
    # The viewer names the event's channels, to lead from one to another, and is drawn with the rest of its sequence.
    assert {message for message in per_channel if "at 171 Å" not in message} == {
        f"Measuring and drawing the sequence of {workflow.event['name']} at 211 Å"
    }
    assert both.jobs["query_metadata"] == 0
    assert both.jobs["calibrate_level15"] == 1


def test_a_condition_that_no_record_passes_is_an_error_that_says_what_removed_the_records(tmp_path):
    workflow = Workflow.example(tmp_path).changed(where={"EXPTIME": "> 100"})
    target = f"results/{workflow.event['name']}/figures/211/lightcurve.csv"
    command = [sys.executable, "-m", "aia_sequence", "run", *workflow.arguments(target)]
    status, left, shown = in_terminal(command, variables=warm.environment())
    assert status != 0
    assert re.search("\x1b\\[31mFAILED plot_sequence .*Of 51 records in the window EXPTIME > 100.0 removed 51", shown)
    assert "Traceback" not in "\n".join(left)


WRONG = [
    ({"channels": [195]}, "events[0].channels[0]: 195 is not allowed; did you mean 193? Allowed are 94, 131, 171"),
    ({"where": {"EXPOSURE": "< 2"}}, "EXPOSURE"),
    ({"end": "2021-07-03T14:00:00Z"}, "end: 2021-07-03T14:00:00Z lies before start 2021-07-03T14:25:00Z"),
]


def test_what_cannot_be_run_stops_before_the_first_job_without_a_traceback(tmp_path):
    """Configurations with a mistake each, and JSOC without an address."""
    runs = [Workflow.example(tmp_path / str(number)).changed(**change) for number, (change, _) in enumerate(WRONG)]
    runs.append(Workflow.example(tmp_path / "jsoc", archive="jsoc"))
    messages = [*(message for _, message in WRONG), "JSOC_EMAIL is not set"]
    said = call_each([workflow.arguments() for workflow in runs], tmp_path, JSOC_EMAIL="")
    for (status, text), message in zip(said, messages, strict=True):
        assert status != 0
        assert message in text
        assert "Traceback" not in text
    assert not list(tmp_path.glob("*/results"))
