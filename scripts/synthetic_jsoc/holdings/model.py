"""What the archive holds, as the protocol sees it: the catalogue's level-1 series and the calibration tables.

The server asks everything of an object with the methods of `Archive`; tests give it a smaller one.
"""

import hashlib
from functools import cache
from pathlib import Path

from synthetic_jsoc import keywords as definitions
from synthetic_jsoc import tables, times
from synthetic_jsoc.holdings import catalogue
from synthetic_jsoc.holdings.series import SERIES, Keyword, level1_record

_FIRST = times.parse_time("2010-05-13T00:00:00Z")
_CHANNELS = {
    "aia.lev1_euv_12s": (94, 131, 171, 193, 211, 304, 335),
    "aia.lev1_uv_24s": (1600, 1700),
    "aia.lev1_vis_1h": (4500,),
}
_NUMBERS = {channel: i for i, channel in enumerate(channel for channels in _CHANNELS.values() for channel in channels)}
_HASTY = SERIES["aia.lev1_nrt2"]
# Storage units are numbered by slot, channel and series, so that a path alone names its record.
_CHANNELS_PER_UNIT, _SERIES_PER_UNIT = 16, 8
_MEGABYTES = {"image": 12, "image_lev1": 12, "spikes": 1}


def _version():
    """Hash of everything that decides what a file holds."""
    folder = Path(__file__).parents[1]
    sources = sorted(path for path in folder.rglob("*") if path.suffix in (".py", ".csv"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]


class Archive:
    """The synthetic archive.

    Parameters
    ----------
    now : callable
        Returns the time now, in Unix seconds; nothing in the archive is newer.

    Attributes
    ----------
    version : str
        Of the files that it makes, from the sources of this package: the spool keeps none that another version made.
    """

    version = _version()

    def __init__(self, now):
        self._now = now

    def series(self):
        """All series, sorted by name."""
        return [SERIES[name] for name in sorted(SERIES)]

    def keywords(self, series):
        """Definitions of the keywords of a series, in its order."""
        return _keywords(series.name)

    def types(self, series):
        """DRMS type of each keyword."""
        return {keyword.name: keyword.type for keyword in self.keywords(series)}

    def columns(self, series):
        """DRMS type of each column of the series' own table: no linked and no constant keyword has one."""
        own = {k.name: k.type for k in self.keywords(series) if not k.link and k.scope != "constant"}
        return own | {"recnum": "longlong"}

    def channels(self, series):
        """Channels of a series, or None where WAVELNTH is no prime key."""
        return _CHANNELS.get(series.name)

    def per_slot(self, series):
        """Records of one slot, at most."""
        return len(_CHANNELS.get(series.name, "1"))

    def span(self, series):
        """First and last slot of a series."""
        return series.slots.index(_FIRST), series.slots.index(self._now() + times.UNIX_TO_TAI)

    def records(self, series, first, last, channels=None, names=None):
        """Records of the slots first to last, both included, ascending by prime keys.

        Parameters
        ----------
        series : synthetic_jsoc.holdings.series.Series
        first, last : int
            Without meaning for a series without slots, of which all records come.
        channels : iterable of int, optional
        names : set of str, optional
            Keywords that are needed: level-1 records come the faster the fewer they are. Prime keys come always.
        """
        if series.name == "aia.response":
            return sorted(tables.response(), key=lambda row: (row["T_START"], row["WAVE_STR"], row["recnum"]))
        low, high = self.span(series)
        first, last = max(first, low), min(last, high)
        if first > last:
            return []
        if series.name == "aia.master_pointing3h":
            rows = tables.master_pointing(series.slots.time(first - 1), series.slots.time(last + 1))
            rows = [row | {"T_START_index": series.slots.index(row["T_START"])} for row in rows]
            return [row for row in rows if first <= row["T_START_index"] <= last]
        if names is not None:
            names = set(names) | {"T_OBS", "FSN", "WAVELNTH", "QUALITY", "T_REC", "T_REC_index"}
        return [
            row | {"sunum": _unit(series, row)} for row in catalogue.records(series.name, first, last, channels, names)
        ]

    def record_of_unit(self, unit, names=None):
        """The record whose files a storage unit holds, (series, record), or None; `names` as in `records`."""
        unit, ordinal = divmod(unit, _SERIES_PER_UNIT)
        slot, number = divmod(unit, _CHANNELS_PER_UNIT)
        for name, channels in _CHANNELS.items():
            for channel in channels:
                if _NUMBERS[channel] == number and ordinal in (SERIES[name].ordinal, _HASTY.ordinal):
                    rows = self.records(SERIES[name], slot, slot, [channel], names)
                    if rows and ordinal == _HASTY.ordinal:
                        return _HASTY, self.level1_of(rows[-1], _HASTY, names)
                    return (SERIES[name], rows[-1]) if rows else None
        return None

    def level1_of(self, record, series=SERIES["aia.lev1"], names=None):
        """The record of a single frame behind one of a slotted series; `names` as in `records`."""
        target = level1_record(record)
        slot = target["T_REC_index"]
        rows = self.records(series, slot, slot, [record["WAVELNTH"]], names)
        return next(row for row in rows if row["FSN"] == target["FSN"])

    def megabytes(self, segment):
        """Size of a segment's file, as the archive states it before the file is made."""
        return _MEGABYTES[segment]

    def write(self, record, segment, path, as_is):
        """Make the file of a record's segment; an as-is file has no science keywords."""
        from synthetic_jsoc.holdings import frames  # with its compiled loops, which metadata do without

        frames.write_fits(record, path, segment=segment, as_is=as_is)

    def image(self, record, segment, full):
        """Pixels and header of an image to cut from; `full` opens its whole file, which need not be made here."""
        from synthetic_jsoc.holdings import frames

        return frames.Drawn(record), frames.described(record, segment)


@cache
def _keywords(name):
    return tuple(Keyword(**definition) for definition in definitions.keywords(name))


def _unit(series, row):
    """Number of the storage unit with a record's files, those of the single frame behind it."""
    slot, ordinal = row["T_REC_index"], series.ordinal
    if series.name in definitions.BY_FRAME:
        slotted = SERIES[next(name for name, channels in _CHANNELS.items() if row["WAVELNTH"] in channels)]
        taken = row["T_REC"] if row["T_OBS"] == times.MISSING else row["T_OBS"]
        # The slot that an image was taken in, not the nearest one.
        slot = slotted.slots.index(taken - slotted.slots.step / 2)
        ordinal = ordinal if series is _HASTY else slotted.ordinal
    return (slot * _CHANNELS_PER_UNIT + _NUMBERS[row["WAVELNTH"]]) * _SERIES_PER_UNIT + ordinal
