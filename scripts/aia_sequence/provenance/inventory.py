"""Which files an event consists of: those that its rules declare, and the frames that its manifests list."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from aia_sequence.errors import AIAError
from aia_sequence.files import sha256
from aia_sequence.lists import ecsv
from aia_sequence.lists.manifests import listed
from aia_sequence.provenance import crate

NAMES = {
    "config": "Configuration as used, of this event alone",
    "workflow": "The workflow's Snakefile",
    "metadata": "Keywords of all records that the query returned",
    "keywords": "What the archive says of each keyword",
    "records": "Records kept or dropped, and why",
    "recordsets": "Record set that selects the kept records",
    "exports": "What the archive exported",
    "level1": "Manifest of level-1 frames",
    "level15": "Manifest of level-1.5 frames",
    "figures": "Figure, movie, viewer or light curve",
    "cubes": "Cube: the region of all frames",
    "sets": "Co-temporal frames of all channels",
    "audit": "What became of every record",
    "references": "References of what was used",
    "readme": "What lies where",
}
INPUTS = {"config"}


def items(folder: Path, files: Mapping[str, Iterable[Path | str]]) -> list[crate.Item]:
    """
    List an event's files with hashes.

    Parameters
    ----------
    folder
        The event's folder.
    files
        Declared files by kind, a key of `NAMES`. Frames follow from the manifests, with the hashes that these state.

    Returns
    -------
    list of aia_sequence.provenance.crate.Item
        Sorted by path.

    Raises
    ------
    AIAError
        If a file lies outside of the folder, or a frame that a manifest lists is not there.
    """
    found = []
    for kind, paths in files.items():
        for path in map(Path, paths):
            size = path.stat().st_size
            found.append(crate.Item(_below(path, folder), NAMES[kind], sha256(path), size, is_input=kind in INPUTS))
    for kind, name in (("level1", "Level-1 frame"), ("level15", "Level-1.5 frame")):
        for manifest in map(Path, files[kind]):
            found += _frames(manifest, folder, name, is_input=kind == "level1")
    return sorted(found, key=lambda item: item.path)


def tables(paths: Iterable[Path | str]) -> list[crate.Table]:
    """
    List calibration tables with source and hashes.

    Parameters
    ----------
    paths
        ECSV files of `calibration.tables.freeze`, and FITS files, which have no rows: their hash is the file's.

    Returns
    -------
    list of aia_sequence.provenance.crate.Table
        Sorted by path.
    """
    found = []
    for path in sorted(set(map(Path, paths))):
        whole = sha256(path)
        meta = {"source": "calculated as aiapy does", "sha256": whole}
        if path.suffix == ".ecsv":
            meta = ecsv.meta(path)
        folders = path.parts[:-1]
        # Below all resources, the folder of the archive whose tables or functions they are.
        root = max(place for place, name in enumerate(folders) if name in ("calibration", "psf")) - 1
        found.append(crate.Table("/".join(path.parts[root:]), meta["source"], meta["sha256"], whole))
    return found


def span(folder: Path, paths: Iterable[str]) -> tuple[datetime, datetime]:
    """When the oldest and the newest of files below a folder were written."""
    times = [(folder / path).stat().st_mtime for path in paths]
    return datetime.fromtimestamp(min(times), UTC), datetime.fromtimestamp(max(times), UTC)


def _frames(manifest: Path, folder: Path, name: str, *, is_input: bool) -> list[crate.Item]:
    found = []
    for frame in listed(manifest):
        path, size = frame.path, frame.bytes
        if not path.is_file() or path.stat().st_size != size:
            raise AIAError(f"{path} is not the {size} bytes that {manifest.name} lists; delete both and run again")
        found.append(crate.Item(_below(path, folder), name, frame.sha256, size, frame.record, is_input))
        if spikes := frame.spikes:
            size = spikes.stat().st_size
            found.append(crate.Item(_below(spikes, folder), "Spikes", sha256(spikes), size, frame.record, is_input))
    return found


def _below(path: Path, folder: Path) -> str:
    try:
        return path.relative_to(folder).as_posix()
    except ValueError:
        raise AIAError(f"{path} does not lie in {folder}; a crate describes what its folder holds") from None
