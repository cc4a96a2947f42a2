"""Run the workflow as a user does, in a folder of its own, and read which jobs it ran."""

import copy
import json
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import warm
import yaml

ROOT = Path(__file__).parents[2]
# Rules with a message are not shown as `rule name:`; the table of jobs has them all, twice where nothing is run.
STATS = re.compile(r"^Job stats:\n.*\n-+ .*\n((?:\w+ +\d+\n)+)", re.MULTILINE)
MESSAGE = re.compile(r"^Job \d+: (.*)$", re.MULTILINE)


# One process for several calls: most of a short call's time is the start of Snakemake.
CALLS = """
import json, sys
from snakemake.cli import main
sys.executable = sys.argv[1]
for arguments in json.load(sys.stdin):
    try:
        main(arguments)
    except SystemExit as end:
        print(f"\\fstatus {end.code}", flush=True)
"""


def call_each(
    calls: list[list[str]], folder: Path, executable: str = sys.executable, **environment: str
) -> list[tuple[int, str]]:
    """Call Snakemake with each list of arguments in turn: status and all that was printed."""
    done = subprocess.run(
        [sys.executable, "-c", CALLS, executable],
        input=json.dumps(calls),
        cwd=folder,
        env=os.environ | warm.environment() | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    texts = re.split(r"\fstatus (\d+)\n", done.stdout)
    assert len(texts) == 2 * len(calls) + 1, done.stdout
    return [(int(status), text) for text, status in zip(texts[:-1:2], texts[1::2], strict=True)]


def jobs_in(text: str) -> Counter:
    """How many jobs of each rule Snakemake's table has; the target rule is left out."""
    jobs = Counter()
    for table in STATS.findall(text)[:1]:
        jobs.update({rule: int(count) for rule, count in map(str.split, table.splitlines())})
    del jobs["all"], jobs["total"]
    return jobs


def account(folder: Path) -> str:
    """What Snakemake itself wrote down of its last run in a folder, whatever the terminal showed."""
    logs = sorted((folder / ".snakemake" / "log").glob("*.log"))
    return logs[-1].read_text(encoding="utf-8") if logs else ""


@dataclass(frozen=True)
class Run:
    """What one call of Snakemake did.

    Attributes
    ----------
    status
        Exit status.
    output
        All that it printed.
    log
        Snakemake's own account: its log file, or what it printed where it keeps none.
    jobs
        How many jobs of each rule it ran, or would run; the target rule is left out.
    messages
        Each job's message, which names its event, channel and block.
    """

    status: int
    output: str
    log: str
    jobs: Counter
    messages: list[str]


@dataclass
class Workflow:
    """The workflow in a folder of its own, with its configuration beside the results."""

    folder: Path
    config: dict[str, Any]

    @classmethod
    def example(cls, folder: Path, **changes: Any) -> "Workflow":
        """The committed worked example, with changes to its top level."""
        config = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
        return cls(folder, {**config, **changes})

    @classmethod
    def finished(cls, folder: Path, config: dict[str, Any]) -> "Workflow":
        """A configuration whose events Snakemake has recorded as finished, without having run anything."""
        workflow = cls(folder, config)
        (folder / "config").mkdir()
        (folder / "config" / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
        benchmark = ROOT / "tests" / "benchmarks" / "plan.py"
        command, environment = [sys.executable, benchmark, "--finish"], os.environ | warm.environment()
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
        return workflow

    @property
    def event(self) -> dict[str, Any]:
        return self.config["events"][0]

    @property
    def results(self) -> Path:
        return self.folder / "results" / self.event["name"]

    def changed(self, **event: Any) -> "Workflow":
        """The same folder with changes to the first event."""
        config = copy.deepcopy(self.config)
        config["events"][0].update(event)
        return Workflow(self.folder, config)

    def arguments(self, *arguments: str, cores: int = 2) -> list[str]:
        """What is handed to Snakemake, the configuration written."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "config.yaml"
        path.write_text(yaml.safe_dump(self.config, sort_keys=False), encoding="utf-8")
        return [
            *("--snakefile", str(ROOT / "Snakefile")),
            *("--directory", str(self.folder), "--configfile", str(path), "--cores", str(cores)),
            *("--workflow-profile", str(ROOT / "profiles" / "default"), "--nocolor", *arguments),
        ]

    def command(self, *arguments: str, cores: int = 2) -> list[str]:
        """The command line, its configuration written."""
        return [sys.executable, "-m", "snakemake", *self.arguments(*arguments, cores=cores)]

    def run(self, *arguments: str, cores: int = 2, **environment: str) -> Run:
        """Run Snakemake to its end, with libraries that are imported (`warm`); `environment` is added to its own."""
        logs = self.folder / ".snakemake" / "log"
        before = set(logs.glob("*.log"))
        done = subprocess.run(
            self.command(*arguments, cores=cores),
            cwd=self.folder,
            env=os.environ | warm.environment() | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        log = account(self.folder) if set(logs.glob("*.log")) - before else done.stdout
        return Run(done.returncode, done.stdout, log, jobs_in(log), MESSAGE.findall(log))
