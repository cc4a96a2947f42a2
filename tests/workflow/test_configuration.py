"""A configuration meets Snakemake: how it is given, and what is said of it before the first job."""

import pytest
from running import Workflow

pytestmark = pytest.mark.slow


def test_a_warning_comes_before_the_plan_and_once(tmp_path):
    workflow = Workflow.example(tmp_path).changed(where={"EXPTIME": 2.0})
    run = workflow.run("--dry-run", "--quiet")
    assert run.status == 0, run.output
    warnings = [line for line in run.output.splitlines() if line.startswith("warning: ")]
    assert len(warnings) == 1
    assert warnings[0].startswith("warning: events[0] (x1.5-2021-07-03): where.EXPTIME: 'EXPTIME = 2.0'")
