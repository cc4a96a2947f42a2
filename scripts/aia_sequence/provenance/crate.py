"""The provenance of an event as a Workflow Run RO-Crate (profile 0.5 on RO-Crate 1.1).

https://w3id.org/ro/wfrun/workflow/0.5: one `CreateAction` says what was run (the workflow), on what (configuration,
record sets, tables, level-1 frames) and what came out, each file with its SHA-256. The crate's root is the event's
folder. Calibration tables are shared by events and lie outside of it: they are described by name, source and hash.
"""

import json
import mimetypes
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rocrate.model.computerlanguage import get_lang
from rocrate.model.contextentity import ContextEntity
from rocrate.model.file import File
from rocrate.rocrate import ROCrate

from aia_sequence.software import Workflow
from aia_sequence.templates import filled

NAME = "ro-crate-metadata.json"
SUMS = "SHA256SUMS"
WORKFLOW_FILE = "workflow/Snakefile"
CONFIG_FILE = "workflow/config.yaml"
README = "README.md"
TEMPLATE = Path(__file__).with_name("templates") / "event.md"

PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
TERMS = "https://w3id.org/ro/terms/workflow-run/context"
DATA_RULES = "https://sdo.gsfc.nasa.gov/data/rules.php"
FORMATS = {
    ".fits": "application/fits",
    ".ecsv": "text/csv",
    ".bib": "application/x-bibtex",
    ".yaml": "application/yaml",
    ".md": "text/markdown",
}


@dataclass(frozen=True)
class Item:
    """A file of the crate: its path below the event's folder, what it is, its hash, size and (for a frame) record."""

    path: str
    name: str
    sha256: str
    size: int
    record: str = ""
    is_input: bool = False


@dataclass(frozen=True)
class Table:
    """A calibration table: path below the resources' folder, source, hash of its rows and hash of the file."""

    path: str
    source: str
    rows_sha256: str
    sha256: str


@dataclass(frozen=True)
class Run:
    """What is known of the run besides its files; times are of the oldest and the newest product.

    When it began is None where nothing says so.
    """

    event: str
    window: Sequence[str]
    channels: Sequence[int]
    synthetic: bool
    started: datetime | None
    ended: datetime
    recordsets: Mapping[str, str]
    requests: Sequence[str]
    packages: Mapping[str, str]
    workflow: Workflow


def build(run: Run, items: Iterable[Item], tables: Iterable[Table]) -> str:
    """
    Describe an event's run.

    Parameters
    ----------
    run
        The run.
    items
        Every file below the event's folder but the crate itself and its checksum list.
    tables
        Calibration tables that the run used.

    Returns
    -------
    str
        JSON-LD text of ``ro-crate-metadata.json``; it depends on the arguments alone.
    """
    crate = ROCrate(version="1.1")
    crate.metadata.extra_contexts.append(TERMS)
    crate.metadata["conformsTo"] = [
        {"@id": "https://w3id.org/ro/crate/1.1"},
        {"@id": "https://w3id.org/workflowhub/workflow-ro-crate/1.0"},
    ]
    profiles = [
        _context(crate, url, "CreativeWork", name=name, version=version) for url, (name, version) in PROFILES.items()
    ]
    root = crate.root_dataset
    root["name"] = f"SDO/AIA image sequence: {run.event}"
    root["description"] = _description(run.window, run.channels, synthetic=run.synthetic)
    root["datePublished"] = run.ended.astimezone(UTC).strftime("%Y-%m-%d")
    root["license"] = _context(crate, DATA_RULES, "CreativeWork", name="SDO data policy", url=DATA_RULES)
    root["conformsTo"] = profiles
    root["keywords"] = ["SDO/AIA", "synthetic data"] if run.synthetic else ["SDO/AIA"]
    developers = _context(crate, "#developers", "Organization", name="The aia-sequence developers")
    root["publisher"] = root["author"] = _source(crate, developers, synthetic=run.synthetic)
    files = {item.path: _file(crate, item) for item in items}
    if README in files:
        files[README]["about"] = root
    workflow = _workflow(crate, run, files)
    workflow["author"] = developers
    root["mainEntity"] = workflow
    used = [_table(crate, table) for table in tables]
    used += _values(crate, "recordset", run.recordsets.items())
    used += _values(crate, "request", ((f"export request {name}", name) for name in run.requests))
    inputs = [files[item.path] for item in items if item.is_input]
    action = _context(
        crate,
        "#run",
        "CreateAction",
        name=f"Run of aia-sequence for {run.event}",
        description=f"aia-sequence {run.workflow}; startTime and endTime are those of the oldest and the newest file.",
        **({"startTime": _iso(run.started)} if run.started else {}),
        endTime=_iso(run.ended),
        actionStatus="http://schema.org/CompletedActionStatus",
        agent=_context(crate, "#agent", "Person", name="Whoever started the run", description="Not recorded."),
        instrument=workflow,
        object=inputs + used,
        result=[files[item.path] for item in items if not item.is_input and item.path != WORKFLOW_FILE],
    )
    root["mentions"] = action
    return json.dumps(crate.metadata.generate(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def checksum_list(items: Iterable[Item], crate_sha256: str) -> str:
    """Render the checksums of every file of the event, the crate included, as ``sha256sum --check`` reads them."""
    sums = {item.path: item.sha256 for item in items} | {NAME: crate_sha256}
    return "".join(f"{sums[path]}  {path}\n" for path in sorted(sums))


def read_checksums(text: str) -> dict[str, str]:
    """Read a checksum list: hashes by path."""
    pairs = (line.split("  ", 1) for line in text.splitlines() if line)
    return {path: digest for digest, path in pairs}


def read_hashes(crate: str) -> tuple[dict[str, str], dict[str, str]]:
    """
    Read what a crate says of files and tables.

    Parameters
    ----------
    crate
        Text of a crate that `build` made.

    Returns
    -------
    files, tables : dict
        SHA-256 by path: below the event's folder, and below the resources' folder.
    """
    graph = [entity for entity in json.loads(crate)["@graph"] if "sha256" in entity]
    files = {entity["@id"]: entity["sha256"] for entity in graph if not entity["@id"].startswith("#")}
    tables = {entity["alternateName"]: entity["sha256"] for entity in graph if entity["@id"].startswith("#table/")}
    return files, tables


def salvage_tables(damaged: str) -> dict[str, str]:
    """
    Read what a crate says of tables, even if it is no longer JSON.

    A crate that is written again takes the tables as they are: what the damaged one still knows of them must be used
    before. The text of `build` has one property a line, sorted.
    """
    said = re.compile(
        r'"@id": "#table/[^"\n]*",.*?"alternateName": "([^"\n]+)",.*?"sha256": "([0-9a-f]{64})"', re.DOTALL
    )
    return dict(said.findall(damaged))


def _description(window: Sequence[str], channels: Sequence[int], *, synthetic: bool) -> str:
    kind = "Synthetic SDO/AIA frames, not observations of the Sun," if synthetic else "SDO/AIA frames"
    names = ", ".join(map(str, channels))
    return f"{kind} of {window[0]} to {window[1]} at {names} Å: level 1, level 1.5, figures and audit."


def readme(
    event: str, window: Sequence[str], channels: Sequence[int], *, synthetic: bool, workflow: Workflow, cubes: bool
) -> str:
    """Say in Markdown what lies where in an event's folder."""
    return filled(
        TEMPLATE,
        event=event,
        description=_description(window, channels, synthetic=synthetic),
        workflow=f"{workflow.name} {workflow}",
        cubes=cubes,
    )


def _source(crate: ROCrate, developers: ContextEntity, *, synthetic: bool) -> ContextEntity:
    """Whose observations the crate holds: the instrument's team, or of a model's frames those who made the model."""
    if synthetic:
        return developers
    url = "https://aia.lmsal.com/"
    return _context(crate, url, "Organization", name="NASA/SDO and the AIA science team", url=url)


def _context(crate: ROCrate, entity_id: str, kind: str, **properties: Any) -> ContextEntity:
    return crate.add(ContextEntity(crate, entity_id, properties={"@type": kind} | properties))


def _file(crate: ROCrate, item: Item) -> File:
    kind, _ = mimetypes.guess_type(item.path)
    properties: dict[str, str | list[str]] = {
        "name": item.name,
        "sha256": item.sha256,
        "contentSize": str(item.size),
        "encodingFormat": FORMATS.get(Path(item.path).suffix, kind or "text/plain"),
    }
    if item.path == WORKFLOW_FILE:
        properties["@type"] = ["File", "SoftwareSourceCode", "ComputationalWorkflow"]
    if item.record:
        properties["identifier"] = item.record
    return crate.add(File(crate, dest_path=item.path, properties=properties))


def _workflow(crate: ROCrate, run: Run, files: Mapping[str, File]) -> File:
    """Turn the Snakefile into the main workflow, with its version and the software that it ran on."""
    language = crate.add(get_lang(crate, "snakemake", version=run.packages.get("snakemake")))
    requirements = []
    for name, version in run.packages.items():
        url = f"https://pypi.org/project/{name}/{version}/" if name != "Python" else "https://www.python.org/"
        requirements.append(_context(crate, url, "SoftwareApplication", name=name, softwareVersion=version, url=url))
    workflow = files[WORKFLOW_FILE]
    workflow["name"] = run.workflow.name
    workflow["version"] = str(run.workflow)
    workflow["conformsTo"] = {"@id": "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"}
    workflow["programmingLanguage"] = language
    workflow["softwareRequirements"] = requirements
    return workflow


def _table(crate: ROCrate, table: Table) -> ContextEntity:
    return _context(
        crate,
        f"#table/{table.path}",
        "CreativeWork",
        name=f"Calibration table {Path(table.path).name}",
        alternateName=table.path,
        description=f"Source: {table.source}",
        identifier=f"sha256 of the rows: {table.rows_sha256}",
        sha256=table.sha256,
    )


def _values(crate: ROCrate, kind: str, pairs: Iterable[tuple[str, str]]) -> list[ContextEntity]:
    return [
        _context(crate, f"#{kind}/{number}", "PropertyValue", name=name, value=value)
        for number, (name, value) in enumerate(pairs, start=1)
    ]


def _iso(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="seconds")
