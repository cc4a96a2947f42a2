"""The crate of an event describes what was run, on what, and what came out; and it keeps to its profile."""

import hashlib
import json
import re
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from astropy.table import Table
from folders import EventFolder

from aia_sequence import software
from aia_sequence.errors import AIAError
from aia_sequence.files import sha256
from aia_sequence.provenance import citations, crate, inventory
from aia_sequence.provenance.run import describe_run

FATES = {211: ["calibrated"] * 4 + ["filtered", "quarantined", "not exported", "not calibrated"]}
CONFIG = {
    "archive": "synthetic",
    "block": "1h",
    "events": [
        {
            "name": "made-up",
            "start": "2021-07-03T14:25:00Z",
            "end": "2021-07-03T14:26:30Z",
            "channels": [211],
            "where": {"EXPTIME": "< 2.0"},
        }
    ],
}


@pytest.fixture
def written(tmp_path, root):
    """An event's folder with its crate, as `write_audit` leaves it."""
    return write(tmp_path, root)


def write(folder, root, *, timed=True, **config):
    event = EventFolder(folder / "results" / "made-up", FATES).write()
    for name in ("audit.csv", "audit.html", "figures/211/sequence.png", "cubes/211.nc", "cubes/sets.csv"):
        path = event.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    tables = folder / "resources" / "synthetic" / "calibration"
    (tables / "pointing").mkdir(parents=True)
    for name in ("pointing/20210703.ecsv", "degradation.ecsv"):
        table = Table({"T_START": ["2021-07-03T12:00:00"], "A_211_X0": [2050.1]})
        table.meta = {
            "archive": "synthetic",
            "source": f"source_of {name}",
            "sha256": hashlib.sha256(b"rows").hexdigest(),
        }
        table.write(tables / name, format="ascii.ecsv")
    describe_run(
        config=CONFIG | config,
        files=event.files
        | {
            "audit": [event.folder / "audit.csv", event.folder / "audit.html"],
            "figures": [event.folder / "figures/211/sequence.png"],
            "cubes": [event.folder / "cubes/211.nc"],
            "sets": [event.folder / "cubes/sets.csv"],
        },
        tables=sorted(tables.rglob("*.ecsv")),
        snakefile=root / "Snakefile",
        output=event.folder / crate.NAME,
        sums=event.folder / crate.SUMS,
        references=event.folder / "references.bib",
        readme=event.folder / crate.README,
        config_output=event.folder / crate.CONFIG_FILE,
        snakefile_output=event.folder / crate.WORKFLOW_FILE,
        timed=timed,
    )
    return event.folder


def entities(folder):
    graph = json.loads((folder / crate.NAME).read_text(encoding="utf-8"))["@graph"]
    assert len({entity["@id"] for entity in graph}) == len(graph), "each entity once"
    return {entity["@id"]: entity for entity in graph}


def referenced(value):
    """Identifiers that a JSON-LD value refers to."""
    if isinstance(value, dict):
        return (
            [value["@id"]] if set(value) == {"@id"} else [name for item in value.values() for name in referenced(item)]
        )
    return [name for item in value for name in referenced(item)] if isinstance(value, list) else []


def types(entity):
    return set(entity["@type"]) if isinstance(entity["@type"], list) else {entity["@type"]}


def test_the_crate_keeps_the_musts_of_ro_crate_1_1(written):
    document = json.loads((written / crate.NAME).read_text(encoding="utf-8"))
    assert "https://w3id.org/ro/crate/1.1/context" in document["@context"]
    known = entities(written)
    descriptor, root = known["ro-crate-metadata.json"], known["./"]
    assert types(descriptor) == {"CreativeWork"}
    assert descriptor["about"] == {"@id": "./"}
    assert {"@id": "https://w3id.org/ro/crate/1.1"} in descriptor["conformsTo"]
    assert "Dataset" in types(root)
    assert root["name"]
    assert root["description"]
    assert root["license"]["@id"].startswith("https://")
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", root["datePublished"])
    files = {name for name, entity in known.items() if "File" in types(entity)}
    assert files == set(referenced(root["hasPart"])), "every file is part of the root"
    assert all((written / name).is_file() for name in files)
    web = re.compile(r"https?://")
    dangling = {name for entity in known.values() for name in referenced(entity)} - set(known)
    assert all(web.match(name) for name in dangling), dangling


def test_the_crate_keeps_the_musts_of_the_workflow_run_profile(written):
    known = entities(written)
    root = known["./"]
    for url in ("process/0.5", "workflow/0.5"):
        url = f"https://w3id.org/ro/wfrun/{url}"
        assert {"@id": url} in root["conformsTo"]
        assert types(known[url]) == {"CreativeWork"}
    main = known[root["mainEntity"]["@id"]]
    assert types(main) == {"File", "SoftwareSourceCode", "ComputationalWorkflow"}
    assert types(known[main["programmingLanguage"]["@id"]]) == {"ComputerLanguage"}
    (action,) = [entity for entity in known.values() if "CreateAction" in types(entity)]
    assert action["instrument"] == root["mainEntity"]
    assert root["mentions"] == {"@id": action["@id"]}
    iso = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\+00:00")
    assert iso.fullmatch(action["startTime"])
    assert iso.fullmatch(action["endTime"])
    assert action["startTime"] <= action["endTime"]


def test_a_run_whose_files_were_brought_from_elsewhere_ends_now_and_invents_no_beginning(tmp_path, root):
    began = datetime.now(UTC).replace(microsecond=0)
    known = entities(write(tmp_path, root, timed=False))
    (action,) = [entity for entity in known.values() if "CreateAction" in types(entity)]
    assert "startTime" not in action
    assert began <= datetime.fromisoformat(action["endTime"]) <= datetime.now(UTC)
    assert known["./"]["datePublished"] == action["endTime"][:10]


def test_the_crate_names_its_author_its_agent_and_a_readme_about_it(written):
    """What RO-Crate 1.1 and Process Run Crate 0.5 say that a crate should have, besides what they say that it must."""
    known = entities(written)
    root = known["./"]
    for name in ("author", "publisher"):
        assert types(known[root[name]["@id"]]) == {"Organization"}
    assert types(known[known["#run"]["agent"]["@id"]]) == {"Person"}
    assert known["README.md"]["encodingFormat"] == "text/markdown"
    assert known["README.md"]["about"] == {"@id": "./"}
    text = (written / "README.md").read_text(encoding="utf-8")
    assert text.startswith("# made-up\n\nSynthetic SDO/AIA frames, not observations of the Sun,")
    assert "$" not in text
    told = [path.name for path in written.iterdir() if path.name not in ("README.md", "workflow")]
    assert [name for name in told if f"`{name}" not in text] == []


def test_every_file_of_the_event_is_in_the_crate_and_the_checksum_list_with_its_hash(written):
    files, tables = crate.read_hashes((written / crate.NAME).read_text(encoding="utf-8"))
    sums = crate.read_checksums((written / crate.SUMS).read_text(encoding="utf-8"))
    present = {path.relative_to(written).as_posix() for path in written.rglob("*") if path.is_file()}
    assert set(sums) == present - {crate.SUMS}
    assert set(files) == present - {crate.SUMS, crate.NAME}
    assert all(sums[name] == sha256(written / name) for name in sums)
    assert all(files[name] == sums[name] for name in files)
    resources = written.parents[1] / "resources"
    assert tables == {
        path.relative_to(resources).as_posix(): sha256(path) for path in resources.rglob("*.ecsv") if path.is_file()
    }


def test_the_crate_names_record_sets_requests_tables_and_software(written):
    known = entities(written)
    text = (written / crate.NAME).read_text(encoding="utf-8")
    values = {entity["value"] for entity in known.values() if "PropertyValue" in types(entity)}
    assert (written / "records/211/20210703T1424.recordset.txt").read_text().strip() in values
    assert "JSOC_20210703_211" in values
    assert known["#table/synthetic/calibration/degradation.ecsv"]["description"] == "Source: source_of degradation.ecsv"
    assert hashlib.sha256(b"rows").hexdigest() in text
    for name in ("sunpy", "aiapy", "drms", "snakemake", "Python"):
        (version,) = [entity["softwareVersion"] for entity in known.values() if entity.get("name") == name]
        assert version == software.packages()[name]
    frame = next(entity for name, entity in known.items() if name.endswith("image_lev1.5.fits"))
    assert frame["identifier"].startswith("aia.lev1_euv_12s[2021-07-03T14:2")


def test_config_and_level_1_frames_went_in_and_the_rest_came_out(written):
    known = entities(written)
    went, came = (set(referenced(known["#run"][way])) for way in ("object", "result"))
    assert crate.CONFIG_FILE in went
    assert sum(name.startswith("level1/211/20210703T1424/") for name in went) == 5
    assert not any(name.startswith("level1/211/20210703T1424/") for name in came)
    assert "figures/211/sequence.png" in came
    assert "#table/synthetic/calibration/pointing/20210703.ecsv" in went


def test_no_machine_path_user_or_address_appears(tmp_path, root, monkeypatch):
    monkeypatch.setenv("JSOC_EMAIL", "somebody@institute.example")
    written = write(tmp_path, root)
    import getpass
    import socket

    home, host = str(Path.home()), socket.gethostname()
    for path in (crate.NAME, crate.SUMS, "references.bib", crate.README, crate.CONFIG_FILE):
        text = (written / path).read_text(encoding="utf-8")
        for private in (
            str(written),
            str(written.parents[2]),
            f"{home}/",
            host,
            "institute.example",
            f"/{getpass.getuser()}/",
        ):
            assert private not in text, f"{private} in {path}"


def test_the_configuration_as_used_can_be_loaded_again(written):
    from aia_sequence.config.settings import load

    config = yaml.safe_load((written / crate.CONFIG_FILE).read_text(encoding="utf-8"))
    assert config == CONFIG
    assert list(load(config).events) == ["made-up"]


def test_synthetic_data_are_called_synthetic(written):
    root = entities(written)["./"]
    assert "not observations of the Sun" in root["description"]
    assert "synthetic data" in root["keywords"]


def test_a_frame_that_its_manifest_lists_must_be_there(written):
    next(written.glob("level1.5/211/*/*.fits")).unlink()
    with pytest.raises(AIAError, match=r"is not the 2880 bytes that 20210703T1424\.csv lists"):
        inventory.items(written, {"level1": [], "level15": [written / "level1.5/211/20210703T1424.csv"]})


def test_the_workflow_tells_its_version_and_whether_its_code_was_changed(root):
    found = software.workflow()
    cited = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    assert found.version == cited["version"] == metadata.version("aia_sequence")
    assert re.fullmatch(r"[0-9a-f]{64}", found.digest)
    if found.commit:
        assert re.fullmatch(r"[0-9a-f]{40}", found.commit)
        assert ("uncommitted changes" in str(found)) is found.dirty


def test_without_git_the_code_is_still_known_by_its_digest(tmp_path):
    (tmp_path / "Snakefile").write_text("rule all:\n")
    first = software.workflow(tmp_path)
    assert (first.name, first.commit, first.dirty) == ("aia-sequence", "", None)
    assert "not a git checkout" in str(first)
    (tmp_path / "Snakefile").write_text("rule all: \n")
    assert software.workflow(tmp_path).digest != first.digest


def test_where_the_library_is_installed_without_the_workflow_its_own_files_are_the_code(tmp_path):
    files = software.code_files(tmp_path)
    assert software.LIBRARY / "software.py" in files
    assert software.code_digest(tmp_path) != hashlib.sha256().hexdigest()


def test_a_package_that_a_steps_own_environment_lacks_has_the_version_of_the_lock(tmp_path):
    lock = tmp_path / "requirements.txt"
    lock.write_text("no-such-package==1.2.3 ; python_version > '3' \\\n    --hash=sha256:00\nnumpy==0.0.1 \\\n")
    versions = software.packages(("no-such-package", "numpy", "never-heard-of"), lock)
    assert versions["no-such-package"] == "1.2.3"
    assert versions["numpy"] != "0.0.1", "what is installed is what was used"
    assert "never-heard-of" not in versions


def test_references_name_what_was_used_with_versions_and_table_hashes(written):
    text = (written / "references.bib").read_text(encoding="utf-8")
    keys = re.findall(r"^@\w+\{([^,]+),$", text, re.MULTILINE)
    assert len(keys) == len(set(keys))
    assert {
        "sdo",
        "aia",
        "package:sunpy",
        "package:aiapy",
        "package:drms",
        "package:astropy",
        "package:snakemake",
    } <= set(keys)
    assert "table:synthetic/calibration/degradation.ecsv" in keys
    assert "aia-sequence" in keys
    assert "aia-degradation" in keys
    assert f"aiapy {software.packages()['aiapy']}" in text
    assert "VERSION" not in text
    for field in re.findall(r"^  (?:title|note) = \{(.*)\},$", text, re.MULTILINE):
        assert not re.search(r"(?<!\\)[_&%#$]", field), f"LaTeX would choke on {field}"
    assert text.count("{") == text.count("}")
    assert hashlib.sha256(b"rows").hexdigest() in text


def test_references_leave_out_what_was_not_used():
    text = citations.references(versions={"sunpy": "8.0.1"}, tables=[], workflow=software.workflow())
    assert "package:sunpy" in text
    assert "package:drms" not in text
    assert "aia-degradation" not in text


@pytest.mark.parametrize("package", ["sunpy", "astropy", "drms", "aiapy"])
def test_references_agree_with_what_the_packages_ask_to_be_cited(package):
    from importlib.util import find_spec

    folder = Path(find_spec(package).origin).parent
    asked = (folder / ("CITATION" if package == "astropy" else "CITATION.rst")).read_text(encoding="utf-8")
    ours = citations.TEMPLATE.read_text(encoding="utf-8").split(f"package:{package},")[1]
    doi = re.search(r"doi = \{(.+?)\}", ours)[1]
    assert doi in asked
