"""What a person sees of a run: counts, failures once per cause, an ending; in a terminal and in a pipe."""

import errno
import os
import re
import subprocess
import sys
import textwrap
from email.message import Message
from urllib.error import HTTPError

import pytest
import warm
from terminal import in_terminal

from aia_sequence import joblog
from aia_sequence.archive import retries
from aia_sequence.archive.web import CONNECT_TIMEOUT, UnreachableError
from aia_sequence.config.archives import spoken
from aia_sequence.overview.events import Event, Problem
from aia_sequence.planning.budget import Work
from aia_sequence.terminal import ending
from aia_sequence.terminal.progress import Progress, elapsed

pytestmark = pytest.mark.slow

SCRIPTS = os.path.join(os.path.dirname(__file__), "..", "..", "..", "scripts")
TOY = """
import sys
sys.path.insert(0, {scripts!r})
from aia_sequence.terminal.display import install

display = install(workflow)
if display:
    display.openings.append(lambda progress: f"opening of {{progress.total}}")
    display.endings.append(lambda progress: f"ending with {{progress.done}} done")

rule all:
    input: expand("{{event}}.drawn", event=["a", "b", "c"])

rule fetch:
    output: "{{event}}.fetched"
    log: "logs/{{event}}/fetch.log"
    resources: one=1
    script: "fetch.py"

rule draw:
    input: "{{event}}.fetched"
    output: "{{event}}.drawn"
    log: "logs/{{event}}/draw.log"
    shell: "echo noise of a job >&2; touch {{output}}"
"""
FETCH = """
import logging, sys, time
from pathlib import Path
asleep = snakemake.config.get("asleep")
if asleep == "importing":  # Ctrl-C finds the job before any code of ours
    sys.stderr.write("asleep\\n")
    time.sleep(600)
sys.path.insert(0, {scripts!r})
from aia_sequence import joblog
from aia_sequence.archive import retries
from aia_sequence.archive.web import CONNECT_TIMEOUT, UnreachableError
from aia_sequence.errors import ArchiveError

with joblog.job_log(snakemake.log[0]):
    bad = snakemake.config.get("bad", "")
    if asleep == "working":
        sys.stderr.write("asleep\\n")
        time.sleep(600)
    counter = joblog.Counter("fetched", 4, "files")
    for number in range(4):
        counter.step(10.0 * (number + 1))
        time.sleep(float(snakemake.config.get("pause", 0)))
    if snakemake.wildcards.event in str(bad):
        raise ArchiveError(f"{{snakemake.wildcards.event}}: the archive is away.")
    Path(snakemake.output[0]).touch()
"""


def write_toy(folder):
    """A workflow of two rules and three events, whose `fetch` fails for the events named in `bad`."""
    scripts = os.path.abspath(SCRIPTS)
    (folder / "Snakefile").write_text(TOY.format(scripts=scripts))
    (folder / "fetch.py").write_text(FETCH.format(scripts=scripts))
    return folder


@pytest.fixture
def toy(tmp_path):
    return write_toy(tmp_path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The same after a run in a pipe: its folder, status and lines."""
    folder = write_toy(tmp_path_factory.mktemp("finished"))
    return folder, *piped(folder)


def snakemake(folder, *arguments):
    return [
        *(sys.executable, "-m", "snakemake", "--directory", str(folder), "--snakefile", str(folder / "Snakefile")),
        *("--cores", "2", "--resources", "one=1", "--workflow-profile", "none", "--keep-going", *arguments),
    ]


def piped(folder, *arguments):
    """Status and lines of a run whose output goes to a file."""
    done = subprocess.run(
        snakemake(folder, *arguments),
        env=os.environ | warm.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout.splitlines()


def test_in_a_pipe_every_stage_has_a_line_and_the_ending_is_last(finished):
    _, status, lines = finished
    assert status == 0, lines
    assert "opening of 6" in lines
    assert [line.split("  ")[-1] for line in lines if " of 6  " in line] == ["fetch: 3 done", "draw: 3 done"]
    assert lines[-1] == "ending with 6 done"
    assert len([line for line in lines if line.strip() and line != "noise of a job"]) <= 6, lines


def test_a_run_with_nothing_to_do_ends_in_the_same_way(finished):
    status, lines = piped(finished[0])
    assert (status, lines[-1]) == (0, "ending with 0 done")


@pytest.mark.parametrize("other", ["--lint", "--unlock", "--list-rules"])
def test_what_runs_nothing_has_no_ending(finished, other):
    assert not any("ending with" in line for line in piped(finished[0], other)[1])


def test_a_cause_is_told_once_with_the_jobs_that_it_stopped_and_their_logs(toy):
    status, lines = piped(toy, "--config", "bad=ab")
    assert status != 0
    text = "\n".join(lines)
    assert sum(line.startswith("FAILED fetch ") for line in lines) == 1
    assert "2 steps failed: a: the archive is away." in text or "2 steps failed: b: the archive is away." in text
    assert {"  fetch a", "  fetch b", "    log: logs/a/fetch.log", "    log: logs/b/fetch.log"} <= set(lines)
    assert "the same command goes on: snakemake --directory" in text
    assert text.count("the archive is away") == 2  # as it happens, and with its jobs and logs at the end
    assert "Traceback" not in text
    assert "RuleException" not in text
    assert lines[-1] == "ending with 2 done"


def test_on_a_terminal_the_jobs_at_work_are_shown_with_counts_and_leave_nothing_behind(toy):
    status, left, shown = in_terminal(snakemake(toy, "--config", "pause=0.2"), variables=warm.environment())
    assert status == 0, shown
    assert re.search(r"\] \d of 6 steps, \d+ s", shown)
    assert re.search(r"  fetch  [abc]  [1-4] of 4, \d0 MB", shown)
    assert "noise of a job" in left
    assert not any(" steps, " in line for line in left)
    assert [line for line in left if line][-1] == "ending with 6 done"
    assert all(len(line) < 80 for line in left)


@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "pipe"])
@pytest.mark.parametrize("job", ["importing", "working"])
def test_ctrl_c_says_what_it_leaves_and_shows_no_traceback(toy, job, terminal):
    status, left, _ = in_terminal(
        snakemake(toy, "--config", f"asleep={job}"), interrupt_at=b"asleep", terminal=terminal
    )
    assert status != 0
    assert "Stopped; what is done is kept; run again to go on." in left
    assert not any("Traceback" in line or "FAILED" in line or "failed" in line for line in left), left
    assert len([line for line in left if line]) <= 6, left


@pytest.mark.parametrize("words", ["--verbose", "--dry-run"])
def test_snakemakes_own_words_come_back_when_they_are_asked_for(toy, words):
    status, lines = piped(toy, words)
    assert status == 0
    assert "Job stats:" in lines
    assert any(re.match(r"(local)?rule draw:", line) for line in lines)


def planned(folder, *arguments):
    """Lines of a dry run of our own command."""
    words = ["run", *snakemake(folder, *arguments)[3:], "--dry-run"]
    command, environment = [sys.executable, "-m", "aia_sequence", *words], os.environ | warm.environment()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == ""
    return [line for line in done.stderr.splitlines() if line]


def test_a_dry_run_is_a_line_for_each_rule_with_how_often_and_why(toy):
    assert planned(toy) == [
        "6 steps would run for a, b, c; nothing has been started.",
        *("step   times  because", "-----  -----  ------------"),
        *("fetch      3  not made yet", "draw       3  not made yet"),
        "opening of 6",
        "`--verbose` tells of each step, with its files, in Snakemake's own words.",
    ]
    assert not list(toy.glob("*.drawn"))


def test_a_dry_run_says_what_has_changed_and_what_follows_from_it(toy):
    piped(toy)
    assert planned(toy)[0].startswith("Nothing would run: all that was asked for is there")
    text = "\n".join(planned(toy, "--forcerun", "fetch"))
    assert re.search(r"fetch +3  forced\n", text)
    assert re.search(r"draw +3  what it needs is made again", text)
    (toy / "fetch.py").write_text((toy / "fetch.py").read_text() + "# changed\n")
    assert planned(toy)[0] == "6 steps would run for a, b, c; nothing has been started."


def test_a_logger_of_the_users_choice_is_left_alone(toy):
    (toy / "snakemake_logger_plugin_mine").mkdir()
    (toy / "snakemake_logger_plugin_mine" / "__init__.py").write_text(
        textwrap.dedent("""
            from snakemake_interface_logger_plugins.base import LogHandlerBase
            class LogHandler(LogHandlerBase):
                writes_to_stream = has_filter = has_formatter = True
                writes_to_file = needs_rulegraph = False
                def emit(self, record):
                    print("mine", flush=True)
        """)
    )
    environment = os.environ | warm.environment()
    environment["PYTHONPATH"] += os.pathsep + str(toy)
    done = subprocess.run(snakemake(toy, "--logger", "mine"), env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "mine" in done.stdout
    assert "ending with" not in done.stdout + done.stderr


def test_what_is_wrong_in_the_rules_is_said_without_the_place_in_the_rules(toy):
    with (toy / "Snakefile").open("a") as file:
        file.write('\nfrom snakemake.exceptions import WorkflowError\nraise WorkflowError("block: 0 is none")\n')
    status, lines = piped(toy)
    assert status != 0
    assert lines == ["block: 0 is none"]


def test_time_left_follows_the_pace_of_the_counts(tmp_path):
    now = 100.0
    progress = Progress(clock=lambda: now)
    log = tmp_path / "job.log"
    progress.plan({"fetch": 1, "all": 1, "total": 2})
    progress.know(1, "fetch", {"event": "x", "channel": "211"}, [str(log)])
    progress.start([1])
    now = 104.0
    assert progress.state(progress.running[1]) == "4 s"
    log.write_text("12:00:00 INFO aia_sequence.joblog: fetched 2 of 20 files, 20.0 MB\n")
    assert progress.state(progress.running[1]) == "2 of 20, 20 MB"
    now = 114.0
    log.write_text(log.read_text() + "12:00:10 INFO aia_sequence.joblog: fetched 7 of 20 files, 70.0 MB\n")
    assert progress.state(progress.running[1]) == "7 of 20, 70 MB, 26 s left"
    now = 120.0
    assert progress.state(progress.running[1]) == "7 of 20, 70 MB, 20 s left"
    assert progress.total == 1


def test_a_part_of_a_job_has_a_pace_of_its_own(tmp_path):
    now = 100.0
    progress = Progress(clock=lambda: now)
    log = tmp_path / "job.log"
    progress.know(1, "draw", {"event": "x", "channel": "211"}, [str(log)])
    progress.start([1])

    def state_after(seconds, counts):
        nonlocal now
        now += seconds
        log.write_text(f"12:00:00 INFO aia_sequence.joblog: {counts}\n")
        return progress.state(progress.running[1])

    assert state_after(1, "measured 1 of 20 frames") == "1 of 20"
    assert state_after(2, "measured 20 of 20 frames") == "20 of 20"
    assert state_after(50, "drawn 2 of 20 images") == "2 of 20"
    assert state_after(4, "drawn 6 of 20 images") == "6 of 20, 14 s left"
    assert state_after(9, "packed 7 of 9 frames") == "7 of 9"
    assert state_after(2, "packed 8 of 9 frames") == "8 of 9, 2 s left"


def test_a_job_that_succeeds_when_it_is_repeated_has_not_failed(tmp_path):
    progress = Progress()
    progress.plan({"fetch": 1})
    progress.know(1, "fetch", {"event": "x"}, [])
    progress.start([1])
    assert progress.fail(1).reason == ""
    progress.start([1])
    progress.finish(1)
    assert (progress.done, progress.causes()) == (1, [])


class Clock:
    """Time that passes only while somebody waits, or an answer takes its time."""

    def __init__(self, takes):
        self.now, self.takes = 0.0, takes

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds

    def ask(self, error):
        self.now += self.takes
        raise error


AWAY = [
    (UnreachableError(errno.ECONNREFUSED, "jsoc.stanford.edu: Connection refused"), 0.0),
    (UnreachableError(errno.ETIMEDOUT, "jsoc.stanford.edu: timed out"), CONNECT_TIMEOUT),
    (UnreachableError(errno.ENETUNREACH, "jsoc.stanford.edu: Network is unreachable"), 0.0),
    (HTTPError("http://jsoc.stanford.edu", 503, "", Message(), None), 1.0),
]


@pytest.mark.parametrize(("error", "takes"), AWAY, ids=lambda value: str(value))
def test_an_archive_that_is_away_is_told_once_whatever_each_job_asked_it_for(tmp_path, monkeypatch, error, takes):
    """In half a minute where nobody answers; whoever answers with errors is asked for longer."""
    progress, questions = Progress(), ["description of aia.lev1_euv_12s", "aia.response[][!1=1!]", "export of x[a: b]"]
    for number, question in enumerate(questions):
        clock = Clock(takes)
        monkeypatch.setattr(retries, "time", clock)
        path = tmp_path / f"{number}.log"
        progress.know(number, f"rule{number}", {"event": f"e{number}"}, [str(path)])
        progress.start([number])
        with pytest.raises(SystemExit), joblog.job_log(path):
            retries.persist(lambda clock=clock: clock.ask(error), question, retries.Patience(sleep=clock.sleep))
        progress.fail(number)
        assert clock.now <= (30 if isinstance(error, UnreachableError) else 150)
    (group,) = progress.causes()
    assert len(group) == 3
    text = ending.failures(progress)
    assert text.startswith("\n3 steps failed: description of aia.lev1_euv_12s: the archive ")
    assert text.count("the archive ") == 1
    events = [Event("e0", ("a", "b"), (171,), problems=[Problem("rule0", group[0].reason, tmp_path)])]
    told = ending.summary(events, tmp_path / "index.html", {failure.reason for failure in group})
    assert "e0  not finished: rule0 failed, see above" in told


def test_counts_are_written_at_most_once_a_second_and_at_the_end(tmp_path):
    path = tmp_path / "job.log"
    with joblog.job_log(path):
        counter = joblog.Counter("calibrated", 500)
        for _ in range(500):
            counter.step()
    lines = path.read_text().splitlines()
    assert lines[0].endswith(": calibrated 1 of 500 frames")
    assert lines[-1].endswith(": calibrated 500 of 500 frames")
    assert len(lines) < 20
    assert joblog.last_count(path) == joblog.Count(500, 500, None)


def test_the_reason_of_a_defect_is_the_last_line_of_its_traceback(tmp_path):
    path = tmp_path / "job.log"
    with pytest.raises(SystemExit), joblog.job_log(path):
        raise ValueError("no such thing")
    assert joblog.reason_in(path) == "ValueError: no such thing"
    assert joblog.reason_in(tmp_path / "none.log") == ""


@pytest.mark.parametrize(
    ("seconds", "text"), [(3.4, "3 s"), (99, "99 s"), (150, "2 min"), (5940, "99 min"), (12000, "3 h 20 min")]
)
def test_time_spans_read_well(seconds, text):
    assert elapsed(seconds) == text


def test_cost_is_told_by_what_is_still_to_be_done():
    work = Work("total", kept=100, written_gb=8.0, core_hours=1.0)
    text = ending.opening(work, 0.5, spoken("synthetic"))
    assert "At most 50 frames from the synthetic archive" in text
    assert "at most 4.0 GB on disk and 30 min of one core" in text
    assert "from the files at hand" in ending.opening(work, 0.5, spoken("files"))
    assert "from the jsoc or rob archive" in ending.opening(work, 0.5, spoken("jsoc+rob"))
    assert max(map(len, text.splitlines())) < 80
    assert ending.opening(work, 0.0, "synthetic") == ""


def test_the_ending_names_every_event_but_not_thousands(tmp_path):
    good = Event("good", ("a", "b"), (171,), finished=True, kept=1, dropped=31)
    bad = Event(
        "bad-event", ("a", "b"), (171,), problems=[Problem("download_level1", "JSOC is away\nreally", tmp_path)]
    )
    text = ending.summary([good, bad], tmp_path / "index.html")
    assert "good       1 frame kept, 31 dropped, 0 failed" in text
    assert "bad-event  not finished: download_level1 failed, JSOC is away" in text
    assert text.splitlines()[-1] == f"Results: {tmp_path / 'index.html'}"
    many = ending.summary([good] * 999 + [bad], tmp_path / "index.html")
    assert "999 of 1,000 events finished" in many
    assert len(many.splitlines()) < 5
