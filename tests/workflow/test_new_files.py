"""A folder of files at hand in which there are others than when it was looked at before."""

import pytest
from level1_frames import counts, header, write
from running import Workflow

pytestmark = pytest.mark.slow

EVENT = {"name": "e", "start": "2021-07-03T14:26:00Z", "end": "2021-07-03T14:42:00Z", "channels": [211]}
EVENT["calibration"] = {"pointing": "header", "degradation": False}
BLOCKS = ["results/e/records/211/20210703T1426.csv", "results/e/records/211/20210703T1434.csv"]


def add(folder, number):
    """A frame of 14:27:23 and so many slots later."""
    cards = header(number)
    cards.update({"FSN": 1000 + number, "CAMERA": 2, "DATAMEAN": 1.5, "DRMS_ID": f"aia.lev1_euv_12s:{number}:image"})
    write(folder / f"{number}.fits", counts((24, 30), number), cards, compressed=True)


def test_a_new_file_is_seen_by_the_next_run_and_its_block_alone_is_made_anew(tmp_path):
    (tmp_path / "frames").mkdir()
    for number in (0, 40):
        add(tmp_path / "frames", number)
    workflow = Workflow(tmp_path, {"archive": "files", "files": ["frames"], "block": "2m", "events": [EVENT]})
    first = workflow.run("--", *BLOCKS)
    assert first.status == 0, first.output
    assert first.jobs == {"read_headers": 1, "query_metadata": 2, "filter_records": 2}
    add(tmp_path / "frames", 41)
    second = workflow.run("--", *BLOCKS)
    assert second.jobs == {"read_headers": 1}, second.log
    assert "Files have changed: the next run makes blocks of e anew." in second.output
    third = workflow.run("--dry-run", "--", *BLOCKS)
    assert third.jobs == {"query_metadata": 1, "filter_records": 1}, third.log
    assert all("20210703T1434" in message for message in third.messages)
