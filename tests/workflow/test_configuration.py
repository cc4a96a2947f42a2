"""A configuration meets Snakemake: which one is used, and what is said of it before the first job."""

import json
import os
import re
import subprocess
import sys

import pytest
import yaml

pytestmark = pytest.mark.slow

# One process for all calls: most of a call's time is the start of Snakemake.
CALLS = """
import json, sys
from snakemake.cli import main
for arguments in json.load(sys.stdin):
    try:
        main(arguments)
    except SystemExit as end:
        print(f"\\fstatus {end.code}", flush=True)
"""
WINDOW = {"start": "2021-07-03T14:25:00Z", "end": "2021-07-03T14:26:00Z"}


@pytest.fixture
def plans(tmp_path, root):
    """A function that plans with each list of arguments in turn: status and all that was printed."""

    def call(*calls):
        command = ["--snakefile", str(root / "Snakefile"), "--directory", str(tmp_path), "--dry-run", "--nocolor"]
        done = subprocess.run(
            [sys.executable, "-c", CALLS],
            input=json.dumps([[*command, "--workflow-profile", "none", *arguments] for arguments in calls]),
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
        )
        texts = re.split(r"\fstatus (\d+)\n", done.stdout)
        assert len(texts) == 2 * len(calls) + 1, done.stdout
        return [(int(status), text) for text, status in zip(texts[:-1:2], texts[1::2], strict=True)]

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
