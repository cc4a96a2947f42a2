"""A window that is widened adds blocks, and repeats no other than the one that it had cut short."""

import pytest
from running import Workflow

pytestmark = pytest.mark.slow

BLOCKWISE = ["query_metadata", "filter_records", "download_level1", "calibrate_level15"]


# One o'clock is new, two o'clock has more slots, three and four o'clock are as they were; likewise at the end.
EARLIER = ({"start": "2011-01-01T01:30:00Z"}, ["0100", "0200"])
ON_BOTH_SIDES = ({**EARLIER[0], "end": "2011-01-01T05:30:00Z"}, [*EARLIER[1], "0400", "0500"])


@pytest.mark.parametrize(("cutout", "wider"), [(False, ON_BOTH_SIDES), (True, EARLIER)])
def test_a_wider_window_leaves_its_inner_blocks_as_they_are(tmp_path, cutout, wider):
    window, blocks = wider
    event = {"name": "flare", "start": "2011-01-01T02:30:00Z", "end": "2011-01-01T04:30:00Z", "channels": [211]}
    event |= {"region": {"x": [0, 60], "y": [0, 60]}, "cutout": cutout}
    workflow = Workflow.finished(tmp_path, {"events": [event]})

    run = workflow.changed(**window).run("--dry-run")
    assert run.status == 0, run.output
    assert {message[-13:] for message in run.messages if "block" in message} == {f"20110101T{at}" for at in blocks}
    assert {rule: run.jobs[rule] for rule in BLOCKWISE} == dict.fromkeys(BLOCKWISE, len(blocks))
