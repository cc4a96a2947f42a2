"""Frames that are files at hand: chosen, proved, checked and listed as those that an archive exports.

The files stay where they are, and as they are: a block's folder holds links to them.
"""

import logging
import os
import shutil
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from aia_sequence.acquisition.arrival_checks import FILE_NAME, check_structure
from aia_sequence.acquisition.file_list import current
from aia_sequence.acquisition.file_rows import row_of, values_of
from aia_sequence.acquisition.request import AcquisitionSettings, FrameRequest, Place
from aia_sequence.archive import metadata
from aia_sequence.archive.recordsets import Selection, record_name
from aia_sequence.errors import ArchiveError, FrameError
from aia_sequence.files import sha256
from aia_sequence.frames.level1file import read_level1
from aia_sequence.keywords import KEYWORDS as KNOWN
from aia_sequence.lists.exports import Delivery, ExportedFile, ExportedRequest, NotExported
from aia_sequence.lists.manifests import FRAME, LEVEL1
from aia_sequence.lists.own_files import FILES
from aia_sequence.lists.records import ANSWERED, DESCRIPTION, KEYWORDS, titles
from aia_sequence.lists.table import Row

logger = logging.getLogger(__name__)

AGAIN = "if files have changed, or some were added, have them listed again: --config refresh=true"
OF_A_FRAME = ("T_OBS", "DATE__OBS", "EXPTIME", "QUALITY", "FSN")  # two files of one frame agree in these


class OwnFiles:
    """A list of files, in the place of an archive.

    Parameters
    ----------
    table
        The list, see `aia_sequence.acquisition.file_list.listed`.
    """

    name = "files"

    def __init__(self, table: Path) -> None:
        self.rows = [row for row in FILES.read(table) if not row["reason"]]

    def block(self, series: str, start: str, end: str, keywords: Sequence[str] = ()) -> pd.DataFrame:
        """See `aia_sequence.acquisition.sources.Source`; `image` is the path of the record's file."""
        return _frame(one_each(self._images(series, lambda row: start <= row["T_REC"] <= end)), keywords)

    def selected(self, selection: Selection, keywords: Sequence[str] = ()) -> pd.DataFrame:
        """See `aia_sequence.acquisition.sources.Source`: from the headers of the files as they are now."""
        names = set(selection.records)
        return _frame(one_each(self._images(selection.series, lambda row: _record(row) in names)), keywords)

    def describe(self, series: str) -> pd.DataFrame:
        """See `aia_sequence.acquisition.sources.Source`: every keyword that a level-1 header can have."""
        types = {"bits": "int", "long": "longlong", "text": "string"}
        rows = [
            {"name": name, "type": types.get(word.kind, word.kind), "units": "", "note": word.note, "linkinfo": ""}
            for name, word in KNOWN.items()
        ]
        return pd.DataFrame(rows, columns=DESCRIPTION.names(), dtype="str")

    def request(self, wanted: FrameRequest, settings: AcquisitionSettings) -> tuple[list[str], Delivery]:
        """See `aia_sequence.acquisition.sources.Source`; nobody is asked."""
        delivery, names = Delivery(), set(wanted.names)
        found = {(_record(row), row["segment"]): row["file"] for row in self._of_records(wanted)}
        for name in wanted.names:
            lacking = [part for part in wanted.segments if (name, part) not in found]
            if lacking:
                delivery.not_exported.append(NotExported(name, f"there is no file of its {' and '.join(lacking)}"))
                names.discard(name)
        places = {key: found[key] for name in wanted.names if name in names for key in _keys(name, wanted.segments)}
        for (record, segment), name in _file_names(places).items():
            delivery.files.append(ExportedFile(record, segment, name, places[record, segment], request=""))
        asked = f"{len(names)} records in files"
        count = len(delivery.files)
        delivery.requests.append(ExportedRequest("", self.name, "", {}, asked, count, size_mb=None))
        return [], delivery

    def download(self, wanted: FrameRequest, delivery: Delivery, place: Place, settings: AcquisitionSettings) -> None:
        """See `aia_sequence.acquisition.sources.Source`: links to the files, after each was checked.

        Raises
        ------
        ArchiveError
            If files are not what was listed, and none may be missing: naming them, with the reasons.
        """
        for folder in (place.frames, place.quarantine):
            shutil.rmtree(folder, ignore_errors=True)
        place.frames.mkdir(parents=True)
        rows = {row["record"]: row for row in wanted.kept.to_dict("records")}
        lines: dict[str, dict[str, Any]] = {
            record: {**{column.name: row[column.name] for column in FRAME}, "archive": self.name}
            for record, row in rows.items()
        }
        reasons = {lost.record: lost.reason for lost in delivery.not_exported}
        for file in delivery.files:
            try:
                checked = _checked(Path(file.url), rows[file.record], file.segment)
            except FrameError as error:
                reasons[file.record] = " ".join(str(error).split())
                continue
            name = f"{place.frames.name}/{file.filename}"
            listing = {"file": name, "request": "", "reason": "", **checked}
            lines[file.record] |= listing if file.segment == "image" else {
                file.segment: name, f"{file.segment}_sha256": checked["sha256"]
            }  # fmt: skip
        failed = [file for file in delivery.files if file.record in reasons]
        if failed and settings.on_missing == "fail":
            told = "\n  ".join(dict.fromkeys(f"{file.url}: {reasons[file.record]}" for file in failed))
            raise ArchiveError(
                f"{len(failed)} of {len(delivery.files)} files cannot be used:\n  {told}\nReplace them, or set "
                f"`export.on_missing: skip` to go on without them; {AGAIN}"
            )
        for file in delivery.files:
            if file.record not in reasons:
                link(Path(file.url), place.frames / file.filename)
        for record, reason in reasons.items():
            logger.warning("%s: %s", record, reason)
            lines[record] = {key: lines[record][key] for key in lines[record].keys() & _about()} | {"reason": reason}
        further = [column for segment in wanted.segments[1:] for column in (segment, f"{segment}_sha256")]
        LEVEL1.write(place.manifest, lines.values(), [*further, "archive"])

    def _images(self, series: str, wanted: Callable[[Row], bool]) -> list[Row]:
        """Rows of the images that are wanted, as their files are now."""
        found = [row for row in self.rows if row["series"] == series and row["segment"] == "image" and wanted(row)]
        rows = list(map(current, found))
        wrong = [row for row in rows if row["reason"]]
        if wrong:
            raise ArchiveError(f"{wrong[0]['file']}: {wrong[0]['reason']}; it was listed as a frame. {AGAIN}")
        return rows

    def _of_records(self, wanted: FrameRequest) -> list[Row]:
        """Rows of all segments of the wanted records; the images are those that their metadata name."""
        images = dict(zip(wanted.kept["record"], wanted.kept["image"], strict=True))
        rows = [row for row in self.rows if row["series"] == wanted.series and _record(row) in images]
        others = one_each([row for row in rows if row["segment"] != "image"])
        return [row for row in rows if row["segment"] == "image" and row["file"] == images[_record(row)]] + others


def _frame(rows: Sequence[Row], keywords: Sequence[str]) -> pd.DataFrame:
    """Rows as metadata, with further keywords from the files' headers."""
    names = ["recnum", *titles(KEYWORDS), *keywords]
    if not rows:
        return metadata.empty([*names, "record", "image"])
    further = [name for name in keywords if name not in FILES.known]
    rows = [{**row, **values_of(row["file"], further)} for row in rows] if further else rows
    columns = {name: pd.Series([row[name] for row in rows], dtype=ANSWERED[name].dtype) for name in names}
    columns["record"] = pd.Series(list(map(_record, rows)), dtype="str")
    columns["image"] = pd.Series([row["file"] for row in rows], dtype="str")
    return pd.DataFrame(columns).sort_values(["T_REC", "WAVELNTH"], kind="stable", ignore_index=True)


def _about() -> set[str]:
    return {*(column.name for column in FRAME), "archive"}


def _record(row: Row) -> str:
    return record_name(row["series"], row["T_REC"], row["WAVELNTH"])


def _keys(record: str, segments: Iterable[str]) -> list[tuple[str, str]]:
    return [(record, segment) for segment in segments]


def one_each(rows: Iterable[Row]) -> list[Row]:
    """One file for each record and segment: of several, the first that is whole.

    Raises
    ------
    ArchiveError
        If whole files of one record differ: naming two.
    """
    of_frame: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        of_frame.setdefault((_record(row), row["segment"]), []).append(row)
    return [found[0] if len(found) == 1 else _whole(record, found) for (record, _), found in of_frame.items()]


def _whole(record: str, rows: Sequence[Row]) -> Row:
    """The first of several files of a record that is whole, after all whole ones were compared."""
    whole = []
    for row in rows:
        try:
            check_structure(row["file"], at_hand=True)
            whole.append(row)
        except FrameError as error:
            logger.warning("%s: not used, since there is another file of it: %s", record, error)
    for other in whole[1:]:
        if different := _difference(whole[0], other):
            first, second = whole[0]["file"], other["file"]
            raise ArchiveError(
                f"{record}: two files are of it, {first} and {second}, and {different}; name one of them in `files`"
            )
    return (whole or rows)[0]


def _difference(one: Row, other: Row) -> str:
    """In what two whole files of a record differ; empty if they hold the same frame."""
    if sha256(one["file"]) == sha256(other["file"]):
        return ""
    for key in OF_A_FRAME:
        if one[key] != other[key]:
            more = "" if one["FSN"] == other["FSN"] else ": the files are of more frames than the series has slots"
            return f"{key} is {one[key]} and {other[key]}{more}"
    if one["segment"] != "image":
        return "their bytes differ"
    (left, _), (right, _) = (read_level1(row["file"]) for row in (one, other))
    if left.shape != right.shape:
        sizes = " and ".join(f"{image.shape[1]} x {image.shape[0]}" for image in (left, right))
        return f"their images have {sizes} pixels"
    return "" if (left == right).all() else "their pixels differ"


def _checked(path: Path, row: Mapping[str, Any], segment: str) -> dict[str, Any]:
    """Size and hash of a file, after it was found whole and of its record; `FrameError` if it is not."""
    try:
        check_structure(path, at_hand=True)
        found = row_of(str(path))
    except OSError as error:
        raise FrameError(f"it cannot be read: {error.strerror or error}") from None
    if found["reason"]:
        raise FrameError(found["reason"])
    expected = {"segment": segment, **{column.name: row[column.name] for column in FRAME[1:]}}
    for key, value in expected.items():
        if found[key] != value:
            raise FrameError(f"{key} is {found[key]}, and was {value} when the file was listed")
    return {"bytes": found["bytes"], "sha256": sha256(path)}


def _file_names(places: Mapping[tuple[str, str], str]) -> dict[tuple[str, str], str]:
    """The names that files have in the block's folder: their own, where they can be names of level-1 files.

    A file that has no such name, or whose level-1.5 file would be named as another one's, is named by its record.
    """
    own = {key: Path(path).name for key, path in places.items()}
    stems = {key: name.removesuffix(".gz").replace("image_lev1", "image") for key, name in own.items()}
    taken = Tally(stems.values())
    return {
        key: name if FILE_NAME.fullmatch(stems[key]) and taken[stems[key]] == 1 else _by_record(*key)
        for key, name in own.items()
    }


def _by_record(record: str, segment: str) -> str:
    series, t_rec, channel = record.replace("]", "").split("[")
    ending = "image_lev1" if segment == "image" else segment
    return f"{series}.{t_rec.replace(':', '')}.{channel}.{ending}.fits"


def link(source: Path, target: Path) -> None:
    """Let a name lead to a file; where there are no such links, copy it."""
    try:
        os.symlink(source.resolve(), target)
    except OSError:
        shutil.copyfile(source, target)
