"""Self-contained archives of events, for Zenodo, and the figures rebuilt from them.

    aia-sequence archive paper.zip x1.5-2021-07-03
    aia-sequence rebuild paper.zip

An archive holds configuration, record lists, tables, manifests, figures, audits, crates and the workflow with its lock;
level-1.5 frames if asked for. Rebuilding calibrates with the archive's own tables and compares figures byte by byte.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from aia_sequence import software
from aia_sequence.acquisition import record_list
from aia_sequence.commands import bundle, redraw, zips
from aia_sequence.commands.redraw import ARCHIVED, CODE
from aia_sequence.errors import AIAError
from aia_sequence.provenance import crate
from aia_sequence.templates import filled

TEMPLATE = Path(__file__).with_name("templates") / "archive.md"


class _NoAliases(yaml.SafeDumper):
    """Writes what occurs twice twice: the configuration of an archive is read without aliases."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def make(path: Path, events: Sequence[Path], resources: Path, *, level15: bool = False) -> int:
    """
    Pack finished events.

    Parameters
    ----------
    path
        The zip file.
    events
        Folders of finished events.
    resources
        Folder of what events share.
    level15
        Whether the level-1.5 frames are packed, too: the figures can then be rebuilt without asking any archive.

    Returns
    -------
    int
        How many files were packed.

    Raises
    ------
    AIAError
        If an event is not finished or not as it was recorded, or if the events were made with different settings.
    """
    configs = [yaml.safe_load(_recorded(event, crate.CONFIG_FILE).read_text(encoding="utf-8")) for event in events]
    files: dict[str, Path | str] = {name: software.ROOT / name for name in _code()}
    config = redraw.own_paths(_merged(configs, events))
    files["config/config.yaml"] = yaml.dump(config, Dumper=_NoAliases, sort_keys=False, allow_unicode=True)
    for event in events:
        files[f"config/records/{event.name}.csv"] = record_list.collect(event).to_csv(index=False, lineterminator="\n")
        for name in sorted(crate.read_checksums((event / crate.SUMS).read_text(encoding="utf-8"))):
            level = name.partition("/")[0]
            if not name.endswith(".fits") or (level == "level1.5" and level15):
                files[f"{ARCHIVED}/{event.name}/{name}"] = _recorded(event, name)
        files[f"{ARCHIVED}/{event.name}/{crate.SUMS}"] = event / crate.SUMS
    files |= {f"resources/{name}": table for name, table in bundle.tables_of(events, resources).items()}
    about = {"level15": level15, "synthetic": any(map(_is_synthetic, events))}
    files["README.md"] = _readme(configs, at_hand=config["archive"] == "files", **about)
    if odd := sorted(name for name in files if not (redraw.is_content(name) or redraw.is_code(name))):
        raise AIAError(
            f"no archive has a place for {', '.join(odd[:5])}; move what the workflow did not make elsewhere"
        )
    zips.write(path, files)
    return len(files)


def _code() -> list[str]:
    """Names of the workflow's own files."""
    found = []
    for name in CODE:
        path = software.ROOT / name
        found += sorted(path.rglob("*")) if path.is_dir() else [path]
    names = (path.relative_to(software.ROOT).as_posix() for path in found if path.is_file())
    return [name for name in names if redraw.is_code(name) and "__pycache__" not in name]


def _merged(configs: Sequence[dict], events: Sequence[Path]) -> dict:
    """One configuration of the events' own."""
    common = [{key: value for key, value in config.items() if key != "events"} for config in configs]
    for event, settings in zip(events, common, strict=True):
        if settings != common[0]:
            raise AIAError(
                f"{event.name} and {events[0].name} were made with different settings; archive them separately"
            )
    return {**common[0], "events": [entry for config in configs for entry in config["events"]]}


def _recorded(event: Path, name: str) -> Path:
    """A file of an event that is as its checksum list says."""
    sums = crate.read_checksums(redraw.text_of(event / crate.SUMS))
    if name not in sums or not redraw.is_file_of(event / name, sums[name]):
        raise AIAError(f"{event / name} is not as it was recorded; `aia-sequence verify` says more")
    return event / name


def _is_synthetic(event: Path) -> bool:
    """Whether an event's crate says that its data are a model's."""
    return '"synthetic data"' in redraw.text_of(event / crate.NAME)


def _readme(configs: Sequence[dict], *, level15: bool, synthetic: bool, at_hand: bool) -> str:
    entries = [entry for config in configs for entry in config["events"]]
    return filled(
        TEMPLATE,
        events=entries,
        workflow=f"aia-sequence {software.workflow()}",
        synthetic=synthetic,
        level15=level15,
        at_hand=redraw.AT_HAND if at_hand and not level15 else "",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Make an archive."""
    parser = argparse.ArgumentParser(
        prog="aia-sequence archive",
        description=__doc__.split("\n\n")[0],
        epilog="Example: aia-sequence archive paper.zip x1.5-2021-07-03",
    )
    parser.add_argument("archive", type=Path)
    parser.add_argument("events", nargs="*", help="names of finished events; none means all")
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of the products")
    parser.add_argument("--resources", type=Path, default=Path("resources"), help="folder of what events share")
    parser.add_argument("--level15", action="store_true", help="pack the level-1.5 frames, too")
    options = parser.parse_args(arguments)
    try:
        names = options.events or sorted(path.parent.name for path in options.results.glob(f"*/{crate.SUMS}"))
        if not names:
            raise AIAError(f"{options.results} holds no finished event")
        events = [options.results / name for name in names]
        count = make(options.archive, events, options.resources, level15=options.level15)
    except AIAError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{options.archive}: {count:,} files, {options.archive.stat().st_size / 1e6:.1f} MB")
    return 0
