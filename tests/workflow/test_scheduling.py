"""Which job is started when, and with how many processes: what the rules say to Snakemake, asked from within."""

import os
import re
import subprocess

import pytest
import warm
from running import ROOT, Workflow

SAID = re.compile(r"^said: (.*)$", re.MULTILINE)


def said(folder, lines, *arguments):
    """What lines of Python print that stand behind the workflow's own."""
    (folder / "Snakefile").write_text(f"include: {str(ROOT / 'Snakefile')!r}\n{lines}\n", encoding="utf-8")
    command = Workflow.example(folder).command("--snakefile", str(folder / "Snakefile"), *arguments)
    environment = os.environ | warm.environment()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return SAID.findall(done.stdout)[0]


@pytest.mark.parametrize(("asked", "rate"), [((), "None"), (("--max-jobs-per-timespan", "20/10s"), "20 10")])
def test_a_start_rate_is_kept_if_somebody_asked_for_one(tmp_path, asked, rate):
    """Snakemake's own, 100 a second, has it look at all ready jobs again once a second for each job that has ended."""
    lines = (
        "rule short:\n    output: 'made.txt'\n    shell: 'touch {output}'\n"
        "onsuccess:\n"
        "    limit = workflow.scheduler.job_rate_limiter\n"
        "    print('said:', *([limit.max_jobs, round(limit.timespan)] if limit else [None]))"
    )
    assert said(tmp_path, lines, "made.txt", *asked) == rate


def test_jobs_nearest_to_an_events_end_go_first_and_the_one_export_before_all(tmp_path):
    """So the first events of a catalogue are finished while its last ones wait."""
    text = said(tmp_path, "print('said:', {rule.name: rule.priority for rule in workflow.rules})", "--dry-run")
    priority = {name: int(number) for name, number in re.findall(r"'(\w+)': (\d+)", text)}
    chain = ["filter_records", "calibrate_level15", "plot_sequence"]
    chain += ["plot_difference", "write_audit", "download_level1"]
    numbers = [priority[name] for name in chain]
    assert numbers == sorted(set(numbers))
    assert priority["filter_records"] < priority["fetch_pointing"] < priority["calibrate_level15"]
    assert priority["query_metadata"] > priority["fetch_pointing"]  # of a single event
    assert len({priority[name] for name in ("plot_difference", "trace_slit", "plot_channels", "render_gif")}) == 1


@pytest.mark.parametrize(
    ("arguments", "threads"),
    [((), 0), (("--workflow-profile", "none"), 1), (("--config", "archive=files", "files=[.]", "tables=."), 1)],
    ids=["few wait", "any number waits", "nobody waits"],
)
def test_who_waits_for_an_archive_takes_no_core_where_few_do(tmp_path, arguments, threads):
    """Without a limit to those that wait, a catalogue's blocks would all be asked for at once."""
    line = "print('said:', *(one.resources['_cores'].value for one in workflow.rules if one.name == 'download_level1'))"
    assert said(tmp_path, line, "--dry-run", *arguments) == str(threads)
