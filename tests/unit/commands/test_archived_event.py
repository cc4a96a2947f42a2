"""An archive of an event holds what is needed to draw its figures again, and says whether they are the same."""

import shutil
import subprocess
import zipfile

import pytest
import yaml
from test_crate import CONFIG, write

from aia_sequence import software
from aia_sequence.commands import archive, redraw, zips
from aia_sequence.config.settings import load
from aia_sequence.errors import AIAError
from aia_sequence.files import sha256
from aia_sequence.planning.jobs import Job
from aia_sequence.planning.plan import Plan
from aia_sequence.provenance import crate

EVENT = "archived/made-up"


@pytest.fixture(scope="module")
def finished(tmp_path_factory, root):
    return write(tmp_path_factory.mktemp("finished"), root)


@pytest.fixture
def event(finished, tmp_path):
    shutil.copytree(finished.parents[1], tmp_path / "run")
    return tmp_path / "run" / "results" / "made-up"


def make(event, path, **options):
    archive.make(path, [event], event.parents[1] / "resources", **options)
    with zipfile.ZipFile(path) as packed:
        return set(packed.namelist())


def test_the_archive_holds_config_records_tables_manifests_figures_crate_lock_and_workflow(event, tmp_path):
    names = make(event, tmp_path / "paper.zip")
    assert {
        *("README.md", "SHA256SUMS", "config/config.yaml", "config/records/made-up.csv", "envs/requirements.txt"),
        *(
            "Snakefile",
            "rules/calibrate.smk",
            "scripts/aia_sequence/commands/archive.py",
            "scripts/plot_sequence.py",
            "CITATION.cff",
            "LICENSE",
        ),
        *("config/config.schema.yaml", "Makefile", ".python-version", "profiles/default/profile.yaml"),
        *(f"resources/synthetic/calibration/{name}.ecsv" for name in ("degradation", "pointing/20210703")),
        *(
            f"{EVENT}/{name}"
            for name in ("audit.html", crate.NAME, crate.SUMS, "references.bib", "figures/211/sequence.png")
        ),
        *(f"{EVENT}/level1.5/211/20210703T1424.csv", f"{EVENT}/metadata/aia.lev1_euv_12s/20210703T1424.csv"),
    } <= names
    assert not any(name.endswith(".fits") or "__pycache__" in name or ".git/" in name for name in names)


def test_level_15_frames_are_packed_if_asked_for(event, tmp_path):
    names = make(event, tmp_path / "paper.zip", level15=True)
    frames = [name for name in names if name.endswith(".fits")]
    assert len(frames) == 4
    assert all(name.startswith(f"{EVENT}/level1.5/211/") for name in frames)


def test_coreutils_can_check_the_archive(event, tmp_path):
    make(event, tmp_path / "paper.zip")
    with zipfile.ZipFile(tmp_path / "paper.zip") as packed:
        packed.extractall(tmp_path / "paper")
    subprocess.run(["sha256sum", "--quiet", "--check", "SHA256SUMS"], cwd=tmp_path / "paper", check=True)


def test_the_archived_configuration_is_the_one_that_was_used(event, tmp_path):
    make(event, tmp_path / "paper.zip")
    redraw.unpack(tmp_path / "paper.zip", tmp_path / "paper")
    assert yaml.safe_load((tmp_path / "paper" / "config" / "config.yaml").read_text()) == CONFIG


def test_the_readme_says_how_and_that_the_data_are_synthetic(event, tmp_path):
    make(event, tmp_path / "paper.zip")
    with zipfile.ZipFile(tmp_path / "paper.zip") as packed:
        text = packed.read("README.md").decode()
    assert "make rebuild" in text
    assert "not observations of the Sun" in text
    assert "made-up" in text
    assert "$" not in text


def test_the_same_event_gives_the_same_archive(event, tmp_path):
    for name in ("one.zip", "two.zip"):
        make(event, tmp_path / name)
        for path in event.rglob("*.csv"):
            path.touch()
    assert sha256(tmp_path / "one.zip") == sha256(tmp_path / "two.zip")


def test_a_changed_product_is_not_archived(event, tmp_path):
    (event / "audit.csv").write_text("nothing")
    with pytest.raises(AIAError, match=r"audit\.csv is not as it was recorded"):
        make(event, tmp_path / "paper.zip")
    assert not (tmp_path / "paper.zip").exists()


def test_an_unfinished_event_is_not_archived(event, tmp_path):
    (event / crate.SUMS).unlink()
    with pytest.raises(AIAError, match="it is no finished event"):
        make(event, tmp_path / "paper.zip")


def test_events_of_different_settings_are_archived_separately():
    settings = [{"archive": name, "events": []} for name in ("synthetic", "jsoc")]
    with pytest.raises(AIAError, match="different settings"):
        archive._merged(settings, [archive.Path("a"), archive.Path("b")])


@pytest.mark.parametrize("level15", [False, True])
def test_a_rebuild_starts_from_what_is_archived_and_compares_the_figures(event, tmp_path, monkeypatch, level15, capsys):
    make(event, tmp_path / "paper.zip", level15=level15)
    seen = {}

    def snakemake(command, check):
        seen["targets"] = command[command.index("--") + 1 :]
        folder = archive.Path(command[command.index("--directory") + 1])
        seen["seeded"] = {
            path.relative_to(folder / "results" / "made-up").parts[0] for path in folder.glob("results/*/**/*.*")
        }
        seen["times"] = {path.stat().st_mtime_ns for path in folder.glob("results/*/**/*.*") if path.is_file()}
        figure = folder / "results" / "made-up" / "figures" / "211" / "sequence.png"
        figure.parent.mkdir(parents=True)
        figure.write_text(figure_text)
        return type("Done", (), {"returncode": 0})

    monkeypatch.setattr(redraw.subprocess, "run", snakemake)
    figure_text = "figures/211/sequence.png"
    assert redraw.main([str(tmp_path / "paper.zip"), "--into", str(tmp_path / "one")]) == 0
    assert seen["targets"] == ["results/made-up/figures/211/sequence.png"]
    frames = {"export", "level1", "level1.5"} if level15 else set()
    assert seen["seeded"] == {"metadata", "records"} | frames
    assert len(seen["times"]) == 1, "nothing looks newer than what was made from it"
    assert capsys.readouterr().out.startswith("same ")
    figure_text = "something else"
    assert redraw.main([str(tmp_path / "paper.zip"), "--into", str(tmp_path / "two")]) == 1
    assert capsys.readouterr().out.startswith("DIFFERENT ")


@pytest.fixture
def at_hand(tmp_path, root):
    """An event that was made from files of somebody's disk, with tables of somebody's disk."""
    own = {"archive": "files", "files": ["/home/somebody/frames"], "tables": "/home/somebody/tables"}
    return write(tmp_path / "own", root, **own)


@pytest.mark.parametrize("level15", [False, True])
def test_an_archive_of_files_at_hand_says_where_they_belong_and_not_where_they_lay(at_hand, tmp_path, level15):
    make(at_hand, tmp_path / "paper.zip", level15=level15)
    with zipfile.ZipFile(tmp_path / "paper.zip") as packed:
        config = yaml.safe_load(packed.read("config/config.yaml"))
        readme = packed.read("README.md").decode()
    assert (config["files"], config["tables"]) == (["level1"], "resources/own")
    assert ("Put the level-1 files whose names and SHA-256 stand in" in readme) == (not level15)
    assert "exported again" not in readme


def test_a_rebuild_from_files_at_hand_says_which_it_lacks_and_begins_when_all_are_there(
    at_hand, tmp_path, monkeypatch, capsys
):
    """Whatever the names that somebody gave them; what they say is read anew."""
    make(at_hand, tmp_path / "paper.zip")
    seeded = []

    def snakemake(command, check):
        folder = archive.Path(command[command.index("--directory") + 1])
        seeded.extend(path for path in folder.glob("results/**/*") if path.is_file())
        figure = folder / "results" / "made-up" / "figures" / "211" / "sequence.png"
        figure.parent.mkdir(parents=True)
        figure.write_text("figures/211/sequence.png")
        return type("Done", (), {"returncode": 0})

    monkeypatch.setattr(redraw.subprocess, "run", snakemake)
    call = [str(tmp_path / "paper.zip"), "--into", str(tmp_path / "one")]
    frames = sorted((at_hand / "level1").rglob("*.fits"))
    assert len(frames) > 2
    for given in (0, len(frames) - 1):
        for number, path in enumerate(frames[:given]):
            shutil.copyfile(path, tmp_path / "one" / "level1" / f"my {number}")
        assert redraw.main(call) == 1
        said = capsys.readouterr().err
        assert f"{len(frames)} level-1 files at hand, which it does not hold; {len(frames) - given} of" in said
        assert f"are not in {tmp_path / 'one' / 'level1'}: put those there" in said
        assert said.count("\n") == 1
        assert frames[given].name in said
        (tmp_path / "one" / "level1").mkdir(exist_ok=True)
    shutil.copyfile(frames[-1], tmp_path / "one" / "level1" / "the last")
    assert redraw.main(call) == 0
    assert seeded == []


def test_an_archive_of_files_at_hand_with_its_level_15_frames_needs_none_of_them(at_hand, tmp_path, monkeypatch):
    make(at_hand, tmp_path / "paper.zip", level15=True)
    seen = set()

    def snakemake(command, check):
        folder = archive.Path(command[command.index("--directory") + 1]) / "results" / "made-up"
        seen.update(path.relative_to(folder).parts[0] for path in folder.glob("**/*.*"))
        return type("Done", (), {"returncode": 0})

    monkeypatch.setattr(redraw.subprocess, "run", snakemake)
    redraw.main([str(tmp_path / "paper.zip"), "--into", str(tmp_path / "one")])
    assert seen == {"metadata", "records", "export", "level1", "level1.5"}


def test_an_archive_that_was_changed_after_unpacking_is_refused(event, tmp_path):
    make(event, tmp_path / "paper.zip")
    folder = tmp_path / "paper"
    redraw.unpack(tmp_path / "paper.zip", folder)
    table = folder / "resources" / "synthetic" / "calibration" / "degradation.ecsv"
    table.write_text(table.read_text().replace("2050.1", "2050.2"))
    with pytest.raises(AIAError, match=r"not as it was archived: resources/synthetic/calibration/degradation\.ecsv"):
        redraw.rebuild(folder, [])


def test_the_workflow_of_the_archive_is_compared_with_the_one_that_is_installed_and_left_packed(
    event, tmp_path, monkeypatch, capsys
):
    make(event, tmp_path / "ours.zip")
    with zipfile.ZipFile(tmp_path / "ours.zip") as packed:
        packed.extractall(tmp_path / "all")
        files = {name: tmp_path / "all" / name for name in packed.namelist() if name != crate.SUMS}
    path = tmp_path / "theirs.zip"
    zips.write(path, files | {"scripts/plot_sequence.py": "raise SystemExit", "rules/more.smk": "rule more:"})
    redraw.unpack(tmp_path / "ours.zip", tmp_path / "ours")
    assert redraw.other_code(tmp_path / "ours") == []
    monkeypatch.setattr(redraw, "rebuild", lambda folder, arguments: [])
    assert redraw.main([str(path)]) == 0
    said = capsys.readouterr().err
    assert "2 files differ: rules/more.smk, scripts/plot_sequence.py. The code of this one is used" in said
    unpacked = {item.relative_to(tmp_path / "theirs").as_posix() for item in (tmp_path / "theirs").rglob("*")}
    assert not any(redraw.is_code(name) or name.endswith((".py", ".smk")) for name in unpacked)


def test_in_the_folder_of_an_unpacked_archive_its_own_workflow_works(event, tmp_path, monkeypatch):
    make(event, tmp_path / "paper.zip")
    folder = tmp_path / "unzipped"
    with zipfile.ZipFile(tmp_path / "paper.zip") as packed:
        packed.extractall(folder)
    with pytest.raises(AIAError, match="name the zip file"):
        redraw.opened(folder, None, 1)
    monkeypatch.setattr(software, "ROOT", folder)
    assert redraw.opened(folder, None, 1) == folder


def test_a_product_for_which_an_archive_has_no_place_is_not_packed(event, tmp_path):
    (event / "figures" / ".notes.py").write_text("x")
    with (event / crate.SUMS).open("a") as sums:
        sums.write(f"{sha256(event / 'figures' / '.notes.py')}  figures/.notes.py\n")
    with pytest.raises(AIAError, match=r"no archive has a place for archived/made-up/figures/\.notes\.py"):
        make(event, tmp_path / "paper.zip")


def test_every_file_that_an_event_can_have_has_a_place_in_an_archive():
    window = {"name": "flare", "start": "2021-07-03T14:25:00Z", "end": "2021-07-03T14:26:00Z", "channels": [171, 211]}
    figure = {"gif": True, "difference": ["running", "base", "ratio"]}
    asked = {"cube": "seen", "slits": {"loop": {"points": [[0, 0], [90, 9]]}}, "figure": figure}
    files = Job(Plan(load({"events": [window | asked]})), "flare").files
    names = [path.replace("<results>", redraw.ARCHIVED) for paths in files.values() for path in paths]
    assert len(names) > 50
    assert [name for name in names if not redraw.is_content(name)] == []
