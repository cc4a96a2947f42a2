"""The columns of flare lists: which key of the configuration each one means, and which are not read.

The names are those of NOAA's event reports, NCEI's flare summaries, the HEK, DONKI, and sunpy's tables of them.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from aia_sequence.config.schema import resolved, schema
from aia_sequence.errors import suggestion

EVENT = {"$ref": "#/$defs/event"}

# In small letters and digits alone.
ALIASES = {
    **dict.fromkeys(("starttime", "begin", "begintime", "tstart", "eventstarttime"), "start"),
    **dict.fromkeys(("peaktime", "max", "maximum", "maxtime", "tpeak", "eventpeaktime"), "peak"),
    **dict.fromkeys(("endtime", "stop", "stoptime", "tend", "eventendtime"), "end"),
    **dict.fromkeys(("goesclass", "flareclass", "flgoescls", "classtype"), "class"),
    **dict.fromkeys(("goeslocation", "loc", "position", "sourcelocation", "flarelocation"), "location"),
    **dict.fromkeys(("hgsx", "hgslon"), "longitude"),
    **dict.fromkeys(("hgsy", "hgslat"), "latitude"),
    **dict.fromkeys(("eventdate",), "date"),
}
# For the reader of the list.
DESCRIPTIVE = {
    *("noaa", "ar", "noaaar", "activeregion", "noaaactiveregion", "arnoaanum", "activeregionnum"),
    *("comment", "comments", "note", "notes", "source", "link", "flux", "peakflux", "reg", "event", "obs", "q"),
    *("particulars", "integratedflux", "background"),
    # DONKI
    *("flrid", "catalog", "instruments", "linkedevents", "submissiontime", "versionid", "sentnotifications"),
}
# A list of the HEK has more than a hundred columns besides those that are read, and is known by this one.
HEK = "eventstarttime"
DATE = "date"  # of clock times
PLACE = ("longitude", "latitude")  # Stonyhurst, degrees: together a location
PLACES = ("location", "region.follow", "region.x", *PLACE)
OTHERS = "others"  # in place of the columns to ignore: all that are not known


def keys_of(header: list[str], options: Mapping[str, Any], origin: str) -> tuple[list[str | None], list[str]]:
    """Find the configuration's key of each column.

    Parameters
    ----------
    header
        Titles of the columns.
    options
        The configuration's `catalogue` section, defaults filled in.
    origin
        Where the header stands, for messages.

    Returns
    -------
    list of str or None
        A key for each column; None where the column is not read.
    list of str
        What is wrong with the header, a line each.
    """
    columns, problems, ignored = [], [], options["ignore"]
    hek = HEK in map(_plain, header)
    for title in map(str.strip, header):
        key = _key(title)
        if title in ignored or _plain(title) in DESCRIPTIVE or (key is None and hek and "." not in title):
            key = None
        elif key is None and ignored != OTHERS:
            allowed = [*sorted(resolved(EVENT)["properties"]), DATE]
            problems.append(
                f"{origin}: unknown column {title!r}; {suggestion(title, allowed)}, those with a dot for the keys of a "
                "mapping (where.EXPTIME), and what catalogue.ignore lists (or all: ignore: others)"
            )
        elif key is not None and key in columns:
            problems.append(f"{origin}: column {title!r} gives {key} a second time")
        columns.append(key)
    needed = [options["from"], options["to"], *(() if "name" in columns else ("start",))]
    if not problems and not are_windows(columns):
        problems = [
            f"{origin}: no column for {key}, from which the windows are reckoned (catalogue.from, catalogue.to)"
            for key in dict.fromkeys(needed)
            if key not in columns
        ]
    return columns, problems


def are_windows(columns: Sequence[str | None]) -> bool:
    """Whether the rows of a list are windows and no flares: they have start and end, and no peak."""
    return {"start", "end"} <= set(columns) and "peak" not in columns


def described(key: str) -> dict[str, Any] | None:
    """What the schema says of an event's key, of `where.EXPTIME` what it says of the conditions; None if nothing."""
    part: dict[str, Any] = resolved(EVENT)
    for name in key.split("."):
        further = part.get("additionalProperties")
        found = part.get("properties", {}).get(name, further if isinstance(further, dict) else None)
        if found is None:
            return None
        part = resolved(found)
    return part


def validator_schema() -> dict[str, Any]:
    """The schema of one event, complete."""
    return {**EVENT, "$defs": schema()["$defs"]}


def _plain(title: str) -> str:
    """A column's title in small letters and digits alone."""
    return re.sub(r"[^a-z0-9]", "", title.lower())


def _key(title: str) -> str | None:
    """The configuration's key that a column's title means, or None if it is not known."""
    candidates = (title, ALIASES.get(_plain(title), ""), re.sub(r"\W+", "_", title.lower(), flags=re.ASCII))
    return next((key for key in candidates if key and (key in (DATE, *PLACE) or described(key) is not None)), None)
