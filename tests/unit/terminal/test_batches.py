"""A catalogue in batches: a toy of five events whose jobs take no time, as a person sees it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import warm
from terminal import in_terminal

from aia_sequence.commands.run import batch_size
from aia_sequence.errors import AIAError
from aia_sequence.terminal.batches import Run

SCRIPTS = Path(__file__).parents[3] / "scripts"
TOY = """
import sys
sys.path.insert(0, {scripts!r})
from pathlib import Path
from aia_sequence.terminal import batches
from aia_sequence.terminal.catalogue import Catalogue
from aia_sequence.terminal.display import install

class Stamps:
    def of(self, name):
        return str(Path(f"{{name}}.made").exists())

def again():
    path = Path("again")
    names = path.read_text().split() if path.exists() else []
    path.unlink(missing_ok=True)
    return names

display = install(workflow)
if display:
    display.openings.append(lambda progress: f"opening of {{progress.total}}" if batches.CURRENT.first else "")
    display.endings.append(lambda progress: "the ending")
    display.catalogue = Catalogue(batches.CURRENT, workflow, Stamps(), Path("finished.csv"))
    display.catalogue.again = again
    display.catalogue.resume(display.progress)

def everything(wildcards):
    with open("planned", "a") as file:
        file.write(" ".join(display.catalogue.events("abcde", refresh=False)) + "\\n")
    return [f"{{event}}.made" for event in display.catalogue.events("abcde", refresh=False)]

rule all:
    input: everything

rule make:
    output: "{{event}}.made"
    log: "logs/{{event}}/make.log"
    shell: "sh make.sh {{wildcards.event}} {{log}} && touch {{output}}"
"""


MAKE = """
case $1 in
    {bad}) echo '12:00:00 ERROR toy: no such record' > $2; exit 1;;
    {slow}) echo asleep >&2; sleep 600;;
esac
"""


def write_toy(folder, bad="-", slow="-"):
    """Five events, of which one may fail and one take its time."""
    (folder / "Snakefile").write_text(TOY.format(scripts=str(SCRIPTS)), encoding="utf-8")
    (folder / "make.sh").write_text(MAKE.format(bad=bad, slow=slow), encoding="utf-8")


def command(*arguments):
    words = [sys.executable, "-m", "aia_sequence", "run", "--snakefile", "Snakefile", "--cores", "1"]
    return [*words, "--workflow-profile", "none", "--keep-going", *arguments]


def run(folder, *arguments):
    (folder / "planned").unlink(missing_ok=True)
    done = subprocess.run(
        command(*arguments),
        cwd=folder,
        env=os.environ | warm.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    # Snakemake asks for the inputs of a rule more than once.
    batches = list(dict.fromkeys((folder / "planned").read_text().splitlines()))
    return done.returncode, done.stdout, batches


@pytest.mark.slow
def test_a_failed_event_stops_no_batch_and_is_told_once_at_the_end(tmp_path):
    write_toy(tmp_path, bad="b")
    status, text, batches = run(tmp_path, "--batch", "2")
    assert (status, batches) == (1, ["a b", "c d", "e"]), text
    assert {path.stem for path in tmp_path.glob("*.made")} == set("acde")
    assert re.findall(r"^FAILED make b: (.*)$", text, re.MULTILINE) == ["no such record"]
    assert text.count("1 step failed: no such record\n  make b\n    log: logs/b/make.log") == 1
    assert text.count("opening of 2") == text.count("the ending") == 1
    assert re.findall(r"\d of 5 events", text) == ["1 of 5 events", "3 of 5 events"]
    assert text.rstrip().endswith("the ending")
    # Mended, only what failed is planned, and then nothing; what is out of the ordinary is about all events at once.
    write_toy(tmp_path)
    assert run(tmp_path, "--batch", "2")[::2] == (0, ["b"])
    assert run(tmp_path, "--batch", "2")[::2] == (0, [""])
    assert run(tmp_path, "--batch", "2", "--touch")[::2] == (0, ["a b c d e"])
    assert run(tmp_path, "--batch", "2", "--forcerun", "make")[::2] == (0, ["a b c d e"])


@pytest.mark.slow
def test_some_steps_are_made_in_batches_too_and_finish_no_event(tmp_path):
    write_toy(tmp_path)
    status, text, batches = run(tmp_path, "--batch", "3", "--until", "make")
    assert (status, batches) == (0, ["a b c", "d e"]), text
    assert len(list(tmp_path.glob("*.made"))) == 5
    assert not (tmp_path / "finished.csv").exists()


@pytest.mark.slow
def test_without_keep_going_the_first_failure_ends_the_run(tmp_path):
    write_toy(tmp_path, bad="b")
    words = [word for word in command("--batch", "2") if word != "--keep-going"]
    environment = os.environ | warm.environment()
    done = subprocess.run(
        words, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == 1
    assert not list(tmp_path.glob("[cde].made"))
    assert done.stdout.rstrip().endswith("the ending")


@pytest.mark.slow
@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "pipe"])
def test_ctrl_c_ends_the_batch_and_all_that_would_follow(tmp_path, terminal):
    write_toy(tmp_path, slow="c")
    status, left, shown = in_terminal(command("--batch", "2"), tmp_path, interrupt_at=b"asleep", terminal=terminal)
    assert status != 0
    assert {path.stem for path in tmp_path.glob("*.made")} >= {"a", "b"}
    assert not (tmp_path / "e.made").exists()
    lines = [line for line in left if line]
    assert lines[-2:] == ["Stopped; what is done is kept; run again to go on.", "the ending"]
    assert not any("Traceback" in line or "FAILED" in line for line in lines), lines
    if terminal:
        assert re.search(r"\] [23] of 5 events, \d of 2 steps, \d+ s", shown)


@pytest.mark.slow
def test_a_dry_run_of_batches_is_one_outlook(tmp_path):
    write_toy(tmp_path)
    status, text, batches = run(tmp_path, "--batch", "2", "-n")
    assert (status, batches) == (0, ["a b", "c d", "e"])
    assert "5 steps would run for 5 events; nothing has been started." in text
    assert re.findall(r"^make +(\d) +(.*)$", text, re.MULTILINE) == [("5", "not made yet")]
    assert not (tmp_path / "finished.csv").exists()


def test_batches_are_of_about_the_same_size_and_hold_every_event_once():
    for count in (0, 1, 4, 5, 6, 11, 1000):
        names, batches, run = [f"event-{number}" for number in range(count)], [], Run(size=5)
        run.take(names)
        batches.append(run.events)
        while run.rest:
            assert run.total == count
            run = run.following(0)
            batches.append(run.events)
        assert [name for batch in batches for name in batch] == names
        assert max(map(len, batches)) <= 5
        assert max(map(len, batches)) - min(map(len, batches)) <= 1


@pytest.mark.parametrize(
    ("words", "size", "rest"),
    [
        (["-n"], 500, ["-n"]),
        (["--batch", "20", "-n"], 20, ["-n"]),
        (["-n", "--batch=20"], 20, ["-n"]),
        (["--batch", "all=1/3"], 500, ["--batch", "all=1/3"]),
        (["--batch"], 500, ["--batch"]),
    ],
)
def test_the_size_of_a_batch_is_taken_from_the_words(words, size, rest):
    assert batch_size(words) == (size, rest)


@pytest.mark.parametrize("number", ["0", "-3"])
def test_a_batch_without_events_is_refused(number):
    with pytest.raises(AIAError, match="at least one event"):
        batch_size(["--batch", number])


@pytest.mark.slow
def test_a_run_goes_on_with_events_of_which_it_has_found_that_they_must_be_made_anew(tmp_path):
    write_toy(tmp_path)
    (tmp_path / "again").write_text("b d")
    status, text, batches = run(tmp_path)
    assert (status, batches) == (0, ["a b c d e", "b d"]), text
    assert text.count("the ending") == 1
    assert run(tmp_path)[::2] == (0, [""]), "then all are finished"
