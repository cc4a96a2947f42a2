"""What is odd, through Snakemake: a leap second, a window too short for a slow series, series of single frames."""

import csv
import json
import re
import shutil

import numpy as np
import pytest
from astropy.io import fits
from running import Workflow

pytestmark = pytest.mark.slow

CUTOUT = {"cutout": True, "region": {"x": [-60, 60], "y": [-60, 60]}}
SLOTS = ["2016-12-31T23:59:48Z", "2016-12-31T23:59:60Z", "2017-01-01T00:00:11Z"]
LEAP = {"name": "leap", "start": SLOTS[0], "end": "2017-01-01T00:00:12Z", "channels": [211], **CUTOUT}
# Ten minutes in the middle of an hour. Of 4500 there is one image an hour, of 1600 one in 24 s: the first will do.
SHORT = {"name": "short", "start": "2021-07-03T14:25:00Z", "end": "2021-07-03T14:35:00Z", "channels": [1600, 4500]}
SHORT |= {**CUTOUT, "where": {"T_REC": "< 2021-07-03T14:25:20Z"}}
# The same two images of 193 A as final ones and as those of near real time, by FSN.
LATER = {"start": "2021-07-03T14:25:25Z", "end": "2021-07-03T14:25:45Z", "channels": [193], **CUTOUT}
FINAL = {"name": "final", "series": "aia.lev1", "where": {"QUALITY": "= 0"}, **LATER}
HASTY = {"name": "hasty", "series": "aia.lev1_nrt2", "where": {"QUALITY": "ignore bits 30"}, **LATER}
OBSERVED = ["2021-07-03T14:25:29.83Z", "2021-07-03T14:25:41.84Z"]
NEAREST = ["2021-07-03T13:59:23Z", "2021-07-03T14:59:23Z"]


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """All events up to the audit, some with a figure: the folder of results, and all that was printed."""
    events = [LEAP, SHORT, FINAL, HASTY]
    config = {"archive": "synthetic", "defaults": {"figure": {"size": "one-column", "dpi": 72}}, "events": events}
    workflow = Workflow(tmp_path_factory.mktemp("odd"), config)
    figures = ("leap/figures/211/viewer.html", "hasty/figures/193/sequence.png")
    run = workflow.run(*(f"results/{name}" for name in (*(f"{one['name']}/audit.html" for one in events), *figures)))
    assert run.status == 0, run.output
    yield workflow.folder / "results", run.output
    shutil.rmtree(workflow.folder)


def test_a_window_across_a_leap_second_runs_from_query_to_viewer(made):
    leap = made[0] / "leap"
    manifests = sorted((leap / "level1.5" / "211").glob("*.csv"))
    assert len(manifests) == 2
    assert [row["T_REC"] for manifest in manifests for row in rows(manifest)] == SLOTS
    assert [row["T_REC"] for row in rows(leap / "figures" / "211" / "lightcurve.csv")] == SLOTS
    assert [row["T_REC"] for row in rows(leap / "audit.csv") if row["outcome"] == "calibrated"] == SLOTS
    page = (leap / "figures" / "211" / "viewer.html").read_text(encoding="utf-8")
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


@pytest.mark.parametrize("event", [FINAL, HASTY], ids=["final", "near real time"])
def test_frames_by_their_number_run_from_query_to_audit(made, event):
    """T_OBS are those of real records; T_REC is the nearest second, and FSN names the record."""
    folder, series = made[0] / event["name"], event["series"]
    audit = [row for row in rows(folder / "audit.csv") if row["WAVELNTH"] == "193"]
    assert [(row["outcome"], row["T_OBS"]) for row in audit] == [("calibrated", time) for time in OBSERVED]
    (table,) = (folder / "metadata" / series).glob("20210703T1400.csv")
    fsn = {row["T_OBS"]: row["FSN"] for row in rows(table)}
    named = [
        f"{series}[2021-07-03T14:25:{seconds}Z][{fsn[time]}]" for seconds, time in zip((30, 42), OBSERVED, strict=True)
    ]
    assert [row["record"] for row in audit] == named
    hasty = event is HASTY
    assert all((row["quality"] == "near-real-time image") == hasty for row in audit)
    assert ("near real time" in (folder / "audit.html").read_text(encoding="utf-8")) == hasty
    for path in sorted((folder / "level1.5").rglob("*.fits")):
        header = fits.getheader(path)
        assert header.get("NRT", False) == hasty
        assert header["L1RECORD"] in named
        assert header["L1DRMSID"].startswith(f"{series}_mod:")


def test_a_frame_has_the_same_pixels_whatever_series_it_is_taken_from(made):
    final, hasty = (sorted((made[0] / name / "level1.5").rglob("*.fits")) for name in ("final", "hasty"))
    assert len(final) == len(hasty) == 2
    for one, other in zip(final, hasty, strict=True):
        np.testing.assert_array_equal(fits.getdata(one), fits.getdata(other))


def test_a_caption_says_that_frames_are_of_near_real_time(made):
    caption = (made[0] / "hasty" / "figures" / "193" / "sequence.txt").read_text(encoding="utf-8")
    assert caption.startswith("hasty: SDO/AIA 193 Å, near real time, ")
