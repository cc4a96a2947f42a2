"""AIA, as every part of the library takes it: its channels and their series, its frames, its converter."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aia_sequence.errors import ConfigError

MISSION_START = datetime(2010, 5, 13, tzinfo=UTC)  # first day of regular AIA level-1 data
SCALE = 0.6  # arcsec per pixel of level 1.5
SIDE = 4096
CENTRE = 2048.5  # CRPIX of the full disk
PLATE_SCALES = (0.59, 0.62)  # arcsec per pixel that a level-1 frame can have; 1700 A has 0.6129
SATURATION = 16383  # DN; the analogue-digital converter has 14 bits
# DN from which a level-1 pixel counts as saturated, 0.95 of that: dark current has been taken off and the flat field
# divided by, so the converter's limit lies a few per cent above or below.
SATURATED_FROM = 15564
# DN of one detected photon, by channel: table of AIA's errors, version 3.
DN_PER_PHOTON = {
    94: 1.975, 131: 1.473, 171: 1.122, 193: 0.962, 211: 0.880, 304: 0.611, 335: 0.576, 1600: 0.120, 1700: 0.113,
    4500: 0.056,
}  # fmt: skip
# DN rms of the four cameras, one per telescope: Boerner et al. (2012), Table 6.
READ_NOISE = {
    **dict.fromkeys((131, 335), 1.18),
    **dict.fromkeys((193, 211), 1.20),
    **dict.fromkeys((171, 1600, 1700, 4500), 1.15),
    **dict.fromkeys((94, 304), 1.14),
}
LEVEL1_BYTES = 8.5e6  # mean of the 2,295 image files of a real export index of 2014-01-07: 5 to 13 MB, Rice-compressed
CUTOUT_BYTES = 2 * 0.35  # per pixel of a level-1 cutout: int16, of which Rice compression leaves about a third


@dataclass(frozen=True)
class Series:
    """A level-1 series of the archive: what is to be known of it to ask for its records and to recognise its files.

    Attributes
    ----------
    name
        Series name as the archive spells it.
    step
        Seconds from one slot of T_REC to the next.
    channels
        Channels (wavelengths in angstrom) of the series, ascending.
    primekeys
        Its prime keys. A series with WAVELNTH among them has one record for each slot and channel, so `step` is its
        cadence; one with FSN has every frame that was taken, in the slot of a second that is nearest to its T_OBS.
    segments
        What the archive calls a record's image and its spikes.
    final
        Whether its frames are final; those of near real time are provisional and have QUALITY bit 30 set.
    """

    name: str
    step: int
    channels: tuple[int, ...]
    primekeys: tuple[str, str] = ("T_REC", "WAVELNTH")
    segments: Mapping[str, str] = field(default_factory=lambda: {"image": "image", "spikes": "spikes"}, hash=False)
    final: bool = True

    @property
    def by_frame(self) -> bool:
        """Whether it has a record for each frame (by FSN), and not for each slot and channel."""
        return "WAVELNTH" not in self.primekeys

    def cadence(self, channel: int) -> int:
        """Usual seconds from one frame of a channel to the next."""
        return CHANNELS[channel].step if self.by_frame else self.step


_EVERY = (94, 131, 171, 193, 211, 304, 335, 1600, 1700, 4500)
_BY_FRAME: dict[str, Any] = {
    "primekeys": ("T_REC", "FSN"),
    "segments": {"image": "image_lev1", "spikes": "spikes"},
}
SERIES = {
    series.name: series
    for series in (
        Series("aia.lev1_euv_12s", 12, _EVERY[:7]),
        Series("aia.lev1_uv_24s", 24, _EVERY[7:9]),
        Series("aia.lev1_vis_1h", 3600, _EVERY[9:]),
        Series("aia.lev1", 1, _EVERY, **_BY_FRAME),
        Series("aia.lev1_nrt2", 1, _EVERY, **_BY_FRAME, final=False),
    )
}
EUV = SERIES["aia.lev1_euv_12s"]
# The series that holds a channel at its cadence: the one that is taken where none is named.
CHANNELS = {channel: series for series in SERIES.values() if not series.by_frame for channel in series.channels}


def series_of(channel: int, name: str | None = None) -> Series:
    """Return the series that holds a channel (wavelength in angstrom): the named one, else that of its cadence.

    Raises
    ------
    ConfigError
        If AIA has no such channel, or the named series does not have it.
    """
    try:
        cadence = CHANNELS[int(channel)]
    except (KeyError, ValueError, TypeError):
        allowed = ", ".join(map(str, CHANNELS))
        raise ConfigError(f"{channel!r} is not an AIA channel; allowed are {allowed}") from None
    if name is None:
        return cadence
    if int(channel) not in SERIES[name].channels:
        has = ", ".join(map(str, SERIES[name].channels))
        raise ConfigError(f"series: {name} has no frames of {channel} Å, but of {has} Å")
    return SERIES[name]
