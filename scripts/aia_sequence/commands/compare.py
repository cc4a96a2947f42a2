"""Why is my figure different? `aia-sequence compare A B` for two folders of events, two events, or two FITS files.

Says what differs in configuration, software, tables, records, data, corrections and figures; nothing, if nothing does.
The exit status is 0 for equal products, 1 for different ones. When a run took place is not compared.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from astropy.io import fits

from aia_sequence.errors import AIAError
from aia_sequence.frames.fits import image_hdu
from aia_sequence.lists.manifests import listed
from aia_sequence.lists.records import RECORDS
from aia_sequence.provenance import crate

PERCENTILES = (50, 90, 99, 99.9)
CORRECTIONS = ("PNT", "POINT", "REG", "DEG", "EXPNORM", "PSF", "RESPIKE", "UNCERT", "L15", "L1", "ERR")
# They follow from the pixels and from the rest of the header: naming them, too, tells nothing.
CONSEQUENCES = {"CHECKSUM", "DATASUM", "HISTORY", "COMMENT", "", "L1SHA256", "LVL_HASH"}
MOST = 10


def compare(one: Path, two: Path) -> list[str]:
    """
    Say what differs between two things of the same kind.

    Parameters
    ----------
    one, two
        Two FITS files, two folders of an event, or two folders of events.

    Returns
    -------
    list of str
        One line for each difference; empty for equal products.

    Raises
    ------
    AIAError
        If they are not of the same kind, or neither.
    """
    if one.is_file() and two.is_file():
        return list(_headers(one, two)) + list(_pixels(one, two))
    if not (one.is_dir() and two.is_dir()):
        raise AIAError(f"{one} and {two} are not two files or two folders")
    if _is_event(one) and _is_event(two):
        return list(_events(one, two))
    names = [{path.name for path in folder.iterdir() if _is_event(path)} for folder in (one, two)]
    if not names[0] | names[1]:
        raise AIAError(f"neither {one} nor {two} is the folder of an event or of events")
    lines = list(_only("event", *names))
    for name in sorted(names[0] & names[1]):
        lines += [f"{name}: {line}" for line in _events(one / name, two / name)]
    return lines


def _is_event(folder: Path) -> bool:
    return folder.is_dir() and any((folder / name).exists() for name in (crate.NAME, "records", "level1.5"))


def _events(one: Path, two: Path) -> Iterator[str]:
    """Differences of two events: from what went in to what came out."""
    yield from _mappings("configuration", *(_config(folder) for folder in (one, two)))
    yield from _mappings("software", *(_software(folder) for folder in (one, two)))
    yield from _mappings("table", *(_tables(folder) for folder in (one, two)))
    kept, frames = zip(*(_frames(folder) for folder in (one, two)), strict=True)
    yield from _only("record", *kept)
    yield from _only("level-1.5 frame", *(set(listed) for listed in frames))
    different = [
        name for name in sorted(frames[0].keys() & frames[1].keys()) if frames[0][name][1] != frames[1][name][1]
    ]
    if different:
        yield f"data: {len(different)} of {len(frames[0].keys() & frames[1].keys())} common level-1.5 frames differ"
    for name in different[:MOST]:
        paths = [listed[name][0] for listed in frames]
        if all(path.is_file() for path in paths):
            yield from (f"{name}: {line}" for line in compare(*paths))
    if len(different) > MOST:
        yield f"data: … and {len(different) - MOST} more frames"
    for what in ("figure", "cube"):
        yield from _mappings(what, *(_recorded(folder, f"{what}s/") for folder in (one, two)))


def _config(folder: Path) -> dict[str, Any]:
    path = folder / crate.CONFIG_FILE
    return _flat(yaml.safe_load(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """A nested value as one mapping from dotted keys to plain values."""
    if isinstance(value, Mapping):
        return {name: leaf for key, item in value.items() for name, leaf in _flat(item, f"{prefix}.{key}").items()}
    if isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        return {
            name: leaf for number, item in enumerate(value) for name, leaf in _flat(item, f"{prefix}[{number}]").items()
        }
    return {prefix.lstrip("."): value}


def _software(folder: Path) -> dict[str, str]:
    path = folder / crate.NAME
    if not path.is_file():
        return {}
    graph = json.loads(path.read_text(encoding="utf-8"))["@graph"]
    versions = {entity["name"]: entity["softwareVersion"] for entity in graph if "softwareVersion" in entity}
    return versions | {entity["name"]: entity["version"] for entity in graph if entity["@id"] == crate.WORKFLOW_FILE}


def _tables(folder: Path) -> dict[str, str]:
    path = folder / crate.NAME
    return crate.read_hashes(path.read_text(encoding="utf-8"))[1] if path.is_file() else {}


def _recorded(folder: Path, below: str) -> dict[str, str]:
    path = folder / crate.SUMS
    sums = crate.read_checksums(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return {name: digest for name, digest in sums.items() if name.startswith(below)}


def _frames(folder: Path) -> tuple[set[str], dict[str, tuple[Path, str]]]:
    """Kept records, and path and hash of each level-1.5 frame by record."""
    tables = sorted(folder.glob("records/*/*.csv"))
    kept = {row["record"] for table in tables for row in RECORDS.read(table) if row["kept"]}
    frames: dict[str, tuple[Path, str]] = {}
    for manifest in sorted(folder.glob("level1.5/*/*.csv")):
        frames |= {frame.record: (frame.path, frame.sha256) for frame in listed(manifest)}
    return kept, frames


def _mappings(what: str, one: Mapping[str, Any], two: Mapping[str, Any]) -> Iterator[str]:
    if bool(one) != bool(two):
        yield f"{what}: known only of the {'first' if one else 'second'}"
        return
    for name in sorted(one.keys() | two.keys()):
        if one.get(name) != two.get(name):
            yield f"{what}: {name}: {_short(one.get(name))} | {_short(two.get(name))}"


def _short(value: Any) -> str:
    """A value for a line; of a hash, the beginning."""
    if value is None:
        return "none"
    text = str(value)
    return f"{text[:12]}…" if len(text) == 64 and text.isalnum() else text


def _only(what: str, one: set[str], two: set[str]) -> Iterator[str]:
    for where, names in (("the first", sorted(one - two)), ("the second", sorted(two - one))):
        yield from (f"{what}: {name} only in {where}" for name in names[:MOST])
        if len(names) > MOST:
            yield f"{what}: … and {len(names) - MOST} more only in {where}"


def _headers(one: Path, two: Path) -> Iterator[str]:
    """Differences of two headers: corrections and versions first, then the rest."""
    headers = []
    for path in (one, two):
        with fits.open(path) as hdus:
            headers.append({card.keyword: card.value for card in image_hdu(hdus).header.cards})
    names = sorted((headers[0].keys() | headers[1].keys()) - CONSEQUENCES)
    names.sort(key=lambda name: not name.startswith(CORRECTIONS))
    for name in names:
        values = [header.get(name) for header in headers]
        if values[0] != values[1]:
            kind = "correction" if name.startswith(CORRECTIONS) else "keyword"
            yield f"{kind}: {name}: {_short(values[0])} | {_short(values[1])}"


def _pixels(one: Path, two: Path) -> Iterator[str]:
    """Differences of two images: largest, percentiles, and where only one has a value."""
    with fits.open(one) as first, fits.open(two) as second:
        left, right = (np.asarray(image_hdu(hdus).data, np.float32) for hdus in (first, second))
        if left.shape != right.shape:
            yield f"data: {left.shape[1]} x {left.shape[0]} pixels | {right.shape[1]} x {right.shape[0]}"
            return
        known = np.isfinite(left), np.isfinite(right)
        if lost := int((known[0] != known[1]).sum()):
            yield f"data: {lost:,} pixels have a value in only one of the two"
        both = known[0] & known[1]
        apart = np.abs(left - right)[both]
        if not apart.any():
            return
        reference = np.percentile(right[both], 99)
        row, column = np.unravel_index(np.nanargmax(np.where(both, np.abs(left - right), np.nan)), left.shape)
        steps = ", ".join(f"{level} % {np.percentile(apart, level):.3g}" for level in PERCENTILES)
        yield (
            f"data: {int((apart > 0).sum()):,} of {int(both.sum()):,} pixels differ; largest {apart.max():.6g} at "
            f"({column}, {row}), {apart.max() / reference:.2g} of the second's 99th percentile; {steps}"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare two folders or files; the status is 0 if their products are equal."""
    parser = argparse.ArgumentParser(
        prog="aia-sequence compare",
        description=__doc__.split("\n\n")[0],
        epilog="Example: aia-sequence compare results ../other/results",
    )
    parser.add_argument("one", type=Path)
    parser.add_argument("two", type=Path)
    options = parser.parse_args(arguments)
    try:
        lines = compare(options.one, options.two)
    except (AIAError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join(lines) if lines else "no difference")
    return 1 if lines else 0
