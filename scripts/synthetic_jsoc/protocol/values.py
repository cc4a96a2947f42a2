"""How records and their values are written: keyword texts, record specifications, links."""

import re

from synthetic_jsoc import times
from synthetic_jsoc.holdings.series import MISSING_INT, SERIES, level1_record, missing_value

MISSING = "MISSING"
INVALID = "Invalid KeyLink"
_ALIAS = re.compile(r"\[([A-Z0-9_-]{1,8})\]")


def alias(keyword):
    """The FITS name of a keyword whose own name is none: DATE-OBS for DATE__OBS; else None."""
    match = _ALIAS.match(keyword.note)
    return match[1] if match else None


def is_missing(value, kind):
    """Whether a value of a DRMS type is missing."""
    return value is None or value != value or value == missing_value(kind)


def keyword_text(keyword, record):
    """A keyword's value as `rs_list` prints it; QUALITY is never missing, and a linked one needs its link."""
    if keyword.link and record["FSN"] == MISSING_INT:
        return INVALID
    value = keyword.defval if keyword.scope == "constant" else record.get(keyword.name, keyword.defval)
    if keyword.name != "QUALITY" and is_missing(value, keyword.type):
        return MISSING
    return value_text(keyword, value)


def value_text(keyword, value):
    """A value in the format of its keyword: times in their zone, bit words in hexadecimal, unsigned."""
    if keyword.type == "time":
        return times.format_time(value, keyword.units, keyword.format)
    if "x" in keyword.format:
        return keyword.format % (int(value) & 0xFFFFFFFF)
    return keyword.format.replace("ll", "") % value


def record_name(series, record, keywords):
    """A record's specification, series and prime keys: ``aia.lev1_euv_12s[2021-07-03T14:24:59Z][211]``."""
    by_name = {keyword.name: keyword for keyword in keywords}
    return series.name + "".join(f"[{value_text(by_name[key], record[key])}]" for key in series.primekeys)


def link_name(link, record):
    """Specification of the record that a link leads to."""
    target = level1_record(record)
    if target is None:
        return "Invalid_Link"
    return f"{SERIES[link.target].name}[{times.format_time(target['T_REC'])}][{target['FSN']}]"
