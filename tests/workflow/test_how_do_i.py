"""Recipes of docs/how-do-i.md and README do what they say: configurations load, commands are planned, Python runs."""

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest
import yaml
from astropy.io import fits
from folders import EventFolder
from running import call_each
from small_frames import write_sequence

from aia_sequence.audit.join import join
from aia_sequence.commands import run
from aia_sequence.commands.main import COMMANDS, main
from aia_sequence.config.figure import FigureOptions
from aia_sequence.config.settings import load
from aia_sequence.figures.measure import measure
from aia_sequence.figures.sequence import list_frames
from aia_sequence.lists.lightcurve import write_points

ROOT = Path(__file__).parents[2]
EVENT = "x1.5-2021-07-03"
RECIPE = re.compile(r"^## … ([^\n]+)\?\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
FENCE = re.compile(r"^```(yaml|sh|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)
TOP_LEVEL = "# top level\n"
BASE = {"name": EVENT, "start": "2021-07-03T14:28:00Z", "end": "2021-07-03T14:30:00Z", "channels": [171, 193, 211]}


def snippets(page, kind):
    """Each recipe's snippets of a kind, in the page's order."""
    recipes = RECIPE.findall((ROOT / page).read_text(encoding="utf-8"))
    return [(question, text) for question, body in recipes for name, text in FENCE.findall(body) if name == kind]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project whose event has small frames, a light curve and an audit, as a finished run leaves them."""
    folder = tmp_path_factory.mktemp("project") / "flares"
    main(["new", str(folder)])
    config = yaml.safe_load((folder / "config" / "config.yaml").read_text(encoding="utf-8"))
    config["events"][0]["name"] = EVENT
    (folder / "config" / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    event = folder / "results" / EVENT
    manifests, _ = write_sequence(event, 3, size=64, cdelt=38.0)
    for number, path in enumerate(sorted(event.glob("level1.5/211/*/*.fits"))):
        fits.setval(path, "DATE-OBS", value=f"2021-07-03T14:27:{25 + number}.00")
    curve = event / "figures" / "211" / "lightcurve.csv"
    curve.parent.mkdir(parents=True)
    points, _ = measure(list_frames(manifests), None, FigureOptions())
    write_points(points, curve)
    fates = {211: ["calibrated", "filtered", "no image"]}
    join(**EventFolder(folder / "made-up", fates).write().read()).to_csv(event / "audit.csv", index=False)
    return folder


def test_there_are_recipes_and_each_has_something_to_take():
    recipes = RECIPE.findall((ROOT / "docs" / "how-do-i.md").read_text(encoding="utf-8"))
    assert len(recipes) >= 20
    assert all(FENCE.search(body) for _, body in recipes)


@pytest.mark.parametrize(("question", "text"), snippets("docs/how-do-i.md", "yaml"))
def test_a_configuration_of_a_recipe_is_taken_and_changes_what_is_asked_for(question, text):
    given = yaml.safe_load(text)
    assert given, question
    if text.startswith(TOP_LEVEL):
        config = {"events": [BASE]} | given
    else:
        config = {"events": [BASE | given]}
        assert load({"events": [BASE], "defaults": given}).events[EVENT].options
    assert load(config) != load({"events": [BASE]}), question


def test_a_command_of_a_recipe_is_known_and_its_runs_can_be_planned(project):
    commands = [shlex.split(line) for _, text in snippets("docs/how-do-i.md", "sh") for line in text.splitlines()]
    assert {name for _, name, *_ in commands} <= set(COMMANDS)
    runs = [rest for _, name, *rest in commands if name == "run"]
    assert len(runs) >= 4
    (project / "profiles").symlink_to(ROOT / "profiles")
    planned = call_each([[*run.call("all", rest, project), "--dry-run"] for rest in runs], project)
    for rest, (status, text) in zip(runs, planned, strict=True):
        assert status == 0, f"{rest}\n{text}"
        assert "calibrate_level15" in text, rest


@pytest.mark.parametrize(
    ("question", "text"), snippets("docs/how-do-i.md", "python"), ids=lambda value: value[:20].replace("\n", " ")
)
def test_python_of_a_recipe_runs_on_finished_results(project, monkeypatch, question, text):
    monkeypatch.chdir(project)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(text, question, "exec"), {})
    assert {
        "open the frames in sunpy": "2021-07-03T14:27:25.000 DN / s",
        "open the light curve": "DN / (pix s)",
        "see what became of a record": "no image",
        "have a frame as a picture for a talk": "talk.png",
        "follow what moves along a loop": "('time', 'distance') 860.2",
        "have a cube in which the Sun does not turn": "('time', 'y', 'x') 3",
    }[question] in printed.getvalue()


def test_the_six_lines_of_the_readme_draw_a_frame_of_level_15(project, monkeypatch):
    text = re.search(
        r"^## Use the results\n+```python\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), re.M | re.S
    )[1]
    assert len(text.splitlines()) <= 8
    monkeypatch.chdir(project)
    exec(compile(text, "README.md", "exec"), {})
    assert (project / "flare.png").read_bytes().startswith(b"\x89PNG")
