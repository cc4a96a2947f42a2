"""The one command: its subcommands, what they say, and what they refuse."""

import re
import subprocess
import sys

import pytest
import yaml

from aia_sequence import instrument
from aia_sequence.commands import redraw, run
from aia_sequence.commands.main import COMMANDS, main
from aia_sequence.errors import AIAError
from aia_sequence.terminal import STOPPED

CHANNELS = sorted(set(instrument.CHANNELS) - {4500})  # it has no slot within a minute
CONFIG = """
events:
  - name: flare
    start: "2021-07-03T14:28:00Z"
    end: "2021-07-03T14:29:00Z"
    channels: [171, 211]
"""


def test_the_usage_names_every_subcommand_with_an_example(capsys):
    assert main(["--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(any(line.startswith(f"  {name} ") for line in lines) for name in COMMANDS)
    assert (max(map(len, lines)) <= 80, len(lines) < 24) == (True, True), "a terminal of 80 by 24"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_subcommand_has_a_help_with_an_example(name):
    done = subprocess.run([sys.executable, "-m", "aia_sequence", name, "--help"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Example" in done.stdout
    assert done.stdout.startswith(f"usage: aia-sequence {name} ")
    assert re.search(rf"(Example\S*|\n) *aia-sequence {name}( |$)", done.stdout.partition("\n")[2])
    assert set(re.findall(r"aia-sequence (\w+)", done.stdout)) <= COMMANDS.keys()
    assert "python -m" not in done.stdout


def test_a_word_that_is_no_subcommand_is_answered_with_the_nearest(capsys):
    assert main(["chek"]) == 2
    assert "'chek' is no command; did you mean check?" in capsys.readouterr().err


def test_check_says_what_would_be_asked_for_and_asks_nothing(tmp_path, capsys):
    path = tmp_path / "my.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    assert main(["check", str(path)]) == 0
    text = capsys.readouterr().out
    assert "can be run" in text
    assert re.search(r"^flare +2021-07-03 14:28 to 14:29 +171 211 +12 +908 MB$", text, re.MULTILINE)
    assert f"`aia-sequence run {path}`" in text
    # Six slots in a minute, both ends included, in two channels.
    assert re.search(r"\n12 records: 1\d\d MB to fetch, 908 MB on disk", text)
    assert list(tmp_path.iterdir()) == [path]


def test_check_counts_the_files_at_hand_or_says_that_there_are_none(tmp_path, capsys):
    path = tmp_path / "my.yaml"
    config = yaml.safe_load(CONFIG) | {
        "archive": "files",
        "files": str(tmp_path / "aia"),
        "defaults": {"calibration": {"pointing": "header", "degradation": False}},
    }
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    assert main(["check", str(path)]) == 1
    assert re.search(r"my.yaml, line \d+: files: .*/aia: there is nothing of that name", capsys.readouterr().err)
    (tmp_path / "aia").mkdir()
    (tmp_path / "aia" / "x.fits").touch()
    assert main(["check", str(path)]) == 0
    text = capsys.readouterr().out
    assert "It takes of 1 file at hand, at most:" in text
    assert "fetch" not in text


def test_what_check_prints_fits_a_terminal_whatever_the_number_of_channels_and_days(tmp_path, capsys):
    event = yaml.safe_load(CONFIG)["events"][0]
    events = [
        event | {"name": "x1.5-2021-07-03T14:30".replace(":", ""), "channels": CHANNELS},
        event | {"name": "days", "end": "2021-07-05T14:28:30Z"},
    ]
    path = tmp_path / "my.yaml"
    path.write_text(yaml.safe_dump({"events": events}), encoding="utf-8")
    assert main(["check", str(path)]) == 0
    table = capsys.readouterr().out.split("\n\n")[1].splitlines()
    assert max(map(len, table)) <= 80
    text = "\n".join(table)
    assert all(str(channel) in text for channel in CHANNELS)
    assert re.search(r"2021-07-03 14:28:00 to .*\n +2021-07-05 14:28:30", text)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"channels": 211}, r"my.yaml, line 6: events[0]: channels: 211 "),
        ({"end": "2021-07-03T14:27:00Z"}, "lies before start"),
        ({"chanels": [211]}, "did you mean channels?"),
    ],
)
def test_check_says_what_is_wrong_with_file_and_line(tmp_path, capsys, change, said):
    path = tmp_path / "my.yaml"
    event = yaml.safe_load(CONFIG)["events"][0] | change
    path.write_text("events:\n  - " + yaml.safe_dump(event).replace("\n", "\n    ").rstrip() + "\n", encoding="utf-8")
    assert main(["check", str(path)]) == 1
    text = capsys.readouterr().err
    assert text.startswith(f"error: {path}, line ")
    assert said.partition("line 6: ")[2].replace("events[0]: ", "") in text or said in text
    assert "Traceback" not in text


def test_a_new_project_can_be_checked_and_planned_as_it_is(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "my flares".replace(" ", "-")
    assert main(["new", str(folder)]) == 0
    monkeypatch.chdir(folder)
    assert main(["check"]) == 0
    assert "my-flare" in capsys.readouterr().out
    done = subprocess.run([sys.executable, "-m", "aia_sequence", "run", "-n"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^plot_sequence +2  not made yet$", done.stderr, re.MULTILINE)
    lines = (done.stdout + done.stderr).splitlines()
    assert (max(map(len, lines)) <= 80, len(lines) <= 25) == (True, True), done.stderr
    assert lines[0] == "13 steps would run for my-flare; nothing has been started."
    with open(folder / "config" / "config.yaml", "a", encoding="utf-8") as file:
        file.write("# mine\n")
    assert main(["new", str(folder)]) == 1
    assert "is there already; nothing was written" in capsys.readouterr().err


def test_run_takes_a_configuration_first_and_hands_the_rest_to_snakemake(tmp_path, root):
    (tmp_path / "my.yaml").write_text(CONFIG, encoding="utf-8")
    words = run.call("all", ["my.yaml", "-n", "results/x"], tmp_path)
    assert words == ["--snakefile", str(root / "Snakefile"), "--configfile=my.yaml", "-n", "results/x"]
    assert run.call("budget", ["my.yaml"], tmp_path)[-1] == "budget"
    crate = "results/x/ro-crate-metadata.json"
    assert run.call("all", [crate], root)[-1] == crate, "a file to be made, though it ends as a configuration may"


def test_run_takes_the_snakefile_that_is_named(tmp_path, root):
    named = str(root / "Snakefile")
    assert run.call("all", ["--snakefile", named, "-n"], tmp_path) == ["--snakefile", named, "-n"]
    assert run.call("all", [f"--snakefile={named}"], tmp_path) == [f"--snakefile={named}"]


@pytest.mark.parametrize(
    ("words", "said"),
    [(["run", "my.yaml"], f"{STOPPED}\n"), (["check", "my.yaml"], "Stopped.\n")],
)
def test_ctrl_c_before_anything_runs_is_a_sentence(tmp_path, monkeypatch, capsys, words, said):
    """While modules are imported, say, which takes a second: as if the key had been hit where one is looked for."""

    class Interrupted:
        def find_spec(self, name, *_):
            if name in ("snakemake.cli", "aia_sequence.commands.check"):
                raise KeyboardInterrupt

    (tmp_path / "my.yaml").write_text(CONFIG, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name in ("snakemake.cli", "aia_sequence.commands.check"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(sys, "meta_path", [Interrupted(), *sys.meta_path])
    monkeypatch.setattr(sys, "stderr", sys.stderr)  # which `run` replaces
    assert main(words) == 130
    assert capsys.readouterr().err == said


def test_run_says_where_there_is_nothing_to_run(tmp_path):
    with pytest.raises(AIAError, match="has no Snakefile; name a configuration"):
        run.call("all", ["-n"], tmp_path)
    with pytest.raises(AIAError, match=r"other\.yaml: there is no such file"):
        run.call("all", ["other.yaml"], tmp_path)


@pytest.mark.parametrize(
    ("arguments", "unpacked", "opened"),
    [([], False, "archive.zip"), ([], True, "."), (["paper.zip"], True, "paper.zip")],
)
def test_rebuild_takes_the_unpacked_archive_that_one_stands_in(tmp_path, monkeypatch, arguments, unpacked, opened):
    asked = []

    def refuse(archive, into, limit):
        asked.append(str(archive))
        raise AIAError("enough for a test")

    if unpacked:
        (tmp_path / redraw.ARCHIVED).mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(redraw, "opened", refuse)
    assert redraw.main(arguments) == 1
    assert asked == [opened]
