"""Records that the archive lists and does not deliver are named in the audit with the reason; the rest is built."""

import csv
import shutil

import pytest
import yaml
from running import Workflow

from synthetic_jsoc.holdings.store import read_log

pytestmark = pytest.mark.slow

FAULTS = [
    {"mode": "missing", "record": "*[2021-07-03T14:27:23Z][211]"},
    {"mode": "offline", "record": "*[2021-07-03T14:27:47Z][211]"},
    {"mode": "corrupt", "file": "*2021-07-03T142811Z.211*"},
    {"mode": "truncated", "op": "file", "file": "*2021-07-03T142835Z.211*", "calls": 1},
]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A minute of the worked example, cut out, from an archive with faults, up to the audit."""
    workflow = Workflow.example(tmp_path_factory.mktemp("lost"))
    workflow.config["export"] = {"on_missing": "skip"}
    workflow = workflow.changed(start="2021-07-03T14:27:20Z", end="2021-07-03T14:28:40Z", cutout=True)
    workflow = workflow.changed(figure={"size": "one-column", "dpi": 72})
    faults = workflow.folder / "faults.yaml"
    faults.write_text(yaml.safe_dump({"faults": FAULTS}), encoding="utf-8")
    target = f"results/{workflow.event['name']}/audit.csv"
    first = workflow.run(target, AIA_SYNTHETIC_FAULTS=str(faults))
    again = workflow.run(target, "-n", AIA_SYNTHETIC_FAULTS=str(faults))
    yield workflow, first, again
    shutil.rmtree(workflow.folder)


def test_every_record_that_was_not_delivered_is_named_with_its_reason(run):
    workflow, first, again = run
    assert first.status == 0, first.output
    with (workflow.results / "audit.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["T_REC"][14:19]: row for row in csv.DictReader(file) if row["WAVELNTH"] == "211"}
    told = {clock: row["outcome"] for clock, row in rows.items()}
    assert told == {
        "27:23": "no image",
        "27:35": "filtered",
        "27:47": "not exported",
        "27:59": "filtered",
        "28:11": "quarantined",
        "28:23": "filtered",
        "28:35": "calibrated",
    }
    assert "no file of it on disk" in rows["27:47"]["reason"]
    assert "damaged" in rows["28:11"]["reason"]
    assert not again.jobs


def test_no_wrong_or_partial_file_is_among_the_results(run):
    workflow, _, _ = run
    (frame,) = (workflow.results / "level1" / "211").rglob("*.fits")
    assert "142835Z" in frame.name
    assert [path.name for path in (workflow.results / "level1.5" / "211").rglob("*.fits")] == [
        frame.name.replace("image", "image_lev1.5")
    ]
    (kept,) = (workflow.results / "quarantine").rglob("*.fits")
    assert "142811Z" in kept.name
    assert not list(workflow.results.rglob("*.part*")) + list(workflow.results.rglob("*.arriving"))


def test_a_file_whose_transfer_broke_off_was_fetched_again(run):
    log = read_log(run[0].folder / "resources" / "synthetic" / "archive")
    sent = [entry for entry in log if "142835Z" in entry["target"]]
    assert [(entry["status"], entry["fault"]) for entry in sent] == [(200, "truncated"), (200, None)]
