"""Time and memory of planning catalogues of 10 to 5,000 events: a first run, and a run with nothing to do.

Each call is a process of its own (`snakemake --dry-run`), measured as the shell would see it. The state for "nothing to
do" is made by Snakemake itself: a dry run whose executor, instead of only printing a job, touches the job's outputs and
lets Snakemake record it as finished, with parameters, inputs and checksums as after a real run. Beside it, what a user
calls, `aia-sequence run`, which plans no event that its list says is finished: nothing to do, and one event changed.

    make bench-plan
    .venv/bin/python tests/benchmarks/plan.py --events 10 1000 --channels 171 193 211
"""

import argparse
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from calls import measured

ROOT = Path(__file__).parents[2]
WINDOW = timedelta(minutes=10)
SLOTS = 51  # of 12 s, both ends included


def write_catalogue(folder: Path, events: int, channels: list[int]) -> None:
    """Write a catalogue of events on different days and its configuration."""
    first = datetime(2011, 1, 1, 3, 5)
    lines = ["name,start,end"]
    for number in range(events):
        start = first + number * timedelta(hours=21)
        lines.append(f"event-{number:05d},{start.isoformat()}Z,{(start + WINDOW).isoformat()}Z")
    (folder / "events.csv").write_text("\n".join(lines) + "\n")
    (folder / "config").mkdir()
    (folder / "config" / "config.yaml").write_text(
        "events: events.csv\n"
        f"defaults: {{channels: {channels}, where: {{QUALITY: '= 0'}}, region: {{x: [0, 400], y: [0, 400]}}}}\n"
    )


def plan(folder: Path, snakefile: Path) -> tuple[float, float, float, int]:
    """Plan; return wall and processor time (s), largest resident memory (MB) and the number of jobs."""
    command = [sys.executable, "-m", "snakemake", "-s", str(snakefile), "--cores", "2", "--dry-run"]
    command += ["--quiet", "rules"]  # the numbers of jobs, not each of them
    call = measured(command, folder / "plan.log")
    text = (folder / "plan.log").read_text()
    totals = [line.split()[1] for line in text.splitlines() if line.startswith("total")]
    jobs = 0 if "Nothing to be done" in text else int(totals[-1])
    return call.wall, call.cpu, call.memory, jobs


def plan_unfinished(folder: Path, snakefile: Path) -> list[float]:
    """Processor time (s) of `aia-sequence run` as all events are finished, and as the figures of one are gone."""
    command = [sys.executable, "-m", "aia_sequence", "run", "--snakefile", str(snakefile), "--cores", "2"]
    measured(command, folder / "listing.log")  # writes the list
    finished = measured([*command, "--dry-run"], folder / "listed.log")
    figure = min(folder.glob("results/*/figures/*/sequence.png"))
    figure.unlink()
    changed = measured([*command, "--dry-run"], folder / "changed.log")
    for name, wanted in (("listed", "Nothing would run"), ("changed", figure.parents[2].name)):
        if wanted not in (folder / f"{name}.log").read_text():
            sys.exit(f"the plan does not say {wanted!r}: {(folder / f'{name}.log').read_text()}")
    return [finished.cpu, changed.cpu]


def finish(snakefile: Path) -> None:
    """Bring the working directory into the state after a complete run, without running anything."""
    from snakemake.cli import main
    from snakemake.executors.dryrun import Executor

    printed = Executor.run_job

    def run_job(self, job):
        for output in job.output:
            output.touch_or_create()
        self.workflow.async_run(self.workflow.persistence.finished(job))
        printed(self, job)

    Executor.run_job = run_job
    main(["-s", str(snakefile), "--cores", "2", "--dry-run", "--quiet", "all"])


def main() -> None:
    """Measure, and print one line for each number of events."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, nargs="+", default=[10, 100, 1000, 5000])
    parser.add_argument("--channels", type=int, nargs="+", default=[211])
    parser.add_argument("--snakefile", type=Path, default=ROOT / "Snakefile")
    parser.add_argument("--finish", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.finish:
        finish(arguments.snakefile)
        return
    print(f"{'':>7} {'':>7} {'jobs per':>12} {'first run':>26} {'nothing to do':>26} {'aia-sequence run, s (CPU)':>27}")
    titles = f"{'s':>8} {'s (CPU)':>9} {'MB':>7}"
    own = f"{'nothing to do':>13} {'one changed':>13}"
    print(f"{'events':>7} {'jobs':>7} {'1,000 frames':>12} {titles} {titles} {own}")
    for events in arguments.events:
        with tempfile.TemporaryDirectory(prefix="plan-") as folder:
            write_catalogue(Path(folder), events, arguments.channels)
            *first, jobs = plan(Path(folder), arguments.snakefile)
            command = [sys.executable, __file__, "--finish", "--snakefile", str(arguments.snakefile)]
            subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            *again, left = plan(Path(folder), arguments.snakefile)
            if left:
                sys.exit(f"{left} jobs left after all had been recorded as finished: this is no run with nothing to do")
            listed, changed = plan_unfinished(Path(folder), arguments.snakefile)
        share = 1000 * jobs / (events * len(arguments.channels) * SLOTS)
        figures = " ".join(f"{wall:8.1f} {cpu:9.1f} {memory:7.0f}" for wall, cpu, memory in (first, again))
        print(f"{events:7} {jobs:7} {share:12.0f} {figures} {listed:13.1f} {changed:13.1f}", flush=True)


if __name__ == "__main__":
    main()
