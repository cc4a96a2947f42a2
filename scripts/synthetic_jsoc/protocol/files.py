"""From a path on the server to a file: storage units, export directories, and the lists that lie in them.

What makes files is imported with the first that is asked for: most of those who ask, ask for metadata alone.
"""

import html
import io
import json
import os
import tarfile
import threading
from dataclasses import dataclass
from functools import partial

from synthetic_jsoc import storage, times
from synthetic_jsoc.holdings.pictures import read_picture, write_jpg, write_movie
from synthetic_jsoc.protocol import values
from synthetic_jsoc.protocol.orders import unpacked
from synthetic_jsoc.protocol.units import ONLINE, record_of_unit, unit_status

_TYPES = {"fits": "application/fits", "json": "application/json", "html": "text/html", "tar": "application/x-tar"}
_TYPES |= {"jpg": "image/jpeg", "mpg": "video/mpeg", "mp4": "video/mp4"}
# Keywords that are needed before a file is made.
_LOOKED_AT = ("DATE", "QUALITY")
# A frame takes some hundred MB to make, and a core.
_RENDERING = threading.Semaphore(os.cpu_count())


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
    found = record_of_unit(service.model, unit)
    if found is None or unit_status(found[1]) != ONLINE:
        return None
    series, record = found
    for segment in series.segments:
        if segment.file == name:
            spec = f"{values.record_name(series, record, service.model.keywords(series))}{{{segment.name}}}"
            return File(_full(service, unit, segment.name, "as-is"), _modified(record), _TYPES["fits"], spec)
    return None


def _exported(service, row):
    """A file of an export request, as long as the request's files exist: whole, cut out, or as a picture."""
    request = service.store.request(row["request"])
    if not _is_there(service, request):
        return None
    _, record = service.model.record_of_unit(row["unit"], names=_LOOKED_AT)
    of_lev1 = row["record"].startswith(("aia.lev1[", "aia.lev1_mod["))
    form = "as-is" if row["as_is"] else "lev1" if of_lev1 else "fits"
    opened = _full(service, row["unit"], row["segment"], form)
    key = f"{row['request']}.{row['path'].rsplit('/', 1)[1]}.{service.model.version}"
    arguments = json.loads(row["process"] or "{}").get("im_patch")
    if patch := arguments and _patch(arguments):
        source = row["record"].replace("_mod[", "[", 1).rpartition("[")[0]
        image = partial(_image, service.model, row["unit"], row["segment"], form, opened)
        make = partial(_cut_out, image, patch, source, row["request"])
        opened = partial(service.spool.open, f"{key}.patch", make)
    if unpacked(request["protocol"]):
        opened = partial(service.spool.open, f"{key}.unpacked", partial(_unpack, opened))
    picture = read_picture(request["protocol"])
    if picture:
        opened = partial(service.spool.open, f"{key}.jpg", partial(_picture, opened, picture))
    spec = row["record"] if row["record"].endswith("}") else f"{row['record']}{{{row['segment']}}}"
    return File(opened, _modified(record), _TYPES["jpg" if picture else "fits"], spec, row["request"])


def _patch(arguments):
    from synthetic_jsoc.holdings.patch import read_patch

    return read_patch(arguments)


def _full(service, unit, segment, form):
    """What opens the whole file of a segment, made if need be; `form` is ``as-is``, ``fits`` or ``lev1``."""
    key = f"{unit}.{segment}.{form}.{service.model.version}.fits"
    return partial(service.frames.open, key, partial(_render, service.model, unit, segment, form))


def _render(model, unit, segment, form, path):
    with _RENDERING:
        model.write(_record(model, unit, form), segment, path, as_is=form == "as-is")


def _record(model, unit, form):
    _, record = model.record_of_unit(unit)
    return model.level1_of(record) if form == "lev1" else record


def _image(model, unit, segment, form, opened):
    """Pixels and header of an image to cut from."""
    from synthetic_jsoc.holdings.patch import read_image

    if segment == "spikes" or form == "as-is":
        with opened() as full:
            return read_image(full)
    return model.image(_record(model, unit, form), segment, opened)


def _cut_out(image, patch, source, request, path):
    from synthetic_jsoc.holdings.patch import write_patch

    pixels, header = image()
    with _RENDERING:
        write_patch(patch, pixels, header, path, source, request)


def _unpack(opened, path):
    """Write an image without compression, as the archive does: in the primary HDU."""
    from astropy.io import fits

    from synthetic_jsoc.camera import fitsfile

    with opened() as full, fits.open(full, do_not_scale_image_data=True) as hdus:
        fitsfile.write_plain(path, hdus[1].data, hdus[1].header)


def _picture(opened, picture, path):
    with opened() as full:
        write_jpg(picture, full, path)


def _modified(record):
    return max(record["DATE"] - times.UNIX_TO_TAI, 0)


def _is_there(service, request):
    """Whether a request has files: it did not fail, and it is neither pending nor expired."""
    return request and not request["failure"] and request["ready"] <= service.now() < request["expires"]


def _request_file(service, request, name):
    """index.json, index.txt, the tar file, the movie or the keyword list of an export request."""
    identity = request["id"]
    if not _is_there(service, request):
        return None
    index = json.loads(request["answer"])
    picture = read_picture(request["protocol"])
    if picture and picture.is_movie and name == f"{identity}.{picture.kind}":
        make = partial(_movie, service, index, picture)
        opened = partial(service.spool.open, f"{service.model.version}.{name}", make)
        return File(opened, request["ready"], _TYPES[picture.kind], request=identity)
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
    title = f"Synthetic export request {index.get('requestid') or index['reqid']}"
    return f"<!doctype html><html lang=en><title>{title}</title><h1>{title}</h1><table>{rows}</table></html>"


def _movie(service, index, picture, path):
    """Write the movie of a request from the images that its other rows name."""
    rows = [service.store.file(f"{index['dir']}/{row['filename']}") for row in index["data"][1:]]
    write_movie(picture, [_full(service, row["unit"], "image", "fits") for row in rows if row], path)


def _tar(service, index, path):
    """Write the tar file of a request: its files and its index, the same bytes each time."""
    with tarfile.open(path, "w") as archive:
        for name in [row["filename"] for row in index["data"]] + ["index.html", "index.json", "index.txt"]:
            file = find_file(service, f"{index['dir']}/{name}")
            if file is None:
                continue
            with file.open() as source:
                entry = tarfile.TarInfo(name)
                entry.size = source.seek(0, io.SEEK_END)
                entry.mtime = int(file.modified)
                source.seek(0)
                archive.addfile(entry, source)
