"""Slits: lines on the image along which brightness is followed in time, as the configuration describes them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from math import cos, hypot, radians, sin
from numbers import Integral
from typing import Any

from aia_sequence.config.ephemeris import apparent_radius
from aia_sequence.config.region import FRAME
from aia_sequence.errors import ConfigError
from aia_sequence.instrument import SCALE
from aia_sequence.times import iso, read_time

WIDEST = 1000  # places across a slit
ARC = ("centre", "radius", "angles")
WIDTH = 5


@dataclass(frozen=True)
class Slit:
    """A line along which brightness is taken, in helioprojective arcsec: straight from point to point, or an arc.

    Attributes
    ----------
    name
        Of the slit and of its files.
    points
        Two or more points (x, y) that it joins.
    centre, radius, angles
        Or those of an arc: where it begins and ends in degrees, counter-clockwise from the west.
    width
        Places across it, a pixel of 0.6 arcsec apart, of which the mean is taken.
    at
        Time (ISO, UTC) for which it is given; from there it turns with the Sun's surface. Without it, it stays where
        it is in the image.

    Raises
    ------
    ConfigError
        If it is neither or both, has no length, or lies off the detector or, where it turns, off the disc.
    """

    name: str = "slit"
    points: tuple[tuple[float, float], ...] = ()
    centre: tuple[float, float] | None = None
    radius: float = 0.0
    angles: tuple[float, float] = field(default=(0.0, 0.0))
    width: int = WIDTH
    at: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", tuple(map(tuple, self.points)))
        for name in ("centre", "angles"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, tuple(getattr(self, name)))
        if self.at is not None:
            try:
                object.__setattr__(self, "at", iso(read_time(self.at)))
            except ValueError as error:
                raise ConfigError(f"at: {error}") from None
        self._check()

    @classmethod
    def of(cls, name: str, options: Mapping[str, Any]) -> "Slit":
        """Take an entry of `slits:`.

        Raises
        ------
        ConfigError
            For an unknown key, or what cannot be a slit.
        """
        known = [item.name for item in fields(cls) if item.name != "name"]
        if unknown := sorted(set(options) - set(known)):
            raise ConfigError(f"{unknown[0]}: no such option; there are {', '.join(known)}")
        given = [key for key in ARC if key in options]
        if "points" in options and given:
            raise ConfigError(f"points and {', '.join(given)} exclude each other")
        if "points" not in options and len(given) < len(ARC):
            raise ConfigError("it needs either points, or the centre, radius and angles of an arc")
        width: Any = options.get("width", WIDTH)
        if isinstance(width, bool) or not isinstance(width, Integral) or not 1 <= int(width) <= WIDEST:
            raise ConfigError(f"width: {width!r} is not allowed; allowed are whole numbers from 1 to {WIDEST}")
        try:
            return cls(name, **options)
        except ConfigError:
            raise
        except (TypeError, ValueError):
            raise ConfigError("points and centre are pairs of numbers, angles two and radius one") from None

    @property
    def length(self) -> float:
        """Length in the plane of the sky, arcsec."""
        if self.centre:
            return self.radius * abs(radians(self.angles[1] - self.angles[0]))
        return sum(hypot(x - u, y - v) for (x, y), (u, v) in zip(self.points, self.points[1:], strict=False))

    @property
    def corners(self) -> Iterator[tuple[float, float]]:
        """Its points; of an arc one each degree or less."""
        if not self.centre:
            yield from self.points
            return
        begin, end = self.angles
        steps = max(1, round(abs(end - begin)))
        for step in range(steps + 1):
            angle = radians(begin + (end - begin) * step / steps)
            yield self.centre[0] + self.radius * cos(angle), self.centre[1] + self.radius * sin(angle)

    @property
    def words(self) -> str:
        """What it is, for captions and headers."""
        if self.centre:
            text = (
                f"arc about ({self.centre[0]:g}, {self.centre[1]:g}) arcsec with a radius of {self.radius:g} arcsec, "
            )
            text += f"from {self.angles[0]:g} to {self.angles[1]:g} degrees"
        else:
            text = " to ".join(f"({x:g}, {y:g})" for x, y in self.points) + " arcsec"
        turns = f", as seen at {self.at}, turning with the Sun's surface" if self.at else ""
        return f"{text}{turns}; {self.width} pixel{'s' if self.width > 1 else ''} wide"

    def _check(self) -> None:
        if self.length < SCALE:
            raise ConfigError(f"it is {self.length:.2g} arcsec long, less than a pixel of {SCALE:g}")
        for x, y in self.corners:
            if max(abs(x), abs(y)) > FRAME:
                raise ConfigError(f"({x:g}, {y:g}) lies off the detector, which sees {-FRAME:g} to {FRAME:g} arcsec")
            if self.at and hypot(x, y) > (limb := apparent_radius(read_time(self.at))):
                raise ConfigError(
                    f"({x:g}, {y:g}) lies beyond the limb, {limb:.0f} arcsec from the disc centre at {self.at}; a slit "
                    "that turns with the surface lies on the disc: leave out `at`, and it stays in its place"
                )


def slits_of(options: Mapping[str, Any]) -> dict[str, Slit]:
    """The slits of an event's options, by name."""
    return {name: Slit.of(name, given) for name, given in (options.get("slits") or {}).items()}


def slit_problems(options: Mapping[str, Any]) -> list[str]:
    """What is wrong with the slits of an event, a line each."""
    problems = []
    for name, given in (options.get("slits") or {}).items():
        try:
            Slit.of(name, given)
        except ConfigError as error:
            problems.append(f"slits.{name}: {error}")
    return problems
