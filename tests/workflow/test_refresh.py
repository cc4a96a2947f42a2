"""What was once fetched is used as it is, until a run is to ask again."""

import pytest
from running import Workflow

pytestmark = pytest.mark.slow

ASKED = ("query_metadata", "fetch_degradation")


def test_only_refresh_asks_the_archive_again_and_once(tmp_path):
    first = Workflow.example(tmp_path)
    event = f"results/{first.event['name']}"
    targets = ["--", f"{event}/metadata/aia.lev1_euv_12s/20210703T1400.csv"]
    targets.append("resources/synthetic/calibration/degradation.ecsv")
    done = first.run(*targets)
    assert done.status == 0, done.output
    assert "mark_refresh" not in done.log
    refreshed = Workflow.example(tmp_path, refresh=True)
    anew = refreshed.run(*targets)
    assert anew.status == 0, anew.output
    assert all(f"(Rule: {rule})" in anew.log for rule in ASKED), anew.output
    assert "Nothing to be done" in first.run("--dry-run", *targets).output
    (tmp_path / targets[1]).unlink()
    again = first.run("--dry-run", *targets)
    assert "query_metadata" in again.log
    assert "fetch_degradation" not in again.log
