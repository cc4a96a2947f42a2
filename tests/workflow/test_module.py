"""Another workflow takes this one as a module: the paper of examples/paper."""

import shutil
import subprocess

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def paper(tmp_path_factory, root):
    """Build the paper's figure with `make`, as its README says, in a copy; a function that calls commands there."""
    project = tmp_path_factory.mktemp("project")
    folder = project / "examples" / "paper"
    shutil.copytree(
        root / "examples" / "paper", folder, ignore=shutil.ignore_patterns("build", "figures", ".snakemake")
    )
    for name in ("Snakefile", "rules", "scripts", "envs", "config", "profiles", "captions", "Makefile", ".venv"):
        (project / name).symlink_to(root / name)

    def call(*command):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    assert f"The figure: {folder}/figures/two_flares.pdf" in call("make")
    return folder, call


def test_the_figure_of_two_flares_is_built(paper):
    folder, _ = paper
    assert (folder / "figures" / "two_flares.pdf").read_bytes().startswith(b"%PDF")
    assert (folder / "figures" / "two_flares.png").read_bytes().startswith(b"\x89PNG")


def test_everything_else_lies_where_the_paper_wants_it(paper):
    folder, _ = paper
    assert {path.name for path in folder.iterdir()} == {
        ".gitignore", ".snakemake", "build", "figures", "Makefile", "README.md", "Snakefile", "config.yaml", "scripts",
    }  # fmt: skip
    assert {path.name for path in (folder / "build").iterdir()} == {"aia", "resources", "logs", "benchmarks", "level1"}
    assert len(list((folder / "build" / "aia").glob("*/level1.5/211/*/*.fits"))) == 6


def test_a_built_paper_has_nothing_to_do(paper):
    _, call = paper
    assert "Nothing to be done" in call(
        "../../.venv/bin/snakemake", "--workflow-profile", "../../profiles/default", "-n"
    )
