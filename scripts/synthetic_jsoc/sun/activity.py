"""Active regions, filaments and strands: what lies where on the Sun at a time, as points in heliographic coordinates.

Everything follows from hashes of the day or the rotation in which it was born, so any moment of the mission can be
asked for. Regions follow two solar cycles in number and latitude, turn with the differential rotation, grow in days
and decay in weeks. The flares of the catalogue have their regions too.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from synthetic_jsoc import hashing
from synthetic_jsoc.sun import ephemeris, flares

DAY_S = 86400.0
_CYCLE_MAXIMA_TAI = 1.1767e9, 1.5148e9  # spring 2014, end of 2024
_CYCLE_WIDTHS_S = (0.95e8, 1.1e8)  # rise, fall
_LONGEST_LIFE_DAYS = 55
_CARRINGTON_RATE = 14.1844  # degrees per day, sidereal


@dataclass(frozen=True)
class Region:
    """An active region at one moment: degrees (Carrington), `flux` from 0 to about 1.5, `seed` names its details."""

    latitude: float
    longitude: float
    separation: float
    tilt: float
    flux: float
    seed: int


def activity(tai):
    """Level of solar activity, near 0 at minimum and 1 at maximum."""
    return sum(
        np.exp(-(((tai - peak) / _CYCLE_WIDTHS_S[int(tai > peak)]) ** 2)) * size
        for peak, size in zip(_CYCLE_MAXIMA_TAI, (0.85, 1.0), strict=True)
    )


def rotation(tai):
    """Carrington rotation number and phase, by the mean synodic period."""
    number = (tai / DAY_S + 2443144.5 - 2398167.4) / 27.2752316 + 1
    return int(number), number - int(number)


def rotation_rate(latitude):
    """Drift in longitude against the Carrington frame, degrees per day (Snodgrass & Ulrich 1990)."""
    s2 = np.sin(np.radians(latitude)) ** 2
    return 14.713 - s2 * (2.396 + 1.787 * s2) - _CARRINGTON_RATE


def regions(tai):
    """
    Active regions of the whole Sun.

    Parameters
    ----------
    tai : float
        TAI seconds since 1977.

    Returns
    -------
    list of Region
    """
    today = int(tai // DAY_S)
    found = []
    for day in range(today - _LONGEST_LIFE_DAYS, today + 1):
        for birth, latitude, longitude, life, size, seed in _born(day):
            age = (tai - birth) / DAY_S
            if 0 < age < life:
                found.append(_grown(latitude, longitude, age, life, size, seed))
    for birth, latitude, longitude, life, size, seed in _flare_regions():
        age = (tai - birth) / DAY_S
        if 0 < age < life:
            found.append(_grown(latitude, longitude, age, life, size, seed))
    return found


def _grown(latitude, longitude, age, life, size, seed):
    flux = size * min(age / 3.0, 1.0) * (1 - age / life) ** 0.6 * 1.25
    return Region(
        latitude=latitude,
        longitude=(longitude + rotation_rate(latitude) * age) % 360.0,
        separation=(2.2 + 3.4 * size) * (0.6 + 0.4 * min(age / 5.0, 1.0)) + 0.05 * age,
        tilt=float(-np.sign(latitude) * (0.35 * abs(latitude) + 12 * hashing.normal("tilt", seed))),
        flux=float(flux),
        seed=seed,
    )


@cache
def _born(day):
    """Regions that emerge on a day: (birth, latitude, longitude, life in days, size, seed)."""
    strength = activity(day * DAY_S)
    expected = 0.05 + 1.2 * strength
    phase = _cycle_phase(day * DAY_S)
    born = []
    for number in range(4):
        if hashing.uniform("emerges", day, number) >= expected / 4:
            continue
        draw = [float(hashing.uniform(name, day, number)) for name in ("size", "hemisphere", "longitude", "hour")]
        size = 0.25 + 0.95 * draw[0] ** 2
        latitude = (27 - 19 * phase + 5 * hashing.normal("latitude", day, number)) * (1 if draw[1] < 0.5 else -1)
        life = 9 + 40 * size * float(hashing.uniform("life", day, number)) ** 0.7
        seed = day * 4 + number
        born.append(((day + draw[3]) * DAY_S, float(latitude), 360 * draw[2], life, size, seed))
    return born


def _cycle_phase(tai):
    """0 when a cycle's first regions appear at high latitude, 1 when its last ones die near the equator."""
    start = _CYCLE_MAXIMA_TAI[int(tai > 1.356e9)] - 1.55e8
    return float(np.clip((tai - start) / 3.5e8, 0.0, 1.0))


@cache
def _flare_regions():
    """The regions in which the catalogue's flares happen, as `_born`; one for each region number."""
    found = {}
    for flare in flares.flares():
        birth = flare.peak - 6 * DAY_S
        longitude = (flare_longitude(flare) - 6.0 * rotation_rate(flare.latitude)) % 360.0
        size = float(min(0.75 + 0.12 * flare.size, 1.4))
        found.setdefault(flare.region, (birth, flare.latitude, longitude, 22.0, size, 10_000_000 + flare.region))
    return list(found.values())


@cache
def flare_longitude(flare):
    """Carrington longitude (degrees) of a flare at its peak."""
    place = ephemeris.observer([flare.peak])
    return float((place["CRLN_OBS"][0] - place["HGLN_OBS"][0] + flare.longitude) % 360.0)


def _local(latitude, longitude, east, north, height):
    """Latitude, longitude (degrees) and radius of points given in solar radii on the tangent plane of a place."""
    lat = latitude + np.degrees(north)
    return lat, longitude + np.degrees(east) / np.cos(np.radians(np.clip(lat, -85, 85))), 1 + height


def _arch(first, second, height, lean, part, steps):
    """Points of a loop between two footpoints on the tangent plane: (steps, 3) of east, north, up, in solar radii."""
    s = np.linspace(0.0, part, steps)[:, None]
    across = np.array([-(second - first)[1], (second - first)[0]])
    across /= max(np.hypot(*across), 1e-6)
    up = height * np.sin(np.pi * s)
    flat = first + (second - first) * (1 - np.cos(np.pi * s)) / 2 + across * up * np.tan(lean)
    return np.hstack([flat, up])


@cache
def _region_strands(seed):
    """
    The loops of a region on its tangent plane, for a separation of 1.

    Returns
    -------
    tuple of ndarray
        Points (m, 3), and per point: brightness in cool, warm and hot lines (m, 3), and the strand's width in arcsec.
    """
    rng = np.random.default_rng([41, seed])
    points, light, widths = [], [], []
    spots = np.array([[0.5, 0.0], [-0.5, 0.0]])
    for number in range(150):
        kind = number % 5
        width = rng.uniform(0.75, 1.6)
        strength = rng.lognormal(0.0, 0.65)
        if kind in (0, 1):  # the arcade between the polarities
            first = spots[0] + rng.normal(0, (0.13, 0.17))
            second = spots[1] + rng.normal(0, (0.22, 0.22))
            height, part, temperature = 0.5 * rng.uniform(0.7, 1.2), 1.0, (0.30, 0.75, 0.25)
        elif kind == 2:  # the hot core over the neutral line
            middle = rng.normal(0, (0.14, 0.22))
            half = np.array([rng.uniform(0.08, 0.28), rng.normal(0, 0.08)])
            first, second = middle + half, middle - half
            height, part, temperature = rng.uniform(0.1, 0.26), 1.0, (0.12, 0.5, 1.0)
            width *= 1.5
        else:  # fans: the lower parts of long loops that leave the spots outwards
            side = rng.integers(2)
            first = spots[side] + rng.normal(0, 0.12, 2)
            angle = rng.normal(0, 0.75) + (0 if side == 0 else np.pi)
            length = rng.uniform(1.2, 3.2)
            second = first + length * np.array([np.cos(angle), np.sin(angle)])
            height, part, temperature = 0.4 * length, rng.uniform(0.16, 0.5), (1.0, 0.45, 0.04)
        steps = int(40 + 110 * np.hypot(*(second - first)) * part)
        arch = _arch(first, second, height, np.radians(rng.normal(0, 22)), part, steps)
        fade = np.clip((1 - np.linspace(0, 1, steps)) * 4, 0, 1) if part < 1 else np.ones(steps)
        points.append(arch)
        light.append(strength * fade[:, None] * np.array(temperature))
        widths.append(np.full(steps, width))
    return np.concatenate(points), np.concatenate(light), np.concatenate(widths)


def region_strands(region):
    """
    The loops of an active region.

    Parameters
    ----------
    region : Region

    Returns
    -------
    tuple of ndarray
        Latitude, longitude (degrees) and radius (solar radii) of points, their brightness in cool, warm and hot lines
        (m, 3), and their strand's width (arcsec).
    """
    points, light, widths = _region_strands(region.seed)
    scale = np.radians(region.separation)
    turn = np.radians(region.tilt)
    east = scale * (points[:, 0] * np.cos(turn) - points[:, 1] * np.sin(turn))
    north = scale * (points[:, 0] * np.sin(turn) + points[:, 1] * np.cos(turn))
    height = scale * points[:, 2]
    place = _local(region.latitude, region.longitude, east, north, height)
    # Plasma of 1, 1.7 and 4 million kelvin thins out with these heights (solar radii).
    thinning = np.exp(-height[:, None] / np.array([0.067, 0.115, 0.27]))
    return *place, light * thinning * region.flux, widths


@cache
def quiet_strands(rotation):
    """
    Loops of the quiet corona and plumes over the poles in one solar rotation, in the form of `region_strands`.

    Parameters
    ----------
    rotation : int
        Carrington rotation number.
    """
    rng = np.random.default_rng([42, rotation])
    parts = []
    for _ in range(900):
        latitude, longitude = np.degrees(np.arcsin(rng.uniform(-0.83, 0.83))), rng.uniform(0, 360)
        half = np.radians(rng.lognormal(np.log(1.1), 0.55)) * np.array([np.cos(a := rng.uniform(0, np.pi)), np.sin(a)])
        length = 2 * np.hypot(*half)
        steps = int(20 + 620 * length)
        arch = _arch(half, -half, length * rng.uniform(0.3, 0.6), np.radians(rng.normal(0, 25)), 1.0, steps)
        light = rng.lognormal(-0.9, 0.6) * np.array([0.65, 0.6, 0.03]) * np.ones((steps, 1))
        light *= np.exp(-arch[:, 2:3] / np.array([0.067, 0.115, 0.27]))
        parts.append((*_local(latitude, longitude, *arch.T), light, np.full(steps, rng.uniform(1.0, 2.6))))
    for _ in range(260):
        polar = np.degrees(np.arccos(1 - rng.uniform(0, 0.11)))
        latitude, longitude = (90 - polar) * rng.choice((-1, 1)), rng.uniform(0, 360)
        height = np.linspace(0.0, rng.uniform(0.10, 0.28), 36)
        lat = latitude - np.sign(latitude) * height * polar * 1.1  # plumes lean away from the pole
        light = rng.lognormal(-1.6, 0.5) * np.exp(-height / 0.09)[:, None] * np.array([1.0, 0.22, 0.0])
        parts.append(
            (lat, np.full(36, longitude), 1 + height, light, np.full(36, rng.uniform(2.0, 4.5)) * (1 + 2 * height))
        )
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))


@cache
def filaments(rotation):
    """
    Spines of the quiescent filaments in one solar rotation.

    Parameters
    ----------
    rotation : int
        Carrington rotation number.

    Returns
    -------
    list of tuple
        Latitudes and longitudes (degrees) of a spine's corners, height (solar radii), and width (arcsec).
    """
    rng = np.random.default_rng([43, rotation])
    found = []
    for _ in range(13):
        latitude = rng.choice((-1, 1)) * rng.uniform(18, 58)
        longitude, length = rng.uniform(0, 360), rng.uniform(7, 24)
        s = np.linspace(-0.5, 0.5, 14)
        lean = -np.sign(latitude) * rng.uniform(0.1, 0.8)
        bend = rng.normal(0, 2.5, 2)
        lat = latitude + lean * length * s + bend[0] * s**2 * 4 + bend[1] * np.sin(5 * s) + rng.normal(0, 0.25, 14)
        lon = longitude + length * s / np.cos(np.radians(latitude))
        found.append((lat, lon, float(rng.uniform(0.015, 0.045)), float(rng.uniform(4.0, 9.0))))
    return found
