"""Options of the figures of an event, with their defaults: the `figure:` section of the configuration."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from aia_sequence.errors import ConfigError
from aia_sequence.times import duration, iso, read_time

STRETCHES = ("asinh", "log", "power")
SELECTIONS = ("even", "peak")
SIZES = ("one-column", "two-columns")
DIFFERENCES = {"running": "running difference", "base": "base difference", "ratio": "base ratio"}


@dataclass(frozen=True)
class FigureOptions:
    """Validated options; the meaning of each is described in ``config/config.schema.yaml``.

    Raises
    ------
    ConfigError
        For a value that is not allowed, or limits in the wrong order.
    """

    panels: int | str = 30
    select: str = "even"
    size: str = "two-columns"
    dpi: int = 300
    stretch: str = "asinh"
    power: float = 0.5
    percentiles: tuple[float, float] = (0.5, 99.9)
    limits: tuple[float, float] | None = None
    limb: bool = True
    grid: float | None = None
    marks: Mapping[str, str] = field(default_factory=dict)
    difference: tuple[str, ...] = ()
    lag: str | int | None = None
    base: str | None = None
    rgb: tuple[int, int, int] | None = None
    fps: int = 8
    gif: bool = False
    viewer_mb: float = 32

    def __post_init__(self) -> None:
        for name in ("percentiles", "limits", "rgb", "difference"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, tuple(value))
        _one_of("stretch", self.stretch, STRETCHES)
        _one_of("select", self.select, SELECTIONS)
        _one_of("size", self.size, SIZES)
        for kind in self.difference:
            _one_of("difference", kind, tuple(DIFFERENCES))
        if self.panels != "all" and (not isinstance(self.panels, int) or self.panels < 1):
            raise ConfigError(f"figure.panels: {self.panels!r} is neither `all` nor a positive whole number")
        low, high = self.percentiles
        if not 0 <= low < high <= 100:
            raise ConfigError(f"figure.percentiles: [{low}, {high}] must rise and lie between 0 and 100")
        if self.limits is not None and not self.limits[0] < self.limits[1]:
            raise ConfigError(f"figure.limits: {list(self.limits)} (DN/s) must rise")
        object.__setattr__(self, "marks", {label: _utc(f"marks.{label}", time) for label, time in self.marks.items()})
        if self.base is not None:
            object.__setattr__(self, "base", _utc("base", self.base))
        if self.lag is not None:
            object.__setattr__(self, "lag", _seconds("lag", self.lag))

    @classmethod
    def of(cls, section: Mapping[str, Any] | None) -> "FigureOptions":
        """Take a `figure:` section of the configuration; what it does not mention has its default.

        Raises
        ------
        ConfigError
            For an unknown key or a value that is not allowed.
        """
        section = dict(section or {})
        known = {item.name for item in fields(cls)}
        if unknown := sorted(set(section) - known):
            raise ConfigError(f"figure.{unknown[0]}: no such option; there are {', '.join(sorted(known))}")
        return cls(**section)


def check_figure(section: Mapping[str, Any] | None, channels: Collection[int]) -> None:
    """Make sure that the figures of an event with these channels can be drawn as a `figure:` section asks.

    Raises
    ------
    ConfigError
        For an unknown key, a value that is not allowed, or a composite of a channel that the event does not have.
    """
    if missing := sorted(set(FigureOptions.of(section).rgb or ()) - set(channels)):
        have = ", ".join(map(str, sorted(channels)))
        raise ConfigError(f"figure.rgb: {missing[0]} is not among the channels of the event, which are {have}")


def _seconds(name: str, text: str | int) -> int:
    """A length of time in seconds, which is not zero."""
    try:
        seconds = round(duration(text).total_seconds())
    except ValueError as error:
        raise ConfigError(f"figure.{name}: {error}") from None
    if seconds < 1:
        raise ConfigError(f"figure.{name}: {text!r} must be longer than nothing")
    return seconds


def _utc(name: str, text: str) -> str:
    """Write a time as the archive does, in UTC with Z; without a zone it is meant in UTC."""
    try:
        return iso(read_time(text))
    except ValueError as error:
        raise ConfigError(f"figure.{name}: {error}") from None


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ConfigError(f"figure.{name}: {value!r} is not one of {', '.join(allowed)}")
