"""Whatever is changed in a finished event is found, and only what is wrong is removed."""

import hashlib
import shutil

import pytest
from test_crate import write

from aia_sequence.commands import repair as repairing
from aia_sequence.commands.repair import Folders, rebuild, repair
from aia_sequence.commands.verify import main, verify
from aia_sequence.files import sha256
from aia_sequence.provenance import crate

BLOCK = "211/20210703T1424"
KINDS = [
    ("metadata/aia.lev1_euv_12s/20210703T1424.csv", None),
    ("metadata/aia.lev1_euv_12s/20210703T1424.keywords.csv", None),
    (f"records/{BLOCK}.csv", None),
    (f"records/{BLOCK}.recordset.txt", None),
    (f"export/{BLOCK}.json", None),
    (f"level1/{BLOCK}.csv", f"level1/{BLOCK}"),
    (f"level1/{BLOCK}/aia.lev1_euv_12s.2021-07-03T142501Z.211.image_lev1.fits", f"level1/{BLOCK}"),
    (f"level1.5/{BLOCK}.csv", f"level1.5/{BLOCK}"),
    (f"level1.5/{BLOCK}/aia.lev1_euv_12s.2021-07-03T142501Z.211.image_lev1.5.fits", f"level1.5/{BLOCK}"),
    ("figures/211/sequence.png", None),
    ("audit.csv", None),
    ("audit.html", None),
    ("references.bib", None),
    ("workflow/config.yaml", None),
    ("workflow/Snakefile", None),
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory, root):
    return write(tmp_path_factory.mktemp("finished"), root).parents[1]


@pytest.fixture
def copied(finished, tmp_path):
    """A finished event that may be damaged: results and resources."""
    shutil.copytree(finished, tmp_path / "run")
    return tmp_path / "run" / "results", tmp_path / "run" / "resources"


def flip(path, bit):
    """Change one bit of a file."""
    content = bytearray(path.read_bytes())
    content[bit // 8 % len(content)] ^= 1 << bit % 8
    path.write_bytes(content)


def test_an_untouched_event_is_as_recorded(copied, capsys):
    assert main([*map(str, copied)]) == 0
    assert capsys.readouterr().out.endswith("all as recorded\n")


@pytest.mark.parametrize(("name", "block"), KINDS)
@pytest.mark.parametrize("bit", [5, 4001])
def test_one_bit_changed_in_any_file_is_found_and_only_it_is_removed(copied, name, block, bit):
    results, resources = copied
    folder = results / "made-up"
    flip(folder / name, bit)
    (finding,) = verify(results, resources).findings
    assert (finding.path, finding.what) == (folder / name, "changed")
    before = {path for path in folder.rglob("*") if path.is_file()}
    (target,) = repair([finding], Folders(results, resources))
    after = {path for path in folder.rglob("*") if path.is_file()}
    if block is None:
        assert before - after == {folder / name}
        assert target == folder / name
    else:
        assert before - after == {path for path in before if str(path).startswith(str(folder / block))}
        assert target == folder / f"{block}.csv"


@pytest.mark.parametrize("name", [crate.NAME, crate.SUMS])
@pytest.mark.parametrize("bit", [0, 5, 999, 4001, 12345, 23456])
def test_one_bit_changed_in_crate_or_checksums_is_found_and_nothing_else_is_blamed(copied, name, bit):
    results, resources = copied
    folder = results / "made-up"
    flip(folder / name, bit)
    blamed = {(finding.path, finding.what) for finding in verify(results, resources).findings}
    assert blamed == {(folder / crate.NAME, "changed")}
    assert repair(verify(results, resources).findings, Folders(results, resources)) == [folder / crate.NAME]
    assert not (folder / crate.NAME).exists()
    assert not (folder / crate.SUMS).exists()
    assert (folder / "audit.csv").exists()


def test_a_changed_table_is_found_through_the_events_that_used_it(copied):
    results, resources = copied
    path = resources / "synthetic" / "calibration" / "degradation.ecsv"
    flip(path, 100)
    (finding,) = verify(results, resources).findings
    assert (finding.path, finding.what, finding.detail) == (path, "changed", "recorded by made-up")
    assert repair([finding], Folders(results, resources)) == [path]
    assert not path.exists()


def test_a_changed_table_is_found_even_if_the_crate_is_json_no_more(copied):
    results, resources = copied
    table = resources / "synthetic" / "calibration" / "degradation.ecsv"
    flip(table, 100)
    path = results / "made-up" / crate.NAME
    path.write_text(path.read_text(encoding="utf-8").replace("{", "z", 1), encoding="utf-8")
    found = {finding.path: finding.what for finding in verify(results, resources).findings}
    assert found == {path: "changed", table: "changed"}


def test_a_table_that_was_fetched_again_for_another_event_is_no_damage(copied):
    results, resources = copied
    path = resources / "synthetic" / "calibration" / "degradation.ecsv"
    old = sha256(path)
    path.write_text(path.read_text() + "2021-07-03T15:00:00 2050.2\n")
    later = results / "later"
    shutil.copytree(results / "made-up", later)
    for name in (crate.NAME, crate.SUMS):
        text = (later / name).read_text().replace(old, sha256(path))
        (later / name).write_text(text)
    sums = (later / crate.SUMS).read_text().splitlines()
    sums = [f"{sha256(later / crate.NAME)}  {crate.NAME}" if line.endswith(crate.NAME) else line for line in sums]
    (later / crate.SUMS).write_text("\n".join(sums) + "\n")
    (finding,) = verify(results, resources).findings
    assert finding.what == "outdated"
    assert "is not the one that made-up was made with" in finding.detail
    assert repair([finding], Folders(results, resources)) == []
    assert path.exists()


def test_a_missing_frame_is_found_and_its_block_is_made_again(copied):
    results, resources = copied
    frame = next((results / "made-up" / "level1.5" / BLOCK).glob("*.fits"))
    frame.unlink()
    (finding,) = verify(results, resources).findings
    assert (finding.path, finding.what) == (frame, "missing")
    assert finding.target == results / "made-up" / "level1.5" / f"{BLOCK}.csv"


def test_a_foreign_file_is_told_and_stays(copied):
    results, resources = copied
    mine = results / "made-up" / "level1.5" / BLOCK / "notes.txt"
    mine.write_text("mine")
    (results / "made-up" / "level1.5" / BLOCK / ".snakemake_timestamp").touch()
    (finding,) = verify(results, resources).findings
    assert (finding.path, finding.what) == (mine, "foreign")
    assert repair([finding], Folders(results, resources)) == []
    assert mine.exists()


def test_without_a_crate_the_manifests_are_used(copied, capsys):
    results, resources = copied
    folder = results / "made-up"
    (folder / crate.NAME).unlink()
    (folder / crate.SUMS).unlink()
    frame = next((folder / "level1" / BLOCK).glob("*.fits"))
    flip(frame, 77)
    assert main([str(results), str(resources)]) == 1
    told = capsys.readouterr().out
    assert f"changed  {frame}" in told
    assert "no record of a finished run" in told
    assert "1 changed" in told


def test_a_cached_file_that_is_not_what_its_name_says_is_removed(copied):
    results, resources = copied
    digest = hashlib.sha256(b"frame").hexdigest()
    path = resources / "level1" / "objects" / digest[:2] / f"{digest}.fits"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"frame")
    assert verify(results, resources).findings == []
    flip(path, 3)
    (finding,) = verify(results, resources).findings
    assert finding.path == path
    assert repair([finding], Folders(results, resources)) == []
    assert not path.exists()


def test_repair_says_how_to_make_only_what_it_removed(copied, capsys):
    results, resources = copied
    flip(results / "made-up" / "audit.html", 9)
    assert main([str(results), str(resources), "--repair"]) == 0
    told = capsys.readouterr().out
    assert f"snakemake --cores all -- {results / 'made-up' / 'audit.html'}\n" in told
    assert not (results / "made-up" / crate.NAME).exists(), "or a run would not notice that anything is missing"


def test_without_results_there_is_nothing_to_verify(tmp_path, capsys):
    assert main([str(tmp_path / "results"), str(tmp_path)]) == 1
    assert "run the workflow first" in capsys.readouterr().err


def test_rebuilding_goes_upstream_first_and_leaves_no_trace_in_the_times(copied, finished, monkeypatch):
    results, resources = copied
    folder, pristine = results / "made-up", finished / "results" / "made-up"
    frame = f"level1.5/{BLOCK}/aia.lev1_euv_12s.2021-07-03T142501Z.211.image_lev1.5.fits"
    wrong = ["audit.html", frame, f"records/{BLOCK}.csv", "metadata/aia.lev1_euv_12s/20210703T1424.csv"]
    for name in wrong:
        flip(folder / name, 9)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    asked = []

    def snakemake(command, check):
        targets = command[command.index("--") + 1 :]
        assert command[3:5] == ["--cores", "2"]
        for target in targets:
            name = str(target).removeprefix(f"{folder}/")
            asked.append(name)
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(pristine / name, folder / name)
            block = (folder / name).with_suffix("")
            if name.startswith("level1.5"):
                shutil.copytree(pristine / block.relative_to(folder), block, copy_function=shutil.copyfile)
        return type("Done", (), {"returncode": 0})

    monkeypatch.setattr(repairing.subprocess, "run", snakemake)
    rebuild(verify(results, resources).findings, Folders(results, resources), ["--cores", "2"])
    assert asked == [
        "metadata/aia.lev1_euv_12s/20210703T1424.csv",
        f"records/{BLOCK}.csv",
        f"level1.5/{BLOCK}.csv",
        "audit.html",
    ]
    assert verify(results, resources).findings == []
    after = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    touched = {path for path in before if after[path] != before[path]}
    assert touched <= {folder / name for name in wrong}
    crate_time = min(after[folder / name] for name in (crate.NAME, crate.SUMS, "workflow/config.yaml"))
    assert all(after[folder / name] <= crate_time for name in wrong)
