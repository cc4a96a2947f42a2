"""The description of an event's run, written: crate, checksums, references, README and the configuration as used."""

import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from aia_sequence import software
from aia_sequence.files import replacing, sha256, write_text
from aia_sequence.frames.hdus import image_header
from aia_sequence.lists.exports import Export
from aia_sequence.lists.manifests import LEVEL1, listed
from aia_sequence.provenance import citations, crate, inventory


def describe_run(
    *,
    config: Mapping[str, Any],
    files: Mapping[str, Sequence[Path]],
    tables: Sequence[Path],
    snakefile: Path,
    output: Path,
    sums: Path,
    references: Path,
    readme: Path,
    config_output: Path,
    snakefile_output: Path,
    timed: bool = True,
) -> None:
    """Write what is known of an event's run.

    Parameters
    ----------
    config
        The configuration as used, of this event alone.
    files
        The event's files by kind, a key of `aia_sequence.provenance.inventory.NAMES`.
    tables
        Calibration tables that were used.
    snakefile
        The workflow's Snakefile.
    output, sums, references, readme, config_output, snakefile_output
        Files to be written, all in the event's folder.
    timed
        Whether the files have the times at which they were made, from which follows when the run began and ended. What
        storage has brought has not: then the run ends now, and when it began is not known.
    """
    event = config["events"][0]
    workflow, packages = software.workflow(), software.packages()
    used = inventory.tables(tables)
    write_text(config_output, yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True))
    with replacing(snakefile_output) as part:
        shutil.copyfile(snakefile, part)
    write_text(references, citations.references(versions=packages, tables=used, workflow=workflow))
    exports = [Export.read(path) for path in files["exports"]]
    about = {
        "window": (event["start"], event["end"]),
        "channels": event["channels"],
        "synthetic": _synthetic({export.archive for export in exports}, files["level15"]),
        "workflow": workflow,
    }
    write_text(readme, crate.readme(event["name"], **about, cubes=bool(files["cubes"] or files["sets"])))
    made = {
        "config": [config_output],
        "workflow": [snakefile_output],
        "references": [references],
        "readme": [readme],
    }
    found = inventory.items(output.parent, {**files, **made})
    products = {item.path for item in found} - {str(path.relative_to(output.parent)) for (path,) in made.values()}
    started, ended = inventory.span(output.parent, products) if timed else (None, datetime.now(UTC))
    run = crate.Run(
        event=event["name"],
        **about,
        started=started,
        ended=ended,
        recordsets={f"{export.channel} Å, block {export.block}": export.recordset for export in exports},
        requests=sorted(set(LEVEL1.texts(files["level1"])["request"]) - {""}),
        packages=packages,
    )
    write_text(output, crate.build(run, found, used))
    write_text(sums, crate.checksum_list(found, sha256(output)))


def _synthetic(archives: set[str], manifests: Sequence[Path]) -> bool:
    """Whether frames come from a model of the Sun: as the archive's name says, or their headers if others had them."""
    if not archives - {"synthetic", "jsoc"}:
        return "synthetic" in archives
    frames = (frame.path for manifest in map(Path, manifests) for frame in listed(manifest))
    return any(image_header(path).get("SYNTH", False) for path in frames)
