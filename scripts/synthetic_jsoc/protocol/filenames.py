"""Names of exported files, from the request's template: ``aia.lev1_euv_12s.{T_REC:A}.{WAVELNTH}.{segment}``."""

import re

from synthetic_jsoc import times
from synthetic_jsoc.holdings.series import level1_record
from synthetic_jsoc.protocol import values

_FIELD = re.compile(r"\{([^{}]*)\}")
_TIME_LAYOUT = re.compile(r"([AD])(\d?)(?:,(\w{1,5}))?", re.A)
_NUMBER_FORMAT = re.compile(r"%[-+0 #]?\d{0,2}(?:\.\d{1,2})?(?:l{0,2}[dxXo]|[feEgGs])", re.A)
_SAFE = re.compile(r"[A-Za-z0-9_+-][A-Za-z0-9_.+:-]{0,126}", re.A)
DEFAULT = "{seriesname}.{recnum:%lld}.{segment}"


def keywords(template):
    """Names of the keywords that a template needs, in upper case as most are, and as they stand."""
    fields = [field.partition(":")[0] for field in _FIELD.findall(template or DEFAULT)]
    return {name for field in fields for name in (field, field.upper())}


def exported(order, record, segment, number):
    """Name of a record's file, or None if the template cannot be filled: then the archive does not deliver the record.

    Parameters
    ----------
    order : object
        With `series`, `model`, `filenamefmt` and `process`.
    record : dict
    segment : synthetic_jsoc.holdings.series.Segment
    number : int
        Position among the files of the request.
    """
    template = _FIELD.split(order.filenamefmt or DEFAULT)[::2]
    texts = []
    for field in _FIELD.findall(order.filenamefmt or DEFAULT):
        text = _field(field, order, record, segment, number)
        if text is None:
            return None
        texts.append(text)
    name = template[0] + "".join(text + rest for text, rest in zip(texts, template[1:], strict=True))
    name = "".join(name.split())
    name = name.removesuffix(".fits") + (".jpg" if order.picture else ".fits")
    return name if _SAFE.fullmatch(name) else None


def _field(field, order, record, segment, number):
    name, _, layout = field.partition(":")
    if name == "seriesname":
        return order.series.name
    if name == "segment":
        return f"{segment.name}.fits" if order.process else segment.file
    if name in ("#", "recnum"):
        return _number(layout or "%d", number if name == "#" else record["recnum"])
    keyword = next((k for k in order.model.keywords(order.series) if k.name.lower() == name.lower()), None)
    if keyword is None:
        return None
    if keyword.type == "time":
        return _time(keyword, layout, record, segment.link and not order.process)
    return _number(layout, record[keyword.name]) if layout else values.keyword_text(keyword, record)


def _time(keyword, layout, record, linked):
    """A time without dots and colons; with a layout it is that of the record that the segment's link leads to."""
    if not layout:
        return re.sub("[.:]", "", values.keyword_text(keyword, record))
    match = _TIME_LAYOUT.fullmatch(layout)
    source = record | (level1_record(record) or {}) if linked else record
    value = source.get(keyword.name, times.MISSING)
    if not match or value == times.MISSING:
        return None
    try:
        text = times.format_time(value, match[3] or keyword.units, int(match[2] or 0))
    except KeyError:
        return None
    return re.sub("[.:]", "", text) if match[1] == "A" else text


def _number(layout, value):
    if not _NUMBER_FORMAT.fullmatch(layout) or value is None:
        return None
    try:
        return layout.replace("l", "") % value
    except (TypeError, ValueError):
        return None
