"""A finished run can be given away, rebuilt from what was given, and checked to the last bit."""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter

import pytest
import warm
from astropy.io import fits
from running import Workflow

from aia_sequence.commands import archive, redraw
from aia_sequence.commands.repair import TIMESTAMP
from aia_sequence.commands.verify import verify

pytestmark = pytest.mark.slow

FINISHED = re.compile(r"^Finished jobid: \d+ \(Rule: (\w+)\)$", re.MULTILINE)
LOGS = "**/.snakemake/log/*.log"  # what Snakemake itself wrote down, whatever the terminal showed
FIRST, SECOND = "20210703T1427", "20210703T1428"
# Each kind of file, and the one job that makes it again.
KINDS = {
    "metadata/aia.lev1_euv_12s/20210703T1427.csv": "query_metadata",
    "metadata/aia.lev1_euv_12s/20210703T1427.keywords.csv": "query_metadata",
    f"records/211/{FIRST}.csv": "filter_records",
    f"records/211/{FIRST}.recordset.txt": "filter_records",
    f"export/211/{FIRST}.json": "download_level1",
    f"level1/211/{FIRST}/*.fits": "download_level1",
    f"level1/211/{FIRST}.csv": "download_level1",
    f"level1.5/211/{FIRST}/*.fits": "calibrate_level15",
    f"level1.5/211/{FIRST}.csv": "calibrate_level15",
    "figures/211/lightcurve.csv": "plot_sequence",
    "figures/211/sequence.png": "plot_sequence",
    "figures/211/difference-running.mp4": "plot_difference",
    "figures/211/slits/loop.nc": "trace_slit",
    "cubes/211.nc": "write_cube",
    "audit.html": "write_audit",
    "ro-crate-metadata.json": "write_audit",
    "references.bib": "write_audit",
    "../../resources/synthetic/calibration/pointing/20210703.ecsv": "fetch_pointing",
    "../../resources/synthetic/calibration/degradation.ecsv": "fetch_degradation",
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Two cut-out frames in two blocks, from query to crate."""
    workflow = Workflow.example(tmp_path_factory.mktemp("reproducible"), block="1m")
    slits = {"loop": {"points": [[800, 300], [950, 480]]}}
    asked = {"cutout": True, "region": {"x": [780, 970], "y": [280, 500]}, "slits": slits, "cube": "derotated"}
    asked["figure"] = {"difference": ["running"], "size": "one-column", "dpi": 72}
    workflow = workflow.changed(start="2021-07-03T14:27:40Z", end="2021-07-03T14:28:15Z", **asked)
    run = workflow.run()
    assert run.status == 0, run.output
    # In a pipe: a line for each stage, one every half minute, and at last where everything is.
    told = [line for line in run.output.splitlines() if line]
    assert len([line for line in told if "  at work: " not in line]) <= 25, run.output
    assert "Traceback" not in run.output
    assert told[-1] == f"Results: {workflow.folder / 'results' / 'index.html'}"
    yield workflow
    shutil.rmtree(workflow.folder)


def check(workflow):
    return verify(workflow.folder / "results", workflow.folder / "resources")


def call(folder, *command):
    """Run a command in a folder; the jobs that it led to there or one folder below, and what was said.

    Its processes order sets differently than those that the run was finished by.
    """
    before = set(folder.glob(LOGS))
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=os.environ | warm.environment(1),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    said = "\n".join(
        [done.stdout, *(path.read_text(encoding="utf-8") for path in sorted(set(folder.glob(LOGS)) - before))]
    )
    return Counter(found[1] for found in FINISHED.finditer(said) if found[1] != "all"), said


def products(workflow):
    """Bytes of all but what tells of one run: crate, checksums, and exports, which list what the cache held."""
    return {
        path.relative_to(workflow.folder): path.read_bytes()
        for part in ("results", "resources/synthetic/calibration")
        for path in sorted((workflow.folder / part).rglob("*"))
        if path.is_file()
        and "export" not in path.parts
        and path.name not in ("ro-crate-metadata.json", "SHA256SUMS", TIMESTAMP)
    }


def flip(path):
    """Change one bit in the middle of a file."""
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)[0]
        file.seek(-1, 1)
        file.write(bytes([byte ^ 1]))


def test_a_level_15_header_alone_names_record_request_tables_factors_and_version(finished):
    with fits.open(next((finished.results / "level1.5" / "211").glob("*/*.fits"))) as hdus:
        header = next(hdu.header for hdu in hdus if "T_REC" in hdu.header)  # an image that is packed is an extension
    crate = (finished.results / "ro-crate-metadata.json").read_text(encoding="utf-8")
    assert f"aia.lev1_euv_12s[{header['T_REC'][:19]}Z][{header['WAVELNTH']}]" in crate
    for table in ("PNT_SHA", "DEG_SHA"):
        assert f"sha256 of the rows: {header[table]}" in crate
    assert f'"{header["L1REQ"]}"' in crate
    assert header["L1SHA256"] in crate
    assert 0 < header["DEGCORR"] < 1
    assert header["EXPNORM"] == header["O_EXPTIM"]
    assert f"[{header['T_REC'][:19]}Z]" in header["L1RECORD"]
    assert header["L15PROG"].startswith("aia-sequence ")
    assert header["L15VERS"]


def test_the_report_holds_audit_configuration_software_and_figures_of_a_finished_run(finished):
    run = finished.run("--report", "report.html")
    assert run.status == 0, run.output
    text = (finished.folder / "report.html").read_text(encoding="utf-8")
    for words in ("sequence figure", "light curve (table)", "movie", "viewer", "audit", "configuration"):
        assert f'"product": "{words}"' in text, words
    assert '"product": "provenance, software versions"' in text
    assert "Synthetic data: not observations of the Sun." in text
    for rule in ("query_metadata", "calibrate_level15", "write_audit"):
        assert f'"rule": "{rule}"' in text, f"no run time of {rule}"
    assert str(finished.folder) not in text
    (finished.folder / "report.html").unlink()


def test_no_product_names_the_folder_that_it_was_made_in(finished):
    here = str(finished.folder).encode()
    files = [*finished.results.rglob("*"), *finished.folder.glob("resources/*/calibration/**/*")]
    named = [str(path) for path in files if path.is_file() and here in path.read_bytes()]
    assert len(files) > 30
    assert named == []


def test_an_archive_rebuilds_the_figures_byte_for_byte_in_an_empty_folder_without_asking_for_a_table(
    finished, tmp_path
):
    call(finished.folder, "aia_sequence", "archive", str(tmp_path / "paper.zip"))
    jobs, said = call(tmp_path, "aia_sequence", "rebuild", "paper.zip", "--cores", "2")
    assert not {name for name in jobs if name.startswith(("fetch", "query", "filter"))}, said
    assert jobs["calibrate_level15"] == 2
    rebuilt = tmp_path / "paper" / "results" / finished.event["name"]
    made = [path.relative_to(rebuilt) for path in rebuilt.rglob("*") if path.is_file() and path.name != TIMESTAMP]
    assert {"figures", "level1", "level1.5"} <= {path.parts[0] for path in made}
    different = [str(path) for path in made if (rebuilt / path).read_bytes() != (finished.results / path).read_bytes()]
    assert different == []
    assert "DIFFERENT" not in said


def test_an_archive_with_level_15_frames_needs_nothing_but_itself(finished, tmp_path, capfd):
    events = [finished.results]
    archive.make(tmp_path / "paper.zip", events, finished.folder / "resources", level15=True)
    redraw.unpack(tmp_path / "paper.zip", tmp_path / "paper")
    redraw.rebuild(tmp_path / "paper", ["--cores", "2", "--dry-run"])
    planned = capfd.readouterr()
    assert "plot_sequence" in planned.out + planned.err
    # Snakemake also names the rule where it lists those whose files it did not make itself.
    assert "Calibrating" not in planned.out + planned.err


def test_a_run_with_a_colleagues_tables_fetches_none(finished, tmp_path):
    call(finished.folder, "aia_sequence", "bundle", "export", str(tmp_path / "tables.zip"), str(finished.results))
    call(tmp_path, "aia_sequence", "bundle", "import", "tables.zip")
    theirs = Workflow(tmp_path, finished.config).run("--dry-run")
    assert theirs.status == 0, theirs.output
    assert "calibrate_level15" in theirs.output
    assert not re.search(r"^fetch_\w+ +\d+$", theirs.output, re.MULTILINE), theirs.output


def test_one_bit_changed_in_each_kind_of_file_is_found_and_made_again_and_nothing_else_is(finished):
    before = products(finished)
    assert check(finished).findings == []
    tampered = {next(finished.results.glob(name)).resolve() for name in KINDS}
    for path in tampered:
        flip(path)
    found = {finding.path.resolve() for finding in check(finished).findings}
    # A level-1 frame and its copy in the cache may be one file with two names.
    assert {path for path in found if "objects" not in path.parts} == tampered
    again = ["aia_sequence", "repair", "--", *finished.command()[3:]]
    jobs, said = call(finished.folder, *again)
    assert jobs == Counter(set(KINDS.values()))
    assert f"block {FIRST}" in said
    assert f"block {SECOND}" not in said
    assert products(finished) == before
    assert check(finished).findings == []
    again = finished.run("--dry-run")
    assert "Nothing to be done" in again.output, again.output
