"""Calibration bundles: the frozen tables of events in one file, for a colleague whose run then fetches none.

aia-sequence bundle export tables.zip results/x1.5-2021-07-03
python -m aia_sequence.commands.bundle import tables.zip
"""

import argparse
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from aia_sequence.commands import zips
from aia_sequence.errors import AIAError
from aia_sequence.files import replacing, sha256
from aia_sequence.provenance import crate

# Names of tables and point spread functions, below the resources.
TABLE = re.compile(rf"{zips.PART}/(?:calibration(?:/{zips.PART})*/{zips.PART}\.ecsv|psf/{zips.PART}\.fits)")


def tables_of(events: Iterable[Path], resources: Path) -> dict[str, Path]:
    """
    Find the calibration tables that events were made with.

    Parameters
    ----------
    events
        Folders of finished events; none means all tables that there are.
    resources
        Folder of what events share.

    Returns
    -------
    dict
        Paths by name below the resources.

    Raises
    ------
    AIAError
        If an event is not finished, or a table is no longer the one that it was made with.
    """
    events = list(events)
    if not events:
        found = sorted(resources.glob("*/calibration/**/*.ecsv"))
        return {path.relative_to(resources).as_posix(): path for path in found}
    tables = {}
    for event in events:
        try:
            _, wanted = crate.read_hashes((event / crate.NAME).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise AIAError(f"{event} has no {crate.NAME}; finish the run first") from None
        for name, digest in wanted.items():
            path = resources / name
            if not path.is_file() or sha256(path) != digest:
                raise AIAError(f"{path} is not the table that {event.name} was made with; run the workflow again")
            tables[name] = path
    return tables


def export(path: Path, events: Iterable[Path], resources: Path) -> list[str]:
    """Pack calibration tables; return their names."""
    tables = tables_of(events, resources)
    if not tables:
        raise AIAError(f"{resources} holds no calibration tables; run the workflow first")
    zips.write(path, tables)
    return sorted(tables)


def take_in(path: Path, resources: Path, *, replace: bool = False) -> list[str]:
    """
    Put the tables of a bundle among the resources.

    Parameters
    ----------
    path
        The bundle.
    resources
        Folder of what events share.
    replace
        Whether a table that is there already, with other content, may be replaced.

    Returns
    -------
    list of str
        Names of the tables that were not there.

    Raises
    ------
    AIAError
        If the bundle is damaged, holds something else, or would replace a table without being allowed to.
    """
    with tempfile.TemporaryDirectory() as folder:
        sums = zips.unpack(path, Path(folder), what="calibration bundle", wanted=TABLE.fullmatch)
        there = {name: sha256(resources / name) for name in sums if (resources / name).is_file()}
        other = sorted(name for name, digest in there.items() if digest != sums[name])
        if other and not replace:
            raise AIAError(
                f"{resources} holds other tables of the same names: {', '.join(other)}; what was calibrated with them "
                "is made again if they are replaced (--replace)"
            )
        new = sorted(name for name in sums if there.get(name) != sums[name])
        for name in new:
            with replacing(resources / name) as part:
                shutil.copyfile(Path(folder, name), part)
    return new


def main(arguments: Sequence[str] | None = None) -> int:
    """Export or import a bundle."""
    parser = argparse.ArgumentParser(
        prog="aia-sequence bundle",
        description=__doc__.split("\n\n")[0],
        epilog="Example: aia-sequence bundle export tables.zip results/x1.5-2021-07-03",
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    out = verbs.add_parser("export", help="pack the tables of events")
    out.add_argument("bundle", type=Path)
    out.add_argument("events", type=Path, nargs="*", help="folders of finished events; none means all tables")
    into = verbs.add_parser("import", help="put the tables of a bundle among the resources")
    into.add_argument("bundle", type=Path)
    into.add_argument("--replace", action="store_true", help="replace tables of the same name")
    for verb in (out, into):
        verb.add_argument("--resources", type=Path, default=Path("resources"), help="folder of what events share")
    options = parser.parse_args(arguments)
    try:
        if options.verb == "export":
            names = export(options.bundle, options.events, options.resources)
            print(f"{options.bundle}: {len(names)} tables")
        else:
            names = take_in(options.bundle, options.resources, replace=options.replace)
            print(f"{options.resources}: {len(names)} tables taken from {options.bundle}")
    except AIAError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(f"  {name}" for name in names))
    return 0
