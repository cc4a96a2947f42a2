"""A configuration meets Snakemake: which one is used, and what is said of it before the first job."""

import os
import shutil
import subprocess

import pytest
import yaml
from running import call_each

pytestmark = pytest.mark.slow

WINDOW = {"start": "2021-07-03T14:25:00Z", "end": "2021-07-03T14:26:00Z"}


@pytest.fixture
def plans(tmp_path, root):
    """A function that plans with each list of arguments in turn: status and all that was printed."""

    def call(*calls, snakefile=root / "Snakefile", **how):
        command = ["--snakefile", str(snakefile), "--directory", str(tmp_path), "--dry-run", "--nocolor"]
        return call_each([[*command, "--workflow-profile", "none", *arguments] for arguments in calls], tmp_path, **how)

    return call


def write(path, content):
    path.parent.mkdir(exist_ok=True)
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8")
    return str(path)


def test_a_configuration_that_is_given_stands_alone(plans, tmp_path):
    example = {"defaults": {"channels": [94]}, "block": "1m", "events": [{"name": "example", **WINDOW}]}
    write(tmp_path / "config" / "config.yaml", example)
    mine = write(tmp_path / "mine.yaml", {"events": [{"name": "mine", **WINDOW}]})
    more = write(tmp_path / "more.yaml", {"defaults": {"channels": [171]}, "block": "1h"})
    default, alone, merged, on_top, changed = plans(
        [],
        ["--configfile", mine],
        ["--configfile", mine, more],
        ["--configfile", mine, more, "--config", "block=1m"],
        ["--config", "block=1h"],
    )
    assert default[0] == 0
    assert "example at 94 Å, block 20210703T1425" in default[1]
    assert alone[0] == 1
    assert f"error: {mine}, line 2: events[0] (mine): channels missing" in alone[1]
    assert merged[0] == 0
    assert "mine at 171 Å, block 20210703T1400" in merged[1]
    assert "94 Å" not in merged[1]
    assert "mine at 171 Å, block 20210703T1425" in on_top[1]
    assert "example at 94 Å, block 20210703T1400" in changed[1]


def test_what_is_wrong_with_a_configuration_is_said_in_a_line_or_two(plans, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    wrong_key = {"events": [{"name": "mine", **WINDOW, "channels": [171], "regions": {}}]}
    files = [
        write(tmp_path / "indent.yaml", "events:\n  - name: mine\n   channels: [211]\n"),
        write(tmp_path / "key.yaml", wrong_key),
        write(tmp_path / "itself.yaml", "events: &a\n  - *a\n"),
        str(tmp_path / "pipe"),
        str(tmp_path / "missing.yaml"),
    ]
    said = plans(*(["--configfile", file] for file in files), ["--quiet", "all"])
    beginnings = [
        f"error: {files[0]}, line 3: not YAML: the indentation does not fit the lines above",
        f"error: {files[1]}, line 6: events[0]: unknown key 'regions'",
        f"error: {files[2]}: a value lies within itself",
        f"error: {files[3]}: the configuration cannot be read: it is a pipe",
        f"error: {files[4]}: the configuration cannot be read: No such file",
        "error: config/config.yaml: the configuration cannot be read: No such file",
    ]
    for (status, text), beginning in zip(said, beginnings, strict=True):
        assert status == 1
        assert text.startswith(beginning)
        assert len(text.splitlines()) <= 2, text
    assert said[0][1].splitlines()[1] == "    channels: [211]"


def test_a_warning_comes_before_the_plan_and_once(plans, tmp_path):
    event = {"name": "mine", **WINDOW, "channels": [171], "where": {"EXPTIME": 2.0}}
    mine = write(tmp_path / "mine.yaml", yaml.safe_dump({"events": [event]}, sort_keys=False))
    ((status, text),) = plans(["--configfile", mine, "--quiet"])
    assert status == 0, text
    warnings = [line for line in text.splitlines() if line.startswith("warning: ")]
    assert len(warnings) == 1
    assert warnings[0].startswith(f"warning: {mine}, line 8: events[0] (mine): where.EXPTIME: 'EXPTIME = 2.0'")


@pytest.mark.parametrize("folder", ["my runs", "o'clock", 'the "best"'])
def test_a_blank_or_a_quote_in_the_path_of_the_clone_stops_at_once_with_a_sentence(plans, tmp_path, root, folder):
    clone = tmp_path / folder
    clone.mkdir()
    shutil.copy(root / "Makefile", clone)
    made = subprocess.run(["make", "demo"], cwd=clone, capture_output=True, text=True, check=False)
    assert made.returncode != 0
    assert f"The path of this folder, {clone}, contains a " in made.stderr
    assert len(made.stderr.splitlines()) == 1
    ((status, text),) = plans([], executable=str(clone / ".venv" / "bin" / "python"))
    assert status == 1
    assert text.startswith(f"error: {clone}/.venv/bin/python: jobs are started through the shell")


@pytest.mark.parametrize("moved", ['prefix: "mine"', 'replace_prefix: {"results": "mine"}'])
def test_a_module_whose_paths_are_changed_is_refused_with_what_to_write_instead(plans, tmp_path, root, moved):
    text = f"""
module aia:
    snakefile: "{root}/Snakefile"
    config: config
    {moved}

use rule * from aia
"""
    mine = write(tmp_path / "mine.yaml", {"events": [{"name": "mine", **WINDOW, "channels": [171]}]})
    snakefile = write(tmp_path / "workflow" / "Snakefile", text)
    ((status, said),) = plans(["--configfile", mine], snakefile=snakefile)
    assert status == 1
    assert said.startswith("error: module: prefix and replace_prefix change the files of rules")
    assert 'pathvars: results="mine/results"' in said


def test_the_configuration_of_a_module_stands_alone(plans, tmp_path, root):
    """Neither the example nor what is given to the workflow that takes the module enters it."""
    write(tmp_path / "config" / "config.yaml", {"defaults": {"channels": [94]}, "block": "1m"})
    text = f"""
module aia:
    snakefile: "{root}/Snakefile"
    config: config["aia"]

use rule * from aia
"""
    event = {"name": "mine", **WINDOW, "channels": [171]}
    mine = write(tmp_path / "mine.yaml", {"aia": {"events": [event]}, "block": "30m", "defaults": {"channels": [211]}})
    snakefile = write(tmp_path / "workflow" / "Snakefile", text)
    ((status, said),) = plans(["--configfile", mine], snakefile=snakefile)
    assert status == 0, said
    assert "mine at 171 Å, block 20210703T1400" in said
    assert "94 Å" not in said
    assert "211 Å" not in said
