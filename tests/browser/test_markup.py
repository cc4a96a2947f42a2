"""The pages are HTML as the W3C's checker has it, so that every browser and screen reader reads the same."""

import json
import shutil
import subprocess

import pytest
from small_frames import write_sequence
from test_auditpage import FATES, audited

from aia_sequence.config.figure import FigureOptions
from aia_sequence.figures.measure import measure
from aia_sequence.figures.sequence import list_frames
from aia_sequence.figures.viewer import build_viewer

REGION = {"x": [690, 990], "y": [240, 480]}


@pytest.fixture
def faults(root):
    """A function that tells what the checker finds in files: of each fault the file's name and the words."""
    jar = root / ".tools" / "node_modules" / "vnu-jar" / "build" / "dist" / "vnu.jar"
    if not (shutil.which("java") and jar.exists()):
        pytest.skip("no Nu HTML checker here: npm install --prefix .tools vnu-jar, and Java")

    def find(*paths):
        command = ["java", "-jar", str(jar), "--format", "json", *map(str, paths)]
        said = subprocess.run(command, capture_output=True, text=True, check=False).stderr
        return [(message["url"].rpartition("/")[2], message["message"]) for message in json.loads(said)["messages"]]

    return find


def test_the_checker_finds_a_fault_in_a_page_that_has_one_and_none_in_viewer_and_audit(faults, root, tmp_path):
    manifests, _ = write_sequence(tmp_path, 4)
    frames = list_frames(manifests)
    points, statistics = measure(frames, REGION, FigureOptions())
    viewer, audit, page = tmp_path / "viewer.html", tmp_path / "event" / "audit.html", tmp_path / "faulty.html"
    build_viewer(frames, points, statistics, viewer, title="flare", channel=211, region=REGION, options=FigureOptions())
    audited(audit.parent, root, FATES)
    page.write_text(
        "<!doctype html><html lang=en><meta charset=utf-8><title>x</title><pre aria-label=header></pre>",
        encoding="utf-8",
    )
    ((name, words),) = faults(viewer, audit, page)
    assert name == page.name
    assert "aria-label" in words
