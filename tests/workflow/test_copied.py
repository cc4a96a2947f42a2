"""Finished results that were copied: what docs/reproducibility.md says to type."""

import shutil
import subprocess
import time

import pytest
from running import Workflow

pytestmark = pytest.mark.slow


def test_a_copy_that_keeps_times_has_nothing_to_do_and_a_plain_one_is_touched(tmp_path, root):
    config = Workflow.example(tmp_path).config
    (tmp_path / "finished").mkdir()
    finished = Workflow.finished(tmp_path / "finished", config)
    time.sleep(1.1)  # a file system may keep whole seconds
    subprocess.run(["cp", "-a", finished.folder, tmp_path / "kept"], check=True)
    kept = Workflow(tmp_path / "kept", config).run("--dry-run")
    assert "Nothing to be done" in kept.output, kept.output

    shutil.copytree(finished.folder, tmp_path / "plain", copy_function=shutil.copyfile)
    plain = Workflow(tmp_path / "plain", config)
    assert plain.run("--touch").status == 0
    touched = plain.run("--dry-run")
    assert "Nothing to be done" in touched.output, touched.output

    said = " ".join((root / "docs" / "reproducibility.md").read_text(encoding="utf-8").split())
    for command in ("`cp -a`", "`rsync -a`", "`snakemake --touch`"):
        assert command in said
