"""The archive's files as they are, without its export queue, made whole with the keywords of a query.

Such a file has its pixels and no science keyword: no time, no exposure, no coordinates. The keywords come from the
record and are named and typed as the export program does it, so that the result says what an exported file says.
"""

import logging
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from aia_sequence.acquisition import offline
from aia_sequence.acquisition.arrival_checks import safe_name
from aia_sequence.acquisition.request import DIRECT, FrameRequest
from aia_sequence.archive.client import Archive
from aia_sequence.archive.recordsets import record_of
from aia_sequence.errors import ArchiveError, FrameError
from aia_sequence.files import replacing
from aia_sequence.frames.checksums import seal
from aia_sequence.instrument import SERIES
from aia_sequence.lists.exports import Delivery, ExportedFile, ExportedRequest, NotExported
from aia_sequence.times import iso, read_time
from aia_sequence.values import is_missing, number, whole

logger = logging.getLogger(__name__)

# What the array describes about itself, and what the archive keeps for its own use.
NOT_EXPORTED = re.compile(
    r".*_index|cparms_.*|.*_bzero|.*_bscale|SIMPLE|BITPIX|NAXIS[0-9]*|BZERO|BSCALE|BLANK|EXTEND|END", re.I
)


def locate(archive: Archive, wanted: FrameRequest, records: Iterable[str]) -> Delivery:
    """Ask where the files of some of the wanted records lie.

    Returns
    -------
    Delivery
        With requests that have no id, since none was made.

    Raises
    ------
    ArchiveError
        If the archive answers about other records.
    """
    delivery = Delivery()
    for text, names in wanted.subsets(records, wanted.segments):
        keys = list(dict.fromkeys([*SERIES[wanted.series].primekeys, "T_OBS"]))
        rows = archive.raw_query(text, keys, wanted.segments).to_dict("records")
        found = {record_of(wanted.series, row): row for row in rows}
        if set(found) != set(names):
            raise ArchiveError(f"{text}: the archive answers {len(found)} records where {len(names)} are expected")
        for name in names:
            _list(archive, wanted, name, found[name], delivery)
        count = sum(file.record in found for file in delivery.files)
        delivery.requests.append(
            ExportedRequest(
                "", method=DIRECT, protocol="as-is", processing={}, recordset=text, count=count, size_mb=None
            )
        )
    return delivery


def _list(archive: Archive, wanted: FrameRequest, name: str, row: Mapping[str, str], delivery: Delivery) -> None:
    """Add a record's files to a delivery, or why it has none."""
    wrong = [row[segment] for segment in wanted.segments if not row[segment].startswith("/")]
    if wrong:
        reason = offline.reason(wrong[0])
        logger.warning("%s: %s", name, reason)
        delivery.not_exported.append(NotExported(name, reason))
        return
    for segment in wanted.segments:
        file = safe_name(_exported_name(wanted.series, row, segment))
        url = archive.stable_url(urljoin(archive.base_url, row[segment].lstrip("/")))
        delivery.files.append(ExportedFile(name, segment, file, url, request=""))


def _exported_name(series: str, row: Mapping[str, str], segment: str) -> str:
    """The name that an export gives a file: with the linked record's T_REC, which is T_OBS rounded to a second."""
    stamp = row["T_REC"] if is_missing(row["T_OBS"]) else row["T_OBS"]
    rounded = iso(read_time(stamp)).replace(":", "")
    file = "image_lev1" if segment == "image" else segment
    return f"{series}.{rounded}.{int(row[SERIES[series].primekeys[1]])}.{file}.fits"


class Headers:
    """The keywords of records, as an export would write them.

    Parameters
    ----------
    archive
        Where they are asked for.
    series
        The series of the records.
    """

    def __init__(self, archive: Archive, series: str) -> None:
        self.archive, self.series = archive, series
        self.definitions = archive.describe(series).to_dict("records")
        self.values: dict[str, dict[str, str]] = {}

    def load(self, wanted: FrameRequest, records: Iterable[str]) -> None:
        """Ask for all keywords of some of the wanted records."""
        for text, _ in wanted.subsets(records):
            for row in self.archive.raw_query(text, "**ALL**").to_dict("records"):
                self.values[record_of(self.series, row)] = row

    def cards(self, record: str, number: int, segment: str) -> list[tuple[str, Any, str]]:
        """Keyword, value and comment of every card that an export of the record has.

        Parameters
        ----------
        record, number
            Name of the record, and its record number.
        segment
            The segment that is exported.

        Raises
        ------
        FrameError
            If the keywords of the record were not loaded, or one is not of its type.
        """
        if record not in self.values:
            raise FrameError(f"{record}: the archive answered no keywords for it")
        row, cards = self.values[record], {}
        for definition in self.definitions:
            name = definition["name"]
            keyword = fits_name(name, definition["note"])
            if name not in row or keyword in cards or NOT_EXPORTED.fullmatch(name):
                continue
            note = definition["note"].partition("] ")[2] if definition["note"].startswith("[") else definition["note"]
            unit = "" if definition["units"] in ("", "none") else f"[{definition['units']}] "
            try:
                value = _value(keyword, row[name], definition["type"])
            except ValueError:
                text = f"the archive answered {row[name]!r} for {name}, which is no {definition['type']}"
                raise FrameError(f"{record}: {text}") from None
            cards[keyword] = (keyword, value, _fitting(keyword, value, unit + note))
        cards["RECNUM"] = ("RECNUM", number, "Recnum")
        series = SERIES[self.series]
        cards["DRMS_ID"] = ("DRMS_ID", f"{series.name}:{number}:{series.segments[segment]}", "DRMS ID")
        cards["PRIMARYK"] = ("PRIMARYK", ", ".join(series.primekeys), "DRMS primary key")
        cards["LICENSE"] = ("LICENSE", "CC0 1.0", "Licence of the data")
        if self.archive.name == "synthetic":
            cards["SYNTH"] = ("SYNTH", True, "synthetic: not an observation of the Sun")
        return list(cards.values())

    def complete(self, path: Path, record: str, number: int, segment: str) -> None:
        """Write the record's keywords and new checksums into a file that has none; its pixels stay as they are."""
        from astropy.io import fits  # slow to import, and files that were exported are complete

        with replacing(path) as part, fits.open(path, memmap=False, disable_image_compression=True) as hdus:
            holding = next(hdu for hdu in hdus if hdu.header.get("NAXIS", 0) > 0)
            for card in self.cards(record, number, segment):
                holding.header[card[0]] = card[1:]
            if self.archive.name == "synthetic":
                holding.header["COMMENT"] = "Synthetic data: from a model of Sun and instrument, not observed."
            for hdu in hdus:
                for stale in ("CHECKSUM", "DATASUM"):
                    hdu.header.remove(stale, ignore_missing=True)
            hdus.writeto(part, overwrite=True)
            seal(part)


def _fitting(keyword: str, value: Any, comment: str) -> str:
    """As much of a comment as its card has room for.

    astropy cuts it with a warning, and warnings cannot be silenced where other threads may be doing so, too.
    """
    from astropy.io import fits

    taken = max(len(str(fits.Card(keyword, value)).rstrip()), 30) + len(" / ")
    return comment[: max(80 - taken, 0)]


def fits_name(name: str, note: str) -> str:
    """Name under which an export writes a keyword: as its description says in brackets, else made legal."""
    found = re.match(r"\[([A-Z0-9_-]{1,8})\]", note)
    if found:
        return found[1]
    if re.fullmatch(r"[A-Za-z0-9_-]{1,8}", name):
        return name.upper()
    return re.sub(r"[^A-Za-z0-9]", "", name).upper()[:8]


def _value(keyword: str, text: str, kind: str) -> Any:
    """A keyword's value as a header has it; None, an undefined card, for one that is missing."""
    text = text.strip()
    if kind in ("char", "short", "int", "longlong"):
        return whole(text)
    if kind in ("float", "double", "longfloat"):
        return number(text)
    if is_missing(text):
        return "" if kind == "string" and not text else None
    # The standard knows no zone letter in these two.
    return text.removesuffix("Z") if keyword in ("DATE", "DATE-OBS") else text
