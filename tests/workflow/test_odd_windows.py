"""Windows where the clock is odd, through Snakemake: across a leap second, and too short for a slow series."""

import csv
import json
import re
import shutil

import pytest
from running import Workflow

pytestmark = pytest.mark.slow

CUTOUT = {"cutout": True, "region": {"x": [-60, 60], "y": [-60, 60]}}
SLOTS = ["2016-12-31T23:59:48Z", "2016-12-31T23:59:60Z", "2017-01-01T00:00:11Z"]
LEAP = {"name": "leap", "start": SLOTS[0], "end": "2017-01-01T00:00:12Z", "channels": [171], **CUTOUT}
# Ten minutes in the middle of an hour. Of 4500 there is one image an hour, of 1600 one in 24 s: the first will do.
SHORT = {"name": "short", "start": "2021-07-03T14:25:00Z", "end": "2021-07-03T14:35:00Z", "channels": [1600, 4500]}
SHORT |= {**CUTOUT, "where": {"T_REC": "< 2021-07-03T14:25:20Z"}}
NEAREST = ["2021-07-03T13:59:23Z", "2021-07-03T14:59:23Z"]


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Both events up to the audit, the first one with its viewer: the folder of results, and all that was printed."""
    workflow = Workflow(tmp_path_factory.mktemp("odd"), {"archive": "synthetic", "events": [LEAP, SHORT]})
    run = workflow.run(
        *(f"results/{name}" for name in ("leap/audit.html", "leap/figures/171/viewer.html", "short/audit.html"))
    )
    assert run.status == 0, run.output
    yield workflow.folder / "results", run.output
    shutil.rmtree(workflow.folder)


def test_a_window_across_a_leap_second_runs_from_query_to_viewer(made):
    leap = made[0] / "leap"
    manifests = sorted((leap / "level1.5" / "171").glob("*.csv"))
    assert len(manifests) == 2
    assert [row["T_REC"] for manifest in manifests for row in rows(manifest)] == SLOTS
    assert [row["T_REC"] for row in rows(leap / "figures" / "171" / "lightcurve.csv")] == SLOTS
    assert [row["T_REC"] for row in rows(leap / "audit.csv") if row["outcome"] == "calibrated"] == SLOTS
    page = (leap / "figures" / "171" / "viewer.html").read_text(encoding="utf-8")
    first, second, third = json.loads(re.search(r'id="about">(.*?)</script>', page, re.DOTALL)[1])["frames"]
    assert [second["tai"] - first["tai"], third["tai"] - second["tai"]] == pytest.approx([12, 12], abs=0.05)


def test_a_channel_without_a_slot_in_the_window_is_told_while_planning_with_the_nearest_ones(made):
    _, output = made
    (said,) = re.finditer(r"^warning: .*\b4500 is left out: .*$", output, re.MULTILINE)
    assert all(slot in said[0] for slot in NEAREST), said[0]
    assert said.start() < output.index("fetch_pointing")


def test_the_events_other_channels_go_on_and_the_audit_names_the_one_without(made):
    short = made[0] / "short"
    (frame,) = (short / "level1.5").rglob("*.fits")
    assert frame.parent.parent.name == "1600"
    assert not any(row["WAVELNTH"] == "4500" for row in rows(short / "audit.csv"))
    page = (short / "audit.html").read_text(encoding="utf-8")
    (note,) = re.findall(r"4500 Å[^<]*(?:<[^>]*>[^<]*)*?aia\.lev1_vis_1h has no slot in the window[^<]*", page)
    assert all(slot in note for slot in NEAREST), note
