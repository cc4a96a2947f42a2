"""Another workflow takes this one as a module: the paper of examples/paper."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def paper(tmp_path_factory, root):
    """Build the paper's figure in a folder of its own; a function that calls Snakemake there again."""
    folder = tmp_path_factory.mktemp("paper")

    def call(*arguments):
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(root / "examples" / "paper" / "Snakefile")]
        command += ["--configfile", str(root / "examples" / "paper" / "config.yaml"), "--directory", str(folder)]
        command += ["--workflow-profile", str(root / "profiles" / "default"), "--cores", "2", "--nocolor", *arguments]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=os.environ, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    call()
    return folder, call


def test_the_figure_of_two_flares_is_built(paper):
    folder, _ = paper
    assert (folder / "figures" / "two_flares.pdf").read_bytes().startswith(b"%PDF")
    assert (folder / "figures" / "two_flares.png").read_bytes().startswith(b"\x89PNG")


def test_everything_else_lies_where_the_paper_wants_it(paper):
    folder, _ = paper
    assert {path.name for path in folder.iterdir()} == {".snakemake", "build", "figures"}
    assert {path.name for path in (folder / "build").iterdir()} == {"aia", "resources", "logs", "benchmarks", "level1"}
    assert len(list((folder / "build" / "aia").glob("*/level1.5/211/*/*.fits"))) == 6


def test_a_built_paper_has_nothing_to_do(paper):
    _, call = paper
    assert "Nothing to be done" in call("--dry-run")
