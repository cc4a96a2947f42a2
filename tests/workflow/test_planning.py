"""What works around Snakemake (rules/planning.smk) is still needed; and rules find their library, or say why not."""

import inspect
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import snakemake
import warm
from running import ROOT, Workflow
from snakemake import common
from snakemake.settings.types import SchedulingSettings

WITHOUT = """
import sys
sys.path[:] = [folder for folder in sys.path if not folder.endswith("/scripts")]
from snakemake.cli import main
main(sys.argv[1:])
"""


def test_snakemake_still_looks_a_functions_signature_up_at_every_call(monkeypatch):
    """If it kept what it found, `for_rules` would gain nothing."""
    calls = []
    signature = inspect.signature
    monkeypatch.setattr(inspect, "signature", lambda function: calls.append(function) or signature(function))

    def of_job(wildcards):
        return wildcards

    for _ in range(3):
        common.get_input_function_aux_params(of_job, {"threads": 1})
    assert calls == [of_job] * 3


def test_snakemake_still_leaves_the_garbage_collector_as_it_is():
    sources = [path.read_text(encoding="utf-8") for path in Path(snakemake.__file__).parent.rglob("*.py")]
    assert not [text for text in sources if re.search(r"\bgc\.(freeze|disable|set_threshold)", text)]


def test_snakemake_still_starts_a_hundred_jobs_a_second_at_most_unless_told_otherwise():
    rate = SchedulingSettings().max_jobs_per_timespan
    assert rate is None or rate.max_jobs <= 100 * rate.timespan


def rules_alone(folder, version=None):
    """The workflow without its library, as Snakemake fetches it for a module."""
    for name in ("Snakefile", "rules", "captions", "envs", "config", "profiles"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    (folder / "scripts").mkdir()
    for script in (ROOT / "scripts").glob("*.py"):
        shutil.copy(script, folder / "scripts")
    if version:
        path = folder / "rules" / "configuration.smk"
        path.write_text(re.sub(r"^VERSION = .*$", f'VERSION = "{version}"', path.read_text(), flags=re.MULTILINE))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("version", "starting", "said"),
    [
        (None, ["-m", "snakemake"], "plot_sequence"),
        ("9.9.9", ["-m", "snakemake"], "The rules are of version 9.9.9, and the installed library aia_sequence of "),
        (None, ["-c", WITHOUT], "is neither beside the rules nor installed"),
    ],
)
def test_rules_without_a_library_beside_them_take_the_installed_one_of_their_version(tmp_path, version, starting, said):
    rules_alone(tmp_path, version)
    command, environment = [sys.executable, *starting, "-n", "--cores", "1"], os.environ | warm.environment()
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert said in done.stdout + done.stderr
    assert (done.returncode == 0) is (said == "plot_sequence"), done.stderr


def test_files_that_are_there_are_not_asked_for_by_name(tmp_path):
    """A plan of finished events asks for their crates alone."""
    workflow = Workflow.example(tmp_path)
    page = tmp_path / "results" / workflow.event["name"] / "audit.html"
    page.parent.mkdir(parents=True)
    lines = "print('said:', len(if_missing(all_events('<results>/{event}/audit.html'))))\nraise SystemExit(0)\n"
    counts, environment = [], os.environ | warm.environment()
    for there in (False, True):
        if there:
            page.write_text("")
        (tmp_path / "Snakefile").write_text(f"include: {str(ROOT / 'Snakefile')!r}\n{lines}", encoding="utf-8")
        command = workflow.command("--snakefile", str(tmp_path / "Snakefile"), "--dry-run")
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        counts += re.findall(r"^said: (\d+)$", done.stdout, re.MULTILINE)
    assert counts == ["1", "0"]


@pytest.mark.slow
def test_the_graph_of_rules_in_the_documentation_is_todays(monkeypatch):
    for name, value in warm.environment().items():
        monkeypatch.setenv(name, value)
    graph = runpy.run_path(str(ROOT / "docs" / "graph.py"))["graph"]()
    assert "calibrate_level15 --> plot_sequence" in graph
    assert graph in (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
