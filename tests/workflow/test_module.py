"""Another workflow takes this one as a module: the paper of examples/paper."""

import os
import shutil
import subprocess
import sys

import pytest
import warm
import yaml
from PIL import Image

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
        environment = os.environ | warm.environment()
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
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


@pytest.fixture
def fetched(tmp_path, root):
    """What Snakemake's github(…) fetches: rules and scripts, without the library; that is the installed one."""
    folder = tmp_path / "fetched"
    for name in ("rules", "envs", "captions"):
        shutil.copytree(root / name, folder / name)
    (folder / "scripts").mkdir()
    for path in (root / "Snakefile", *(root / "scripts").glob("*.py")):
        shutil.copy(path, folder / path.relative_to(root))
    return folder


def test_two_modules_of_fetched_rules_with_their_own_configurations_and_a_changed_parameter_run_to_the_end(
    tmp_path, root, fetched
):
    text = """
configfile: "config.yaml"

{modules}
use rule plot_sequence from one as one_plot_sequence with:
    params:
        figure={{"dpi": 72}},

rule both:
    default_target: True
    input:
        "one/results/flare/ro-crate-metadata.json",
        "two/results/flare/figures/211/sequence.png",
"""
    module = """
module {name}:
    snakefile: "{fetched}/Snakefile"
    pathvars:
        results="{name}/results",
        resources="{name}/resources",
        logs="{name}/logs",
        benchmarks="{name}/benchmarks",
    config: config["{name}"]

use rule * from {name} exclude all, budget, summarise_budget as {name}_*
"""
    names = ("one", "two")
    (tmp_path / "Snakefile").write_text(
        text.format(modules="\n".join(module.format(name=name, fetched=fetched) for name in names)), encoding="utf-8"
    )
    event = {
        "name": "flare",
        "start": "2021-07-03T14:29:00Z",
        "end": "2021-07-03T14:29:12Z",
        "region": {"x": [850, 970], "y": [300, 420]},
        "cutout": True,
        "figure": {"dpi": 144},
    }
    config = {
        "one": {"level1_cache": "cache", "events": [event | {"channels": [171]}]},
        "two": {"level1_cache": "cache", "events": [event | {"channels": [211]}]},
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "2", "--workflow-profile", str(root / "profiles" / "default")],
        cwd=tmp_path,
        env=os.environ | warm.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert (tmp_path / "one" / "results" / "flare" / "ro-crate-metadata.json").is_file()
    widths = []
    for name, channel in zip(names, (171, 211), strict=True):
        folder = tmp_path / name / "results" / "flare"
        assert len(list(folder.glob(f"level1.5/{channel}/*/*.fits"))) == 2
        assert not list(tmp_path.glob("results/**/*.csv"))
        with Image.open(folder / "figures" / str(channel) / "sequence.png") as image:
            widths.append(image.width)
    assert widths[1] == pytest.approx(widths[0] * 144 / 72, rel=0.02)
