"""Finished events are not planned again, and a large catalogue is planned in batches: what is made is the same."""

import base64
import copy
import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import warm
import yaml
from running import ROOT, Workflow, jobs_in

from aia_sequence.config.settings import load
from aia_sequence.planning.finished import Stamps
from aia_sequence.planning.plan import Plan

pytestmark = pytest.mark.slow

DAY = "2012-01-0{}T04:0{}:00Z"
CONFIG = {
    "events": [
        {"name": f"event-{number}", "start": DAY.format(number + 1, 1), "end": DAY.format(number + 1, 2)}
        for number in range(3)
    ],
    "defaults": {"channels": [171, 1600], "cutout": True, "region": {"x": [0, 200], "y": [0, 200]}},
}
NAMES = [event["name"] for event in CONFIG["events"]]
# One process for many plans, by our command and by Snakemake's: most of a short call's time is the start of either.
PLANS = """
import json, os, sys
sys.path.insert(0, os.getcwd())
from aia_sequence.commands.main import main as aia_sequence
from aia_sequence.terminal import batches
from snakemake.cli import main as snakemake

sys.stdout = sys.stderr
for folder, snakefile in json.load(sys.stdin):
    os.chdir(folder)
    sys.argv = ["aia-sequence"]
    status = aia_sequence(["run", "config/config.yaml", "-n"])
    print(f"\\fstatus {status} planned {' '.join(batches.CURRENT.events)}", flush=True)
    sys.argv, batches.CURRENT = ["snakemake"], None
    try:
        snakemake(["--snakefile", snakefile, "--dry-run"])
    except SystemExit as end:
        print(f"\\fstatus {end.code} planned", flush=True)
"""


def aia_sequence(folder, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", "aia_sequence", "run", "config/config.yaml", *arguments],
        cwd=folder,
        env=os.environ | warm.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout


def plans(folders):
    """Of each folder: events that our command plans, what it says, and what Snakemake says that plans all."""
    asked = [(str(folder), str(ROOT / "Snakefile")) for folder in folders]
    command, environment = [sys.executable, "-c", PLANS], os.environ | warm.environment()
    done = subprocess.run(
        command, env=environment, input=json.dumps(asked), stderr=subprocess.PIPE, text=True, check=True
    )
    *parts, rest = re.split(r"\fstatus 0 planned *(.*)\n", done.stderr)
    assert (len(parts), rest) == (4 * len(asked), ""), done.stderr
    return [(parts[n + 1].split(), parts[n], parts[n + 2]) for n in range(0, len(parts), 4)]


def would_run(text):
    """How many jobs of each rule our command says that it would run."""
    return {rule: int(times) for rule, times in re.findall(r"^(\w+) +(\d+)  \w", text, re.MULTILINE)}


def listed(folder):
    with (folder / "results" / "finished.csv").open(newline="") as file:
        return dict(list(csv.reader(file))[1:])


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Three events that Snakemake knows as finished, planned one at a time, and listed."""
    folder = tmp_path_factory.mktemp("finished")
    Workflow.finished(folder, CONFIG)
    return folder, aia_sequence(folder, "--batch", "1")


def test_batches_are_planned_one_after_the_other_and_the_end_is_told_once(finished):
    folder, (status, text) = finished
    assert status == 0, text
    assert re.findall(r"(\d of 3 events)$", text, re.MULTILINE) == ["1 of 3 events", "2 of 3 events"]
    assert text.count("Results: ") == 1
    assert len(list((folder / ".snakemake" / "log").glob("*"))) == 3, "Snakemake is called once for each"
    assert list(listed(folder)) == NAMES


def changed(folder, path, change):
    """Change what a configuration says, a key at a time."""
    config = yaml.safe_load((folder / "config" / "config.yaml").read_text())
    *outer, last = path
    part = config
    for key in outer:
        part = part.setdefault(key, {}) if isinstance(part, dict) else part[key]
    part[last] = change
    (folder / "config" / "config.yaml").write_text(yaml.safe_dump(config))


def later(path):
    """A file that somebody has written again, another time and other content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("written again")
    time = 2_000_000_000
    os.utime(path, (time, time))


EVERY = {0, 1, 2}
# What changes, and of which events Snakemake must be asked.
CHANGES = {
    "nothing": (lambda folder: None, set()),
    "an option of one event": (lambda folder: changed(folder, ["events", 1, "figure"], {"dpi": 99}), {1}),
    "an option of all events": (lambda folder: changed(folder, ["defaults", "where"], {"QUALITY": "= 0"}), EVERY),
    "one event's window": (lambda folder: changed(folder, ["events", 2, "end"], DAY.format(3, 3)), {2}),
    "a further channel": (lambda folder: changed(folder, ["events", 0, "channels"], [171, 193, 1600]), {0}),
    "how exports are asked for": (lambda folder: changed(folder, ["export"], {"method": "direct"}), EVERY),
    "how long one waits": (lambda folder: changed(folder, ["export"], {"timeout": "1h"}), EVERY),
    "a figure is gone": (lambda folder: (folder / "results/event-1/figures/171/movie.mp4").unlink(), {1}),
    "an audit is gone": (lambda folder: (folder / "results/event-1/audit.html").unlink(), {1}),
    "a crate is gone": (lambda folder: (folder / "results/event-0/ro-crate-metadata.json").unlink(), {0}),
    "a manifest is gone": (
        lambda folder: (folder / "results/event-0/level1.5/171/20120101T0400.csv").unlink(), {0}
    ),
    "frames are gone": (lambda folder: shutil.rmtree(folder / "results/event-0/level1.5/171/20120101T0400"), {0}),
    "an intermediate file is gone": (
        lambda folder: (folder / "results/event-1/records/171/20120102T0400.csv").unlink(), {1}
    ),
    "a record table was edited": (lambda folder: later(folder / "results/event-2/records/171/20120103T0400.csv"), {2}),
    "a table is another": (lambda folder: later(folder / "resources/synthetic/calibration/degradation.ecsv"), EVERY),
    "a day's table is another": (
        lambda folder: later(folder / "resources/synthetic/calibration/pointing/20120102.ecsv"), {1}
    ),
    "records were committed": (lambda folder: later(folder / "config/records/event-1.csv"), {1}),
    "a question was put again": (
        lambda folder: later(
            folder / "resources/synthetic/refresh/event-1/aia.lev1_euv_12s/20120102T0400/20300101T000000.txt"
        ), {1},
    ),
    "a table was asked for again": (
        lambda folder: later(folder / "resources/synthetic/refresh/pointing/20120103/20300101T000000.txt"), {2}
    ),
    "all is asked again": (lambda folder: changed(folder, ["refresh"], True), EVERY),
    "the list is damaged": (lambda folder: (folder / "results/finished.csv").write_text("event,stamp\nx\n"), EVERY),
}  # fmt: skip


@pytest.fixture(scope="module")
def planned(finished, tmp_path_factory):
    """What is planned after each change."""
    folders = []
    for change, _ in CHANGES.values():
        folders.append(tmp_path_factory.mktemp("changed") / "copy")
        subprocess.run(["cp", "-a", finished[0], folders[-1]], check=True)
        change(folders[-1])
    return dict(zip(CHANGES, plans(folders), strict=True))


@pytest.mark.parametrize("change", CHANGES)
def test_what_has_changed_is_planned_and_comes_to_the_same_as_if_all_were(planned, change):
    events, ours, theirs = planned[change]
    assert events == [NAMES[number] for number in sorted(CHANGES[change][1])]
    assert would_run(ours) == jobs_in(theirs)


def snakemake_knows(folder):
    """Every file that Snakemake has made there, or made others of."""
    known = set()
    for path in (folder / ".snakemake" / "metadata").rglob("*"):
        if path.is_file():
            output = base64.b64decode(str(path.relative_to(folder / ".snakemake" / "metadata")).replace("/", ""))
            known |= {output.decode(), *json.loads(path.read_text())["input"]}
    return known


def test_a_stamp_is_of_every_file_that_a_job_of_the_event_makes_or_reads(tmp_path, monkeypatch):
    config = copy.deepcopy(CONFIG)
    config["defaults"] |= {
        "figure": {"gif": True, "difference": ["running", "base", "ratio"]},
        "calibration": {"uncertainty": True},
        "cube": "derotated",
        "slits": {"loop": {"points": [[20, 20], [100, 100]]}},
    }
    Workflow.finished(tmp_path, config)
    monkeypatch.chdir(tmp_path)
    plan = Plan(load(config))
    stamps = Stamps(plan, "results", "resources", lambda: "")
    paths = {path for path in snakemake_knows(tmp_path) if Path(path).exists()}
    own = {path for path in paths if path.startswith("results/event-1/")}
    assert own >= {f"results/event-1/{name}" for name in ("cubes/1600.nc", "figures/171/movie.gif", "SHA256SUMS")}
    shared = {
        f"{plan.settings.archive}/calibration/{name}.ecsv" for name in ("errors", "degradation", "pointing/20120102")
    }
    stamp = stamps.of("event-1")
    for path in own | {f"resources/{name}" for name in shared}:
        os.utime(path, (2_000_000_000, 2_000_000_000))
        assert stamps.of("event-1") != stamp, path
        stamp = stamps.of("event-1")
    other = stamps.of("event-0")
    for path in own:
        os.utime(path)
    assert stamps.of("event-0") == other
    for path in sorted(own):
        shutil.rmtree(path) if Path(path).is_dir() else Path(path).unlink(missing_ok=True)
        assert stamps.of("event-1") != stamp, path
        stamp = stamps.of("event-1")


TWO = """
module {name}:
    snakefile: "{snakefile}"
    pathvars:
        results="{name}/results",
        resources="{name}/resources",
        logs="{name}/logs",
        benchmarks="{name}/benchmarks",
    config: config["{name}"]

use rule * from {name} as {name}_*
"""


def test_two_catalogues_in_one_workflow_are_planned_together(tmp_path):
    text = "".join(TWO.format(name=name, snakefile=ROOT / "Snakefile") for name in ("one", "two"))
    text += "rule both:\n    default_target: True\n    input: rules.one_all.input, rules.two_all.input\n"
    (tmp_path / "Snakefile").write_text(f"configfile: 'config/config.yaml'\n{text}", encoding="utf-8")
    configs = {"one": CONFIG, "two": CONFIG | {"events": CONFIG["events"][:1]}}
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.yaml").write_text(yaml.safe_dump(configs), encoding="utf-8")
    status, text = aia_sequence(tmp_path, "-n", "--batch", "1")
    assert status == 0, text
    jobs = would_run(text)
    assert (jobs["one_write_audit"], jobs["two_write_audit"], jobs["one_calibrate_level15"]) == (3, 1, 6)
