"""How faults change what the archive holds and says; the handler itself plays those of the wire."""

import copy
import math

from synthetic_jsoc import times
from synthetic_jsoc.holdings.series import MISSING_INT
from synthetic_jsoc.protocol import values
from synthetic_jsoc.protocol.exports import failed, pending
from synthetic_jsoc.protocol.service import RefusedError
from synthetic_jsoc.protocol.units import INVALID, OFFLINE

HTML = b"<!doctype html><title>Service temporarily unavailable</title><h1>Service temporarily unavailable</h1>\n"
_OLDER = 10**6  # record numbers between a version and the one before
_UNITS = {"offline": OFFLINE, "invalid-unit": INVALID}
_ONLY_WITH_IMAGE = ("T_OBS", "DATE__OBS", "EXPTIME", "DATAMIN", "DATAMAX", "DATAMEAN", "DATAMEDN", "NSATPIX")


class FaultyArchive:
    """An archive of which some records are as records of the real one have been found.

    Parameters
    ----------
    model : synthetic_jsoc.holdings.model.Archive
    faults : synthetic_jsoc.protocol.faults.Faults
    """

    def __init__(self, model, faults):
        self._model = model
        self._faults = faults

    def __getattr__(self, name):
        return getattr(self._model, name)

    def records(self, series, first, last, channels=None, names=None):
        """Records, changed by the rules that fit them."""
        keywords = self._model.keywords(series)
        found = []
        for record in self._model.records(series, first, last, channels, names):
            for rule in self._faults.of_record(values.record_name(series, record, keywords)):
                if rule.mode == "duplicate":
                    found.append(record | {"recnum": max(record["recnum"] - _OLDER, 1)})
                record = record | _changes(rule, record, self._model.types(series))
            found.append(record)
        return found


def _changes(rule, record, types):
    if rule.mode == "broken-link":
        return {"FSN": MISSING_INT}
    if rule.mode in _UNITS:
        return {"sustatus": _UNITS[rule.mode]}
    if rule.mode not in ("missing", "quality"):
        return {}
    quality = int(rule["quality"])
    changes = {"QUALITY": quality - 2**32 if quality >= 2**31 else quality}
    if rule.mode == "missing":
        missing = {"time": times.MISSING, "int": MISSING_INT}
        changes |= {n: missing.get(types[n], math.nan) for n in _ONLY_WITH_IMAGE if n in record}
    return changes


def instead(service, rule, parameters):
    """The answer that a rule gives in place of the archive's own, or None."""
    identity = parameters.get("requestid", "")
    if rule.mode == "unregistered":
        if "address" in parameters:
            return {"status": 4, "msg": "email address has been neither validated nor registered", "user_id": None}
        text = "Cannot process your request. email address has been neither validated nor registered"
        return RefusedError(4, text).answer
    if rule.mode == "limit-7":
        ids = rule["ids"]
        text = f"User {parameters.get('notify', '')} has {len(ids)} pending export requests ({','.join(ids)}); "
        text += "please wait until at least one request has completed before submitting a new one."
        return RefusedError(7, text).answer
    if rule.mode == "fail-4":
        return failed(4, rule["text"], identity).answer if identity else RefusedError(4, rule["text"]).answer
    if rule.mode == "too-large-3":
        if identity:
            return failed(3, "Request too large", identity).answer
        text = f"Request exceeds max byte limit of {service.limits.megabytes}MB"
        return RefusedError(3, text, requestid="VOID", wait=0).answer
    if rule.mode == "expired-5":
        return failed(5, "Request was completed but is now deleted, 7 day limit exceeded", identity).answer
    if rule.mode == "notfound-6":
        return {"status": 6, "requestid": identity, "wait": 1, "error": "Request not found"}
    if rule.mode == "stuck-pending" and (row := service.store.request(identity)):
        return pending(service, row) | {"wait": 5}
    return None


def altered(rule, answer):
    """The archive's own answer as a rule changes it."""
    answer = copy.deepcopy(answer)
    if rule.mode == "status0-nothing" and str(answer.get("status")) == "0":
        warning = "warning=No FITS files were exported. The requested FITS files no longer exist."
        answer["data"] = [{"record": warning, "filename": ""}] if rule["form"] == "warning" else []
        answer["count"] = "0"
    elif rule.mode == "NoDataFile":
        for row in _rows(rule, answer.get("data", [])):
            answer["data"][row]["filename"] = "NoDataFile"
    elif rule.mode in ("NoDataDirectory", "BadSegLink", "InvalidSegName"):
        for segment in answer.get("segments", []):
            for row in _rows(rule, segment["values"]):
                segment["values"][row] = rule.mode
    elif rule.mode == "invalid-keylink":
        for keyword in answer.get("keywords", []):
            if keyword["name"].upper() in rule["keys"]:
                for row in _rows(rule, keyword["values"]):
                    keyword["values"][row] = values.INVALID
    elif rule.mode == "outside-window":
        for keyword in answer.get("keywords", []):
            if keyword["name"].upper() in ("T_REC", "T_OBS"):
                keyword["values"][0] = _earlier(keyword["values"][0], rule["seconds"])
    return answer


def _rows(rule, column):
    wanted = range(len(column)) if rule["rows"] is None else rule["rows"]
    return [row for row in wanted if -len(column) <= row < len(column)]


def _earlier(text, seconds):
    if text in (values.MISSING, values.INVALID):
        return text
    decimals = len(text.partition(".")[2].rstrip("Z"))
    return times.format_time(times.parse_time(text) - seconds, "ISO", decimals)
