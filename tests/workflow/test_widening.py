"""A window that is widened adds blocks, and repeats no other than the one that it had cut short."""

import pytest
from running import Workflow

pytestmark = pytest.mark.slow

BLOCKWISE = ["query_metadata", "filter_records", "request_export", "download_level1", "calibrate_level15"]


@pytest.mark.parametrize("cutout", [False, True])
def test_a_window_that_begins_earlier_leaves_later_blocks_as_they_are(tmp_path, cutout):
    event = {"name": "flare", "start": "2011-01-01T02:30:00Z", "end": "2011-01-01T04:30:00Z", "channels": [211]}
    event |= {"region": {"x": [0, 60], "y": [0, 60]}, "cutout": cutout}
    workflow = Workflow.finished(tmp_path, {"events": [event]})

    run = workflow.changed(start="2011-01-01T01:30:00Z").run("--dry-run")
    assert run.status == 0, run.output
    # One o'clock is new, two o'clock has more slots, three and four o'clock are as they were.
    assert {message[-13:] for message in run.messages if "block" in message} == {"20110101T0100", "20110101T0200"}
    assert {rule: run.jobs[rule] for rule in BLOCKWISE} == dict.fromkeys(BLOCKWISE, 2)
