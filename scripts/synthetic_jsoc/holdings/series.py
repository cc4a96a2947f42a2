"""The series that the embedded archive serves: prime keys, slots, segments and links, as data.

Keywords with their types, units and notes belong to the catalogue; this module holds what the protocol needs besides.
"""

import math
from dataclasses import dataclass

from synthetic_jsoc import times

MISSING_INT = -(2**31)
EPOCH = times.parse_time("1993.01.01_00:00:00_TAI")


@dataclass(frozen=True)
class Slots:
    """The time slots of a prime key: every time belongs to one of them, counted from an epoch.

    Attributes
    ----------
    scope : str
        ``ts_eq`` (nearest slot) or ``ts_slot`` (the slot that the time, moved by half of `round`, lies in).
    step, round : float
        Seconds.
    epoch : float
        TAI seconds since 1977 of slot 0.
    """

    step: float
    scope: str = "ts_eq"
    epoch: float = EPOCH
    round: float = 0.0

    def index(self, tai):
        """Number of the slot that a time is looked up in."""
        shift = self.step if self.scope == "ts_eq" else self.round
        return math.floor((tai - self.epoch + shift / 2) / self.step)

    def time(self, index):
        """Time of a slot, TAI seconds since 1977."""
        return self.epoch + index * self.step


@dataclass(frozen=True)
class Keyword:
    """A keyword's definition; `defval` is the missing value of its type, or the value of a constant."""

    name: str
    type: str
    units: str
    note: str
    format: str | int
    scope: str
    link: str | None
    defval: object
    fits: str


@dataclass(frozen=True)
class Segment:
    """A file that belongs to each record: its stored name, and the link through which it is reached, if any."""

    name: str
    file: str
    link: str | None = None
    type: str = "int"
    units: str = "DN"
    protocol: str = "fits"
    dims: str = ""
    note: str = ""


@dataclass(frozen=True)
class Link:
    """The way from each record to one of another series."""

    name: str
    target: str
    kind: str = "DYNAMIC"
    note: str = "Level 1 record"


@dataclass(frozen=True)
class Series:
    """One series.

    Attributes
    ----------
    primekeys : tuple of str
        In the series' order; the first is the slotted one where `slots` is given.
    slots : Slots or None
        None for a series whose prime keys are plain values.
    ordinal : int
        Distinguishes the storage units of the series (see `synthetic_jsoc.storage`).
    """

    name: str
    note: str
    primekeys: tuple[str, ...]
    ordinal: int
    slots: Slots | None = None
    segments: tuple[Segment, ...] = ()
    links: tuple[Link, ...] = ()

    @property
    def slotted(self):
        """Name of the slotted prime key, or None."""
        return self.primekeys[0] if self.slots else None


_LEV1_SEGMENTS = (
    Segment("image_lev1", "image_lev1.fits", note="Level 1 image", dims="4096x4096"),
    Segment("spikes", "spikes.fits", note="Cosmic ray and bad pixel hits removed", dims="VARxVAR"),
)
_LINKED_SEGMENTS = tuple(
    Segment(s.name.removesuffix("_lev1"), s.file, link="lev1", note=s.note, dims=s.dims) for s in _LEV1_SEGMENTS
)
_LEV1_LINK = (Link("lev1", "aia.lev1"),)
_SYNTHETIC = " (synthetic, no observation)"


def _level1(name, note, ordinal, step):
    return Series(
        name, note + _SYNTHETIC, ("T_REC", "WAVELNTH"), ordinal, Slots(step), _LINKED_SEGMENTS, _LEV1_LINK
    )  # fmt: skip


def _by_frame(name, note, ordinal):
    slots = Slots(1.0, "ts_slot", epoch=0.0, round=1.0)
    return Series(name, note + _SYNTHETIC, ("T_REC", "FSN"), ordinal, slots, _LEV1_SEGMENTS)


SERIES = {
    series.name.lower(): series
    for series in (
        _by_frame("aia.lev1", "AIA Level 1", 1),
        _by_frame("aia.lev1_nrt2", "AIA Level 1, near real time", 7),
        _level1("aia.lev1_euv_12s", "AIA Level 1, 12 second cadence", 2, 12.0),
        _level1("aia.lev1_uv_24s", "AIA Level 1, 24 second cadence", 3, 24.0),
        _level1("aia.lev1_vis_1h", "AIA Level 1, 3600 second cadence", 4, 3600.0),
        Series(
            "aia.master_pointing3h",
            "Master Pointing Parameters" + _SYNTHETIC,
            ("T_START",),
            ordinal=5,
            slots=Slots(10800.0),
        ),
        Series("aia.response", "AIA instrument response table" + _SYNTHETIC, ("T_START", "WAVE_STR"), ordinal=6),
    )
}


def missing_value(kind):
    """The value that stands for a missing one of a DRMS type; real numbers have NaN."""
    if kind == "time":
        return times.MISSING
    if kind == "string":
        return ""
    return {"char": -(2**7), "short": -(2**15), "int": MISSING_INT, "longlong": -(2**63)}.get(kind, math.nan)


def find(name):
    """The series of a name in any case, or None."""
    return SERIES.get(name.lower())


def level1_record(row):
    """T_REC, T_REC_index and FSN of the aia.lev1 record that a record of a slotted series points to, or None.

    That series has slots of one second, and a record lies in the one nearest to its T_OBS.
    """
    if row["T_OBS"] == times.MISSING or row["FSN"] == MISSING_INT:
        return None
    slots = SERIES["aia.lev1"].slots
    index = slots.index(row["T_OBS"])
    return {"T_REC": slots.time(index), "T_REC_index": index, "FSN": row["FSN"]}
