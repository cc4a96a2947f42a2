"""A catalogue of flares by class, from the HEK, to be committed beside the configuration that takes it as `events`."""

import argparse
import csv
import io
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from aia_sequence.archive import hek
from aia_sequence.config.region import LIMB, parse_location
from aia_sequence.errors import ConfigError
from aia_sequence.files import write_text
from aia_sequence.instrument import MISSION_START
from aia_sequence.joblog import terminal_log
from aia_sequence.times import iso, read_time, tai_seconds

WIDTH = 30  # characters of the progress bar
LONGITUDES = re.compile(r"([EW]\d{1,3})\.\.([EW]\d{1,3})", re.IGNORECASE | re.ASCII)


def longitudes(text: str) -> tuple[float, float]:
    """Bounds of Stonyhurst longitude, degrees, of `E45..W45`.

    Raises
    ------
    ConfigError
        If they are none.
    """
    found = LONGITUDES.fullmatch(text.replace(" ", ""))
    bounds = sorted(parse_location(f"N00{side.upper()}")[0] for side in found.groups()) if found else []
    if not found or max(map(abs, bounds)) > LIMB:
        raise ConfigError(f"--region: {text!r} is not possible; write E45..W45, up to E{LIMB}..W{LIMB}")
    return bounds[0], bounds[1]


def lowest(text: str) -> str:
    """The smallest class of `>= X1`, or of `X1` alone."""
    return text.strip().removeprefix(">=").strip()


def catalogue(flares: Sequence[hek.Flare], heading: Sequence[str]) -> str:
    """A catalogue as CSV, with comments above its header line."""
    text = io.StringIO()
    text.writelines(f"# {line}\n" for line in heading)
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(hek.COLUMNS)
    lines.writerows(flare.row() for flare in flares)
    return text.getvalue()


def _moment(name: str, text: str) -> float:
    try:
        return read_time(text)
    except ValueError as error:
        raise ConfigError(f"--{name}: {error}") from None


def _bar(done: int, total: int, entries: int) -> None:
    """How far the questions are, in one line of a terminal."""
    if sys.stderr.isatty():
        filled = WIDTH * done // total
        end = "\n" if done == total else ""
        sys.stderr.write(f"\rHEK [{'#' * filled}{'.' * (WIDTH - filled)}] {done} of {total}, {entries} entries{end}")
        sys.stderr.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a catalogue of flares, or write it to a file."""
    parser = argparse.ArgumentParser(
        prog="aia-sequence flares",
        description=__doc__,
        epilog='Example: aia-sequence flares --class ">= X1" --from 2021-01-01 --output config/flares.csv',
    )
    parser.add_argument(
        "--class", dest="goes", default=">= M1", help='smallest GOES class, such as ">= X1" or M5 (default: M1)'
    )
    parser.add_argument("--from", dest="start", required=True, help="first peak (ISO 8601, UTC)")
    parser.add_argument("--to", dest="end", help="end of the time of peaks, not included (default: now)")
    parser.add_argument("--region", help="longitudes such as E45..W45; flares without a place are then left out")
    parser.add_argument("--url", default=hek.URL, help="where the HEK is reached (default: %(default)s)")
    parser.add_argument(
        "--output",
        type=Path,
        help="the catalogue's file, which stays as it is where the HEK does not answer (default: printed)",
    )
    options = parser.parse_args(arguments)
    start, goes = _moment("from", options.start), lowest(options.goes)
    end = _moment("to", options.end) if options.end else tai_seconds(datetime.now(UTC))
    if not start < end:
        raise ConfigError(f"--to: {options.end or 'now'} is not after --from, {options.start}")
    if start < (first := tai_seconds(MISSION_START)):
        raise ConfigError(f"--from: {options.start} lies before the mission's first day, {iso(first)[:10]}")
    if not re.match(r"https?://[^/]", options.url):
        raise ConfigError(f"--url: {options.url!r} is no address; write {hek.URL}")
    hek.flux(goes)
    bounds = longitudes(options.region) if options.region else None
    with terminal_log():
        found = hek.flares(start, end, goes, url=options.url, told=_bar)
    kept = [one for one in found if bounds is None or (one.place and bounds[0] <= one.place[0] <= bounds[1])]
    placeless = sum(one.place is None for one in found)
    if not kept:
        raise ConfigError(f"the HEK has no flare of {goes} or more from {options.start} on, as asked")
    until = f"to {options.end}" if options.end else f"to {datetime.now(UTC):%Y-%m-%d}"
    heading = [
        f"Flares of {goes} or more that peaked from {options.start} {until} (UTC)"
        + (f", at {options.region}" if bounds else ""),
        f"Made by aia-sequence flares on {datetime.now(UTC):%Y-%m-%d} from the Heliophysics Events Knowledgebase,",
        f"{options.url}: entries of one flare put together, NOAA/SWPC's preferred; no location is (0, 0) there.",
    ]
    text = catalogue(kept, heading)
    if options.output:
        write_text(options.output, text)
    else:
        sys.stdout.write(text)
    left = f", {len(found) - len(kept)} outside of {options.region} or without a place" if bounds else ""
    sys.stderr.write(f"{len(kept)} flares{left}; {placeless} of {len(found)} without a location\n")
    return 0
