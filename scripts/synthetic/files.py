"""From a path on the server to a file: storage units, export directories, and the lists that lie in them."""

import hashlib
import html
import io
import json
import tarfile
import threading
from dataclasses import dataclass
from functools import partial

from synthetic import storage, values
from synthetic.patch import read_patch, write_patch
from synthetic.series import SERIES

_TYPES = {"fits": "application/fits", "json": "application/json", "html": "text/html", "tar": "application/x-tar"}
# A frame takes some hundred MB to make.
_RENDERING = threading.Semaphore(2)
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
            return _made(service, record, segment.name, as_is=True)
    return None


def _exported(service, row):
    """A file of an export request, as long as the request's files exist."""
    request = service.store.request(row["request"])
    if request is None or request["failure"] or not request["ready"] <= service.now() < request["expires"]:
        return None
    record = service.model.record_of_unit(row["unit"])
    steps = json.loads(row["process"] or "{}")
    patch = read_patch(steps["im_patch"]) if "im_patch" in steps else None
    return _made(service, record, row["segment"], bool(row["as_is"]), patch, row)


def _made(service, record, segment, as_is, patch=None, row=None):
    """A file of the spool; of an export if `row` tells which."""
    unit, version = record["sunum"], service.model.version
    key = f"{unit}.{segment}.{'as-is' if as_is else 'fits'}.{version}.fits"
    make = partial(_render, service.model, record, segment, as_is)
    name = row["record"] if row else record_of_unit_name(service, record)
    name = name if name.endswith("}") else f"{name}{{{segment}}}"
    opened = partial(service.spool.open, key, make)
    if patch:
        digest = hashlib.sha256(f"{row['path']} {patch}".encode()).hexdigest()[:16]
        source = record_of_unit_name(service, record)
        make = partial(_cut_out, opened, patch, source, row["request"])
        opened = partial(service.spool.open, f"{unit}.{digest}.{version}.fits", make)
    request = row["request"] if row else None
    return File(opened, max(record["DATE"], 0) + _TAI_TO_UNIX, _TYPES["fits"], name, request)


def _render(model, record, segment, as_is, path):
    with _RENDERING:
        model.write(record, segment, path, as_is)


def _cut_out(opened, patch, source, request, path):
    with opened() as full:
        write_patch(patch, full, path, source, request)


def record_of_unit_name(service, record):
    """Specification of the record whose files a storage unit holds."""
    series = next(s for s in service.model.series() if s.ordinal == record["sunum"] % 8)
    return values.record_name(series, record, service.model.keywords(series))


def _request_file(service, request, name):
    """index.json, index.txt, the tar file or the keyword list of an export request."""
    identity = request["id"]
    if request["failure"] or not request["ready"] <= service.now() < request["expires"]:
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
