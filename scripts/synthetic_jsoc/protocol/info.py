"""Series and their records: showextseries, show_series and jsoc_info with its three operations."""

import re
import time
from urllib.parse import unquote

from synthetic_jsoc import times
from synthetic_jsoc.protocol import values
from synthetic_jsoc.protocol.recordset import FilterError
from synthetic_jsoc.protocol.selection import select
from synthetic_jsoc.protocol.service import RefusedError
from synthetic_jsoc.protocol.units import OFFLINE, ONLINE, segment_path, unit_status
from synthetic_jsoc.storage import unit_directory

ALL, NONE = "**ALL**", "**NONE**"
# Repetitions of repetitions can take for ever.
_NESTED = re.compile(r"[*+?}][^()]*\)+[*+?{]|\([^)]*\|[^)]*\)[*+{]")
_PSEUDO = ("*recnum*", "*sunum*", "*spec*", "*online*", "*archive*")
_PSEUDO += ("*retain*", "*size*", "*recdir*", "*dirmtime*", "*logdir*")
_OWNER = "production"
_RETENTION = {"retention": -60, "stagingretention": 4, "unitsize": 1, "archive": 0, "tapegroup": 0}


def showextseries(service, parameters):
    """Names of the series that match a filter, with their notes if ``info=1``: the list that drms shows for JSOC."""
    if not parameters.get("dbhost"):
        return {"errMsg": "Unable to parse arguments. Missing required argument 'dbhost'.", "seriesList": []}
    try:
        found = _matching(service, parameters.get("filter", ""))
    except re.error as error:
        return {"errMsg": f"Bad series-name filter: {error}", "seriesList": []}
    if parameters.get("info") == "1":
        return {"errMsg": "", "seriesList": [{series.name: {"description": series.note}} for series in found]}
    return {"errMsg": "", "seriesList": [series.name for series in found]}


def show_series(service, parameters):
    """The older list: names with prime keys and notes."""
    try:
        found = _matching(service, parameters.get("filter", ""))
    except re.error as error:
        return {"status": 1, "errmsg": f"Bad series-name filter: {error}"}
    names = [{"name": s.name, "primekeys": ", ".join(s.primekeys), "note": s.note} for s in found]
    return {"status": 0, "names": names, "n": len(names)}


def _matching(service, text):
    wanted = True
    if text.startswith("NOT "):
        text, wanted = text[4:], False
    if len(text) > 64 or _NESTED.search(text):
        raise re.error("pattern too complicated")
    pattern = re.compile(text, re.I)
    return [series for series in service.model.series() if bool(pattern.search(series.name)) == wanted]


def jsoc_info(service, parameters):
    """Answer one operation of jsoc_info; errors are answers with status 1, 4, 5 or 6."""
    started = time.perf_counter()
    operations = {"series_struct": series_struct, "rs_summary": rs_summary, "rs_list": rs_list}
    try:
        if not parameters.get("ds"):
            raise RefusedError(1, "Missing required argument 'ds'.")
        sets = service.read_sets(parameters["ds"])
        operation = operations.get(parameters.get("op", ""))
        if operation is None:
            raise RefusedError(6, f"jsoc_info: unknown operation '{parameters.get('op', '')[:40]}'")
        answer = operation(service, sets, parameters)
    except RefusedError as refusal:
        return refusal.answer
    except FilterError as error:
        return {"status": 6, "error": f"jsoc_info: {error}"}
    return answer | {"runtime": round(time.perf_counter() - started, 6), "status": 0}


def series_struct(service, sets, parameters):
    """Everything about a series: prime keys, keywords, segments, links and its interval."""
    series = sets[0][1]
    keywords = service.model.keywords(series)
    owner, shadow = ({"owner": _OWNER}, {"HasShadow": 0}) if parameters.get("o") == "1" else ({}, {})
    described = []
    for keyword in keywords:
        described.append(_describe(keyword, keyword.name))
        if name := values.alias(keyword):
            described.append(_describe(keyword, name))
    for name, (kind, value) in _implicit_keywords(series).items():
        entry = {"name": name, "type": kind, "recscope": "variable", "defval": value, "units": "none", "note": ""}
        described.append(entry)
    return {
        "note": series.note,
        **_RETENTION,
        **owner,
        "primekeys": list(series.primekeys),
        "primekeysinfo": [_primekey_info(series, key) for key in series.primekeys],
        "dbindex": list(series.primekeys),
        "keywords": described,
        "segments": [_describe_segment(segment) for segment in series.segments],
        "links": [{"name": k.name, "target": k.target, "kind": k.kind, "note": k.note} for k in series.links],
        "Interval": _interval(service.model, series, keywords) | shadow,
    }


def _implicit_keywords(series):
    """Keywords that the segments of a series bring along, with their one value: compression, scaling of the pixels."""
    found = {}
    for number, segment in enumerate(s for s in series.segments if not s.link):
        found[f"cparms_sg{number:03d}"] = ("string", "compress Rice")
        found[f"{segment.name}_bzero"] = ("double", "0")
        found[f"{segment.name}_bscale"] = ("double", "1")
    return found


def _primekey_info(series, key):
    if key == series.slotted:
        return {"name": key, "slotted": 1, "step": f"{series.slots.step:.6f}"}
    return {"name": key, "slotted": 0}


def _describe(keyword, name):
    entry = {"name": name} | ({"linkinfo": keyword.link} if keyword.link else {})
    entry |= {"type": keyword.type, "recscope": keyword.scope, "defval": values.value_text(keyword, keyword.defval)}
    return entry | {"units": keyword.units, "note": keyword.note}


def _describe_segment(segment):
    if segment.link:
        protocol, units, dims = f"link via {segment.link}", None, None
    else:
        protocol, units, dims = segment.protocol, segment.units, segment.dims
    return {
        "name": segment.name,
        "type": segment.type,
        "units": units,
        "protocol": protocol,
        "dims": dims,
        "note": segment.note,
    }


def _interval(model, series, keywords):
    """First and last record of a series."""
    ends = []
    for backwards in (False, True):
        low, high = model.span(series) if series.slots else (0, 0)
        rows, reach = [], 1
        while not rows and reach <= high - low + 1:
            first, last = (high - reach + 1, high) if backwards else (low, low + reach - 1)
            rows, reach = model.records(series, first, last), reach * 8
        if not rows:
            return dict.fromkeys(("FirstRecord", "FirstRecnum", "LastRecord", "LastRecnum"), "NA") | {"MaxRecnum": 0}
        ends.append(rows[-1] if backwards else rows[0])
    first, last = ends
    return {
        "FirstRecord": values.record_name(series, first, keywords),
        "FirstRecnum": first["recnum"],
        "LastRecord": values.record_name(series, last, keywords),
        "LastRecnum": last["recnum"],
        "MaxRecnum": max(first["recnum"], last["recnum"]),
    }


def rs_summary(service, sets, parameters):
    """The number of records of a record set."""
    return {"count": len(open_records(service, sets, _limit(parameters), set())[1])}


def rs_list(service, sets, parameters):
    """Values of keywords, segments and links of each record."""
    keywords = service.model.keywords(sets[0][1])
    every = []
    for keyword in keywords:
        if keyword.scope != "index":
            every += [keyword.name] + ([values.alias(keyword)] if values.alias(keyword) else [])
    wanted = _names(parameters.get("key", ""), every)
    column = _Columns(service.model, sets[0][1], keywords)
    series, records = open_records(service, sets, _limit(parameters), column.needed(wanted))
    if not records:
        return {"count": 0}
    segments = _names(parameters.get("seg", ""), [segment.name for segment in series.segments])
    answer = {}
    if parameters.get("R") == "1":
        online = int(bool(segments) and segment_path(series, segments[-1], records[-1]).startswith("/SUM"))
        names = [values.record_name(series, record, keywords) for record in records]
        answer["recinfo"] = [{"name": name, "online": online} for name in names]
    answer["keywords"] = [{"name": name, "values": column.values(name, records)} for name in wanted]
    answer["segments"] = [_segment_column(series, name, records) for name in segments]
    links = _names(parameters.get("link", ""), [link.name for link in series.links])
    answer["links"] = [{"name": name, "values": _link_column(series, name, records)} for name in links]
    return answer | {"count": len(records)}


def open_records(service, sets, n, names=None):
    """(series, records) of all sets of a record set, which must be of one series; `names` as in `selection.select`."""
    series = sets[0][1]
    if any(other is not series for _, other in sets):
        raise FilterError("invalid record-set specification; the records must belong to a single data series")
    records = []
    for item, _ in sets:
        records += select(service.model, item, series, n, service.strict, names)
    return series, records[:n] if n > 0 else records[n:] if n < 0 else records


def _limit(parameters):
    text = parameters.get("n", "").strip()
    return int(text) if re.fullmatch(r"[+-]?\d{1,9}", text) else 0


def _names(text, every):
    """Requested names, with the marks for all and none resolved."""
    names = [name for name in unquote(text).split(",") if name]
    if ALL in names:
        return every
    return [name for name in names if name != NONE]


class _Columns:
    """Values of keywords and of the archive's pseudo keywords, ``*recnum*`` and its like."""

    def __init__(self, model, series, keywords):
        self.model = model
        self.series = series
        self.keywords = keywords
        self.by_name = {keyword.name.lower(): keyword for keyword in keywords}
        self.by_name |= {values.alias(keyword).lower(): keyword for keyword in keywords if values.alias(keyword)}

    def needed(self, names):
        """Names of the keywords that some requested names stand for."""
        return {self.by_name[name.lower()].name for name in names if name.lower() in self.by_name}

    def values(self, name, records):
        """Values for each record, as text, or a number for record and storage unit numbers."""
        if name.lower() in _PSEUDO:
            return [getattr(self, f"_{name.strip('*').lower()}")(record) for record in records]
        keyword = self.by_name.get(name.lower())
        if keyword is None and name in _implicit_keywords(self.series):
            return [_implicit_keywords(self.series)[name][1]] * len(records)
        if keyword is None:
            return [values.INVALID] * len(records)
        return [values.keyword_text(keyword, record) for record in records]

    def _recnum(self, record):
        return record["recnum"]

    def _sunum(self, record):
        return record.get("sunum", -1)

    def _spec(self, record):
        return values.record_name(self.series, record, self.keywords)

    def _online(self, record):
        return ("Y" if _is_online(record) else "N") if "sunum" in record else "NA"

    def _archive(self, record):
        return ("Y" if unit_status(record) == OFFLINE else "N") if "sunum" in record else "NA"

    def _retain(self, record):
        return ("2099.12.31" if _is_online(record) else "N/A") if "sunum" in record else "NA"

    def _size(self, record):
        # The archive's own sum starts at -1.
        size = sum(self.model.megabytes(segment.name) for segment in self.series.segments) * 10**6
        return str(size - 1) if _is_online(record) else "NA"

    def _recdir(self, record):
        return unit_directory(record["sunum"]) if _is_online(record) else "NoDataDirectory"

    def _dirmtime(self, record):
        return times.format_time(record["DATE"], "UTC") if _is_online(record) else "NA"

    def _logdir(self, record):
        return "NO LOG"


def _is_online(record):
    return "sunum" in record and unit_status(record) == ONLINE


def _segment_column(series, name, records):
    known = next((segment for segment in series.segments if segment.name.lower() == name.lower()), None)
    dims = known.dims if known else "NA"
    paths = [segment_path(series, name, record) for record in records]
    online = [path for path in paths if path.startswith("/SUM")]
    scaling = {"cparms": ["compress Rice"], "bzeros": ["0"], "bscales": ["1"]}
    columns = {key: value * len(online) for key, value in scaling.items()}
    return {"name": name, "values": paths, "dims": [dims] * len(paths), **columns}


def _link_column(series, name, records):
    link = next((link for link in series.links if link.name.lower() == name.lower()), None)
    return [values.link_name(link, record) if link else "Invalid_Link" for record in records]
