"""Storage units: where a record's files lie, whether they are on disk, and the answer about units (``exp_su``)."""

import re

from synthetic_jsoc.holdings.series import MISSING_INT
from synthetic_jsoc.protocol.service import RefusedError
from synthetic_jsoc.storage import unit_directory

# The archive's letters: on disk, on tape only, gone, no such unit.
ONLINE, OFFLINE, GONE, INVALID = "Y", "N", "X", "I"
MAX_UNITS = 1000
_UNITS = re.compile(r"\s*\d{1,18}\s*(?:,\s*\d{1,18}\s*)*", re.A)
# What the public server makes of status 25 of the program behind it, whose number it does not know.
_OFFLINE_TEXT = "jsoc_fetch did not return a known status code (code 25)"
_INVALID_TEXT = "One or more Storage Units are invalid, or have no files any more."
# Keywords that tell whether a record has files.
_LOOKED_AT = {"QUALITY", "DATE"}


def no_image(record):
    """Whether bit 31 of QUALITY is set: the record has no image."""
    return bool(record.get("QUALITY", 0) & 0x80000000)


def unit_status(record):
    """Letter for the storage unit of a record."""
    return record.get("sustatus") or (GONE if no_image(record) else ONLINE)


def has_file(segment, record):
    """Whether a record has a file of a segment, on disk or not."""
    return not no_image(record) and not (segment.link and record["FSN"] == MISSING_INT)


def segment_path(series, name, record):
    """Path of a record's segment, or the archive's word for why there is none."""
    segment = next((segment for segment in series.segments if segment.name.lower() == name.lower()), None)
    if segment is None:
        return "InvalidSegName"
    if segment.link and record["FSN"] == MISSING_INT:
        return "BadSegLink"
    if unit_status(record) != ONLINE:
        return "NoDataDirectory"
    return f"{unit_directory(record['sunum'])}/{segment.file}"


def check_units(records):
    """Refuse an export of records whose files are not on disk; those without an image have none to wait for.

    Raises
    ------
    RefusedError
        In the words of the public server.
    """
    found = {unit_status(record) for record in records if record.get("sunum") and not no_image(record)}
    if INVALID in found:
        raise RefusedError(4, _INVALID_TEXT)
    if OFFLINE in found:
        raise RefusedError(4, _OFFLINE_TEXT)


def record_of_unit(model, unit, names=_LOOKED_AT):
    """The record whose files a storage unit holds, as the archive lists it: (series, record), or None."""
    found = model.record_of_unit(unit, names)
    if found is None:
        return None
    series, record = found
    slot = record[f"{series.slotted}_index"]
    rows = model.records(series, slot, slot, [record["WAVELNTH"]], names)
    return series, rows[-1]


def export_units(service, parameters):
    """exp_su: where the storage units of a list lie, one row for each.

    Raises
    ------
    RefusedError
        If the list cannot be read, or a unit would have to come from tape and the request does not say that it will not
        wait (``requestid=NOASYNCREQUEST``).
    """
    text = parameters.get("sunum", "")
    if not text.strip():
        raise RefusedError(4, "Missing required argument 'sunum'.")
    if not _UNITS.fullmatch(text) or text.count(",") >= MAX_UNITS:
        raise RefusedError(4, f"Bad list of storage units '{text[:80]}'; up to {MAX_UNITS} numbers with commas.")
    rows = [_row(service.model, int(number)) for number in text.split(",")]
    if any(row["sustatus"] == OFFLINE for row in rows) and parameters.get("requestid") != "NOASYNCREQUEST":
        raise RefusedError(4, _OFFLINE_TEXT)
    size = sum(int(row["susize"]) for row in rows)
    return {
        "rcount": len(rows),
        "count": len(rows),
        "size": -(-size // 10**6),
        "dir": "",
        "data": rows,
        "requestid": "",
        "method": parameters.get("method", "url_quick"),
        "protocol": parameters.get("protocol", "as-is"),
        "wait": 0,
        "status": 0,
    }


def _row(model, unit):
    found = record_of_unit(model, unit)
    status = unit_status(found[1]) if found else INVALID
    row = {"sunum": str(unit), "series": "NA", "path": "NA", "sustatus": status, "susize": "0"}
    if found and status != INVALID:
        # The files of a slotted series are those of the aia.lev1 records that it links to.
        row["series"] = "aia.lev1" if found[0].links else found[0].name
    if status == ONLINE:
        row["path"] = unit_directory(unit)
        row["susize"] = str(sum(model.megabytes(segment.name) for segment in found[0].segments) * 10**6)
    return row
