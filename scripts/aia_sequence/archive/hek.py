"""Flares of the Heliophysics Events Knowledgebase: asked for by class and time, one entry for each flare.

The HEK keeps what several people and programs have reported, so a flare stands in it several times, and without a place
where whoever reported it knew none (the HEK then says 0, 0).
"""

import logging
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

from aia_sequence.archive.retries import Patience, persist
from aia_sequence.archive.web import UnreachableError, limited_web
from aia_sequence.config.region import LIMB, write_location
from aia_sequence.errors import ArchiveError, ConfigError
from aia_sequence.files import FORMULA
from aia_sequence.times import iso, read_time

logger = logging.getLogger(__name__)

URL = "https://www.lmsal.com/hek/her?"
CHUNK = 30 * 86400.0  # s of time that is asked for at once
MOST_PAGES = 200  # of an answer
SAME = 300.0  # s by which the peaks of one flare's entries may differ
PREFERRED = ("SWPC", "SEC standard")  # who reports the GOES events themselves
CLASS = re.compile(r"([ABCMX])\s?(\d{1,2}(?:\.\d+)?)?", re.ASCII)
TIMES = ("start", "peak", "end")
LARGEST_NOAA = 100_000  # numbers of active regions have five digits
SCALE = {letter: 10.0**power for power, letter in enumerate("ABCMX", start=-8)}
COLUMNS = ("class", "start", "peak", "end", "location", "noaa", "comment")


@dataclass(frozen=True)
class Flare:
    """An entry of the HEK, or several of one flare put together.

    Attributes
    ----------
    start, peak, end
        TAI seconds.
    goes
        Its class, as it was reported.
    place
        Stonyhurst longitude and latitude, degrees; None if it is unknown.
    noaa
        Number of the active region; 0 if it is unknown.
    reporter
        Who has reported it.
    comment
        What was put together, and what is unknown.
    """

    start: float
    peak: float
    end: float
    goes: str
    place: tuple[float, float] | None
    noaa: int
    reporter: str
    comment: str = ""

    def row(self) -> list[str]:
        """A line of a catalogue, as `COLUMNS` has it."""
        place = write_location(*self.place) if self.place else ""
        times = [iso(time) for time in (self.start, self.peak, self.end)]
        return [self.goes, *times, place, str(self.noaa) if self.noaa else "", self.comment]


def flux(goes: str) -> float:
    """Peak flux (W m-2) of a class such as X1.5; of a letter alone its lowest.

    Raises
    ------
    ConfigError
        If it is no class.
    """
    found = CLASS.fullmatch(goes.strip().upper())
    if not found:
        raise ConfigError(f"{goes!r} is no class of a flare; write X1.5, M5 or C")
    return SCALE[found[1]] * float(found[2] or 1)


def flares(
    start: float,
    end: float,
    lowest: str,
    *,
    url: str = URL,
    patience: Patience | None = None,
    told: Callable[[int, int, int], None] = lambda *_: None,
) -> list[Flare]:
    """Ask the HEK for the flares of a time and class.

    Parameters
    ----------
    start, end
        Between which their peaks lie, TAI seconds; `end` is not included.
    lowest
        Class of the smallest.
    url
        Where the HEK is reached.
    patience
        How failures that can pass are repeated.
    told
        Called after each question: how many were asked, of how many, and how many entries there are.

    Returns
    -------
    list of Flare
        By peak, one for each flare.

    Raises
    ------
    ArchiveError
        If the HEK fails, or answers in a form that is none of its own.
    """
    entries: list[Flare] = []
    least, times = flux(lowest), list(_chunks(start, end))
    with limited_web(hosts={urlsplit(url).hostname or ""}, check=_counting()):
        for number, (first, last) in enumerate(times, start=1):
            for row in _asked(url, first, last, lowest.strip().upper()[0], patience or Patience()):
                flare = _flare(row)
                if flare and start <= flare.peak < end and flux(flare.goes) >= least * (1 - 1e-9):
                    entries.append(flare)
            told(number, len(times), len(entries))
    return merged(entries)


def _chunks(start: float, end: float) -> Iterator[tuple[float, float]]:
    count = max(1, math.ceil((end - start) / CHUNK))
    yield from pairwise(start + (end - start) * number / count for number in range(count + 1))


def _counting() -> Callable[[str, bytes], None]:
    """A check of answers: that they come to an end, as sunpy's client asks for pages until the HEK says so."""
    seen: dict[str, int] = {}

    def check(url: str, body: bytes) -> None:
        question = re.sub(r"([?&])page=[0-9]+", r"\1", url)
        seen[question] = seen.get(question, 0) + 1
        if seen[question] > MOST_PAGES:
            raise ArchiveError(f"the HEK's answer has more than {MOST_PAGES} pages; ask for less at once")

    return check


def _asked(url: str, start: float, end: float, letter: str, patience: Patience) -> list[Mapping[str, Any]]:
    """The HEK's rows of a stretch of time."""
    try:
        from sunpy.net import attrs as a  # slow to import
        from sunpy.net.hek import HEKClient
        from sunpy.net.hek.attrs import EventType
    except ImportError as error:
        raise ConfigError(f'sunpy asks the HEK with {error.name}, which is missing: pip install "sunpy[net]"') from None

    # The client puts its question behind the address as it is.
    client = HEKClient(url=url if url.endswith(("?", "&")) else f"{url}?")
    span = a.Time(iso(start)[:-1], iso(end)[:-1])

    def ask() -> list[Mapping[str, Any]]:
        try:
            found = client.search(span, EventType("FL"), a.hek.FL.GOESCls >= letter, a.hek.OBS.Observatory == "GOES")
        except UnreachableError:
            raise
        except OSError as error:
            raise error.__cause__ or error from None  # sunpy says of what it could not read only that it could not
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise ArchiveError(f"the HEK answered in an unknown form ({type(error).__name__}: {error})") from None
        raw = found.raw
        return [dict(zip(raw.colnames, row, strict=True)) for row in raw.iterrows()] if len(raw) else []

    return persist(ask, f"HEK, flares from {iso(start)} to {iso(end)}", patience)


def _flare(row: Mapping[str, Any]) -> Flare | None:
    """An entry; None, and a word in the log, if it has no class, or no times in their order."""
    said = {name: str(row.get(name) or "").strip() for name in ("fl_goescls", *(f"event_{one}time" for one in TIMES))}
    try:
        flux(said["fl_goescls"])
        start, peak, end = (read_time(said[f"event_{one}time"].removesuffix("Z") + "Z") for one in TIMES)
        if not start <= peak <= end:
            raise ValueError("its times are not in their order")
    except (ValueError, ConfigError) as error:
        shown = ", ".join(value or "nothing" for value in said.values())
        logger.warning("an entry of the HEK is left out (class, start, peak, end: %s): %s", shown, error)
        return None
    noaa = _number(row.get("ar_noaanum"))
    reporter = " ".join(str(row.get("frm_name") or "").split()).lstrip("".join(FORMULA))
    return Flare(
        start,
        peak,
        end,
        said["fl_goescls"].upper(),
        _place(_number(row.get("hgs_x")), _number(row.get("hgs_y"))),
        int(noaa) if 0 < noaa < LARGEST_NOAA else 0,
        reporter or "unknown",
    )


def _place(longitude: float, latitude: float) -> tuple[float, float] | None:
    """Stonyhurst longitude and latitude, whole degrees; None where a flare that SDO has seen cannot have been."""
    if (longitude, latitude) == (0, 0) or not math.isfinite(longitude + latitude):
        return None
    longitude, latitude = (round(longitude) + 180) % 360 - 180, round(latitude)
    return (longitude, latitude) if abs(longitude) <= LIMB and abs(latitude) <= 90 else None


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def merged(entries: Sequence[Flare]) -> list[Flare]:
    """One flare for the entries that overlap and peak at the same time: NOAA's, with what it lacks from the others."""
    groups: list[list[Flare]] = []
    for entry in sorted(set(entries), key=lambda one: (one.peak, one.start, one.reporter, one.goes)):
        last = groups[-1][-1] if groups else None
        together = last is not None and entry.peak - last.peak <= SAME and entry.start <= last.end
        if together and not _apart(groups[-1], entry):
            groups[-1].append(entry)
        else:
            groups.append([entry])
    return [_together(group) for group in groups]


def _apart(group: Sequence[Flare], entry: Flare) -> bool:
    """Whether regions that are known tell an entry from others at its time."""
    numbers = {one.noaa for one in group if one.noaa}
    return bool(entry.noaa and numbers and entry.noaa not in numbers)


def _together(group: Sequence[Flare]) -> Flare:
    best = min(group, key=lambda one: (one.reporter not in PREFERRED, one.place is None, one.start, one.reporter))
    placed = next((one for one in (best, *group) if one.place), None)
    numbered = next((one for one in (best, *group) if one.noaa), None)
    said = []
    if len(group) > 1:
        others = [f"{one.reporter} {one.goes}" for one in group if one is not best]
        said.append(f"{best.reporter}; merged with {', '.join(sorted(others))}")
    if placed and placed is not best:
        said.append(f"location of {placed.reporter}")
    if not placed:
        said.append("location unknown")
    return Flare(
        best.start,
        best.peak,
        best.end,
        best.goes,
        placed.place if placed else None,
        numbered.noaa if numbered else 0,
        best.reporter,
        "; ".join(said),
    )
