"""Every command line of README and docs is taken from the text and tried: Snakemake and make as dry runs."""

import os
import re
import shlex
import subprocess
import sys

import pytest
import warm
from running import call_each

pytestmark = pytest.mark.slow

FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
SHELL = ("", "sh", "bash", "console")
SPAN = re.compile(r"`([^`\n]+(?:\n[^`\n]+)?)`")
PROGRAM = re.compile(r"(?:\S*/)?(snakemake|make|python|aia-sequence)(?: |$)")
# What stands in the text for a name of the reader's.
NAMES = {
    "my.yaml": "config/config.yaml",
    "NAME": "x1.5-2021-07-03",
    "EVENT": "x1.5-2021-07-03",
    "BLOCK": "20210703T1400",
    "bench-…": "bench-plan",
}
NOT_TRIED = {
    "snakemake --sdm conda": "wants conda; the environments are compared with the lock in test_environments",
    "snakemake --report report.html": "a report is of a finished run; test_demo makes one",
}


def documented(root, program):
    """The command lines of one program, with the reader's names filled in."""
    found = {}
    for path in (
        root / "README.md",
        *root.glob("*/README.md"),
        *root.glob("examples/*/README.md"),
        *root.glob("docs/*.md"),
    ):
        text = path.read_text(encoding="utf-8")
        blocks = [block[3].replace("\\\n", " ") for block in FENCE.finditer(text) if block[2] in SHELL]
        lines = [line for block in blocks for line in block.splitlines()]
        for line in [*lines, *SPAN.findall(FENCE.sub("", text))]:
            command = re.sub(r"\s#.*", "", " ".join(line.split()))
            if (match := PROGRAM.match(command)) and match[1] == program and command not in NOT_TRIED:
                for name, value in NAMES.items():
                    command = command.replace(name, value)
                found.setdefault(command, path.name)
    return found


def test_every_command_of_snakemake_in_the_docs_can_be_planned(tmp_path, root):
    commands = documented(root, "snakemake")
    assert len(commands) >= 10
    assert "snakemake --config refresh=true" in commands
    for name in ("config", "profiles", "Snakefile", "rules", "scripts", "envs", "captions"):
        (tmp_path / name).symlink_to(root / name)
    planned = call_each([[*shlex.split(command)[1:], "--dry-run"] for command in commands], tmp_path)
    for (command, page), (status, text) in zip(commands.items(), planned, strict=True):
        assert status == 0, f"{page}: {command}\n{text}"


def test_every_command_of_make_in_the_docs_is_one_of_the_makefile(root):
    commands = documented(root, "make")
    assert len(commands) >= 10
    for command, page in commands.items():
        folder = root / "examples" / "paper" if command == "make" else root
        tried = subprocess.run(
            ["make", "--dry-run", *shlex.split(command)[1:]], cwd=folder, capture_output=True, text=True, check=False
        )
        assert tried.returncode == 0, f"{page}: {command}\n{tried.stderr}"


def test_every_subcommand_in_the_docs_is_known_with_the_options_named_there(root):
    commands = documented(root, "aia-sequence")
    assert len(commands) >= 5
    helps = {}
    for command, page in commands.items():
        name, *rest = shlex.split(command)[1:] or ["--help"]
        call = (name, rest[0]) if name == "bundle" else (name,)
        if call not in helps:
            shown = subprocess.run(
                [sys.executable, "-m", "aia_sequence", *call, "--help"],
                env=os.environ | warm.environment(), capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert shown.returncode == 0, f"{page}: {command}\n{shown.stderr}"
            helps[call] = shown.stdout
        if name not in ("run", "budget"):  # what follows is Snakemake's
            for option in (word for word in rest if word.startswith("--") and word != "--"):
                assert re.search(rf"{option}\b", helps[call]), f"{page}: {command}: {option} is not known"
