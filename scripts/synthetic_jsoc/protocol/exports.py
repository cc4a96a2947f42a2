"""jsoc_fetch: export requests from submission to expiry, with the archive's checks in the archive's order."""

import json
import math
import re
from datetime import UTC, datetime

from synthetic_jsoc.holdings.store import hidden
from synthetic_jsoc.protocol import addresses, filenames
from synthetic_jsoc.protocol.addresses import address_status, status_text
from synthetic_jsoc.protocol.orders import Order
from synthetic_jsoc.protocol.service import RefusedError
from synthetic_jsoc.protocol.units import check_units, export_units, has_file, segment_path
from synthetic_jsoc.storage import export_directory

CONTACT = "jsoc_help@jsoc.stanford.edu"
IDENTITY = re.compile(r"JSOC_\d{8}_\d+(_X_IN)?", re.A)
_NO_WAIT = 999999
# Steps that JSOC's clients may ask for.
STEPS = ["HmiB2ptr", "Maproj", "aia_scale_aialev1", "aia_scale_orig", "aia_scale_other", "im_patch", "rebin", "resize"]


def jsoc_fetch(service, parameters, client):
    """Answer one operation of jsoc_fetch.

    Parameters
    ----------
    parameters : dict of str to str
        Decoded query; the name ``process=n`` is taken for ``process``.
    client : str
        Host that asks.
    """
    operation = parameters.get("op", "")
    try:
        if operation == "exp_request":
            return request(service, parameters, client)
        if operation == "exp_status":
            return status(service, parameters)
        if operation == "exp_su":
            return export_units(service, parameters)
        if operation == "exp_repeat":
            raise RefusedError(4, "Re-Export requests temporarily disabled.")
        raise RefusedError(4, f"Operation '{operation[:40]}' is not supported by this archive.")
    except RefusedError as refusal:
        return refusal.answer


def request(service, parameters, client):
    """exp_request: refuse, name an existing request, answer at once (`url_quick`), or queue."""
    address = parameters.get("notify", "")
    _check_address(service, address)
    _check_load(service, address, client)
    order = Order(service, parameters)
    # From here on one request at a time: two equal ones, or two of one address, must not both be new.
    with service.store.change():
        _check_load(service, address, client)
        return _admit(service, order, address, client)


def _admit(service, order, address, client):
    """The second half of the checks, and the answer."""
    if existing := _existing(service, order):
        return _queued(service, existing)
    largest = order.largest(service.limits.megabytes)
    if order.megabytes > largest:
        raise RefusedError(
            3,
            f"Request exceeds max byte limit of {largest}MB",
            requestid="VOID",
            method=order.method,
            protocol=order.protocol,
            wait=0,
            rcount=len(order.records),
            count=len(order.records),
            size=order.megabytes,
        )
    if order.quick and not any(has_file(segment, record) for record, segment, _ in order.files()):
        raise RefusedError(4, "There are no files in this RecordSet")
    check_units(order.records)
    if order.quick:
        return _immediate(order)
    return _queued(service, _enter(service, order, address, client))


def _check_address(service, address):
    if not address:
        raise RefusedError(4, "Email address for notification was not specfied. It is required.")
    found = address_status(service, address)
    if found != addresses.REGISTERED:
        raise RefusedError(4, f"Cannot process your request. {status_text(found)}")


def _check_load(service, address, client):
    limits, now = service.limits, service.now()
    pending = service.store.pending(hidden(address), None, now, limits.pending_seconds)
    if len(pending) >= limits.pending_per_address:
        raise RefusedError(
            7,
            f"User {address} has {len(pending)} pending export requests ({','.join(pending)}); please wait until at "
            "least one request has completed before submitting a new one.",
        )
    if len(service.store.pending(None, client, now, limits.pending_seconds)) > limits.pending_per_client:
        raise RefusedError(
            7,
            f"There are too many requests from {address}; please wait until one or more requests have completed before "
            "submitting a new one.",
        )


def _existing(service, order):
    """A request of the same content, not older than a day, whose files are still there or to come."""
    found = service.store.duplicate(order.digest, service.now() - service.limits.duplicate_seconds)
    return found if found and found["expires"] > service.now() and not order.quick else None


def _immediate(order):
    """The answer of ``url_quick``: paths of the stored files."""
    data = []
    for record, segment, name in order.files():
        path = segment_path(order.series, segment.name, record)
        if path.startswith("/SUM"):
            data.append({"record": f"{name}{{{segment.name}}}", "filename": path})
    return {
        "rcount": len(order.records),
        "count": len(data),
        "size": max(1, order.megabytes),
        "dir": "",
        "data": data,
        "requestid": "",
        "method": order.method,
        "protocol": order.protocol,
        "wait": 0,
        "status": 0,
    }


def _enter(service, order, address, client):
    """Put a request into the queue, with everything that it will answer, and return its row."""
    now = service.now()
    directory = export_directory(order.number)
    files = _files(order, directory)
    ready = now + service.staging
    expires = ready + service.limits.expiry_seconds
    row = {
        "id": order.identity,
        "hash": order.digest,
        "address": hidden(address),
        "client": client,
        "created": now,
        "ready": ready,
        "expires": expires,
        "method": order.method,
        "protocol": order.protocol,
        "count": len(order.records),
        "size": order.megabytes,
        "directory": directory,
        "failure": _failure(order),
        "answer": _index(order, directory, files, expires),
    }
    service.store.add_request(row, [file for file in files if file["path"]])
    return row


def _failure(order):
    """Why a request will fail in the queue, or None."""
    for step in sorted(order.process.keys() - {"im_patch"}):
        if step in STEPS:
            return f"Processing step {step} is not available in this archive, which has im_patch alone"
        return f"Unknown processing step '{step[:40]}'; JSOC's are {', '.join(STEPS)}"
    return None


def _files(order, directory):
    """Rows of table ``files`` for an order; `path` is None where a record has no such file."""
    found = []
    known = f"{order.series.name}[", f"{order.series.name}_mod["
    for number, (record, segment, name) in enumerate(order.files()):
        file = None
        if segment_path(order.series, segment.name, record).startswith("/SUM"):
            file = filenames.exported(order, record, segment, number)
        if order.process:
            name = f"{name.replace(*known, 1)}[{order.identity}]"
        found.append(
            {
                "path": f"{directory}/{file}" if file else None,
                "record": f"{name}{{{segment.name}}}" if order.as_is else name,
                "unit": record.get("sunum"),
                "segment": segment.name,
                "as_is": int(order.as_is),
                "process": json.dumps(order.process, sort_keys=True) if order.process else None,
            }
        )
    return found


def _index(order, directory, files, expires):
    """index.json of a finished request, in which every scalar is text."""
    data = []
    for file in files:
        if file["path"]:
            data.append({"record": file["record"], "filename": file["path"].rsplit("/", 1)[1]})
        elif order.as_is:
            data.append({"record": file["record"], "filename": "NoDataFile"})
    count = len(data)
    if not data and not order.as_is:
        warning = "warning=No FITS files were exported. The requested FITS files no longer exist."
        data = [{"record": warning, "filename": ""}]
    elif order.picture and order.picture.is_movie:
        name = f"{order.identity}.{order.picture.kind}"
        data = [{"record": "movie of the following data", "filename": name}, *data]
    identity = "reqid" if order.picture else "requestid"
    index = {"version": "0.5", identity: order.identity, "method": order.method, "protocol": order.protocol}
    index |= {"count": str(count), "size": str(order.megabytes if count else 0)}
    index |= {"exptime": f"{datetime.fromtimestamp(expires, UTC):%Y.%m.%d_%H:%M:%S}_UT"}
    index |= {"dir": directory, "status": "0", "keywords": "**IN FITS FILES**", "data": data}
    if order.as_is:
        index |= {"wait": "0", "keywords": f"{directory}/{order.identity}.keywords.txt"}
        if not data:
            del index["dir"]
    if order.method.endswith("-tar"):
        index["tarfile"] = f"{directory}/{order.identity}.tar"
    return index


def _queued(service, row):
    """The answer to a request that was put into the queue, now or before."""
    return {
        "status": 2,
        "requestid": row["id"],
        "method": row["method"],
        "protocol": row["protocol"],
        "wait": _wait(service, row),
        "rcount": row["count"],
        "size": row["size"],
    }


def _wait(service, row):
    return max(0, math.ceil(row["ready"] - service.now()))


def status(service, parameters):
    """exp_status: pending, failed, expired, or the index of the finished request."""
    identity = parameters.get("requestid", "")
    if not identity:
        raise RefusedError(4, "Missing required argument 'requestid'.")
    if not IDENTITY.fullmatch(identity):
        text = (
            f"requestid {identity[:80]} is not an acceptable ID for the external export system (acceptable format is "
        )
        raise RefusedError(4, text + "JSOC_YYYYMMDD_NNN or JSOC_YYYYMMDD_NNN_X_IN).")
    row = service.store.request(identity)
    if row is None:
        raise RefusedError(4, f"invalid export DRMS record for ID `%s`{identity}")
    if row["failure"]:
        raise failed(4, row["failure"], identity)
    if service.now() >= row["expires"]:
        raise failed(5, "Request was completed but is now deleted, 7 day limit exceeded", identity)
    if service.now() < row["ready"]:
        return pending(service, row)
    if service.stage and not service.stage(row):
        return pending(service, row)
    return json.loads(row["answer"])


def pending(service, row):
    """The answer while a request waits for its files."""
    return _queued(service, row) | {"status": 1, "rcount": 0}


def failed(number, text, identity):
    """The answer for a request that will never deliver."""
    return RefusedError(number, text, requestid=identity, wait=_NO_WAIT, contact=CONTACT)
