"""From a path on the server to a file: storage units, export directories, and the lists that lie in them."""

import html
import io
import json
import tarfile
from dataclasses import dataclass
from functools import partial

from synthetic import storage, values
from synthetic.series import SERIES

_TYPES = {"fits": "application/fits", "json": "application/json", "html": "text/html", "tar": "application/x-tar"}
_TAI_TO_UNIX = 220924800 - 37


@dataclass(frozen=True)
class File:
    """A file that can be sent.

    Attributes
    ----------
    open : callable
        Returns it open for reading in binary; made at that moment if need be.
    modified : float
        Unix seconds of Last-Modified.
    content_type : str
    record : str or None
        Specification of the record and segment that it belongs to.
    request : str or None
        Id of the export request that it belongs to.
    """

    open: object
    modified: float
    content_type: str
    record: str | None = None
    request: str | None = None


def find_file(service, path):
    """The file of a path, or None. Nothing outside the archive's own names can be asked for."""
    if row := service.store.file(path):
        return _exported(service, row)
    parsed = storage.read_unit_path(path)
    if parsed is None:
        return _export_page(service, path.rstrip("/"))
    unit, name = parsed
    if request := service.store.request_of_directory(storage.unit_directory(unit)):
        return _request_file(service, request, name)
    return _stored(service, unit, name)


def _stored(service, unit, name):
    """A segment's file in its storage unit: without science keywords."""
    record = service.model.record_of_unit(unit)
    if record is None or record["QUALITY"] & 0x80000000:
        return None
    series = SERIES["aia.lev1"]
    for segment in series.segments:
        if segment.file == name:
            return _made(service, record, segment.name, as_is=True, process=None)
    return None


def _exported(service, row):
    request = service.store.request(row["request"])
    if request is None or service.now() >= request["expires"] or service.now() < request["ready"]:
        return None
    record = service.model.record_of_unit(row["unit"])
    return _made(service, record, row["segment"], bool(row["as_is"]), row["process"], row["record"], row["request"])


def _made(service, record, segment, as_is, process, name=None, request=None):
    kind = "as-is" if as_is else "fits"
    key = f"{record['sunum']}.{segment}.{kind}.{service.model.version}.fits"
    make = partial(service.model.write, record, segment, as_is=as_is)
    if name is None:
        series = next(s for s in service.model.series() if s.ordinal == record["sunum"] % 8)
        name = values.record_name(series, record, service.model.keywords(series))
    name = name if name.endswith("}") else f"{name}{{{segment}}}"
    modified = max(record["DATE"], 0) + _TAI_TO_UNIX
    return File(partial(service.spool.open, key, make), modified, _TYPES["fits"], name, request)


def _request_file(service, request, name):
    """index.json, index.txt, the tar file or the keyword list of an export request."""
    now, identity = service.now(), request["id"]
    if now < request["ready"] or now >= request["expires"] or request["failure"]:
        return None
    index = json.loads(request["answer"])
    if name == f"{identity}.tar" and "tarfile" in index:
        open_tar = partial(service.spool.open, f"{identity}.{service.model.version}.tar", partial(_tar, service, index))
        return File(open_tar, request["ready"], _TYPES["tar"], request=identity)
    texts = {
        "index.json": lambda: json.dumps(index),
        "index.txt": lambda: _index_text(index),
        "index.html": lambda: _index_page(index),
    }
    if index["protocol"].lower().startswith("as-is"):
        texts[f"{identity}.keywords.txt"] = lambda: _index_text(index)
    if name not in texts:
        return None
    content_type = _TYPES.get(name.rsplit(".", 1)[1], "text/plain")
    return File(lambda: io.BytesIO(texts[name]().encode()), request["ready"], content_type, request=identity)


def _export_page(service, directory):
    """What a browser shows for an export directory."""
    request = service.store.request_of_directory(directory)
    return _request_file(service, request, "index.html") if request else None


def _index_text(index):
    head = [f"{key}={value}" for key, value in index.items() if key != "data"]
    return "\n".join([*head, "# DATA", *(f"{row['record']}\t{row['filename']}" for row in index["data"]), ""])


def _index_page(index):
    rows = "".join(
        f'<tr><td>{html.escape(row["record"])}</td><td><a href="{html.escape(row["filename"])}">'
        f"{html.escape(row['filename'])}</a></td></tr>"
        for row in index["data"]
    )
    title = f"Synthetic export request {index['requestid']}"
    return f"<!doctype html><html lang=en><title>{title}</title><h1>{title}</h1><table>{rows}</table></html>"


def _tar(service, index, path):
    """Write the tar file of a request: its files and its index, the same bytes each time."""
    with tarfile.open(path, "w") as archive:
        for name in [row["filename"] for row in index["data"]] + ["index.json"]:
            file = find_file(service, f"{index['dir']}/{name}")
            if file is None:
                continue
            with file.open() as source:
                entry = tarfile.TarInfo(name)
                entry.size = source.seek(0, io.SEEK_END)
                entry.mtime = int(file.modified)
                source.seek(0)
                archive.addfile(entry, source)
