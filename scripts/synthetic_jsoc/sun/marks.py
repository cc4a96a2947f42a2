"""What is drawn as dots: plage, spots and filaments on the surface; loops, plumes, prominences and flares above it."""

import numpy as np

from synthetic_jsoc.sun import activity
from synthetic_jsoc.sun import flares as catalogue
from synthetic_jsoc.sun.view import CENTRE, COLUMNS, ROWS, SCALE


def on_surface(look, view, tai):
    """
    Dots on the map of the surface, which they multiply: the glow of active regions, spots, filaments.

    Returns
    -------
    ndarray, shape (n, 6)
        As `synthetic_jsoc.sun.render.dot` takes them.
    """
    found = []
    for region in activity.regions(tai):
        if view.project(region.latitude, region.longitude)[3] > -0.25:
            found += _plage(look, region) + _spots(look, region)
    if look.filament:
        for latitude, longitude, _, width in activity.filaments(activity.rotation(tai)[0]):
            found += _filament(look, view, latitude, longitude, width)
    rows = [row for dot in found for row in _wrapped(*dot)]
    return np.array(rows, dtype=float).reshape(-1, 6)


def _wrapped(latitude, longitude, size, times):
    """Rows of a dot, by place and size in degrees, on the map; twice if it lies across the map's edge."""
    row = (latitude + 90) * ROWS / 180 - 0.5
    column = (longitude % 360) * COLUMNS / 360 - 0.5
    tall = size * ROWS / 180
    wide = tall / max(np.cos(np.radians(latitude)), 0.1)
    for shift in (-COLUMNS, 0, COLUMNS):
        if -4 * wide < column + shift < COLUMNS + 4 * wide:
            yield column + shift, row, wide, tall, 0.0, times


def _plage(look, region):
    """The glow of a region: patches about the leading polarity, and more and wider ones about the trailing one."""
    if not look.glow:
        return []
    rng = np.random.default_rng([46, region.seed])
    turn = np.radians(region.tilt)
    found = []
    for number in range(24):
        side = (0.42, 0.42, -0.38, -0.38, -0.38, 0.0)[number % 6]
        spread = 0.22 if side > 0 else 0.34
        along, across = side + spread * rng.normal(), 0.8 * spread * rng.normal()
        size = region.separation * rng.uniform(0.06, 0.22) * (1.6 if side == 0 else 1.0)
        latitude = region.latitude + region.separation * (along * np.sin(turn) + across * np.cos(turn))
        longitude = region.longitude + region.separation * (along * np.cos(turn) - across * np.sin(turn)) / np.cos(
            np.radians(latitude)
        )
        found.append((latitude, longitude, size, look.glow * region.flux * rng.uniform(0.03, 0.11)))
    return found


def _spots(look, region):
    """Umbra and penumbra of the leading and the trailing spot, darkest in the photosphere."""
    depth = {"photosphere": 1.0, "chromosphere": 0.6, "corona": 0.0}[look.kind]
    found, turn = [], np.radians(region.tilt)
    for side, share in ((0.5, 1.0), (-0.5, 0.6)):
        radius = 2.2 * share * region.flux**0.5 - 0.7
        if radius <= 0 or not depth:
            continue
        latitude = region.latitude + side * region.separation * np.sin(turn)
        longitude = region.longitude + side * region.separation * np.cos(turn) / np.cos(np.radians(latitude))
        found += [
            (latitude, longitude, 0.42 * radius, -0.38 * depth),
            (latitude, longitude, 0.19 * radius, -0.75 * depth),
        ]
    return found


def _filament(look, view, latitude, longitude, width):
    """A chain of dots along a spine; each takes its share of the depth."""
    size = width / (view.radius * SCALE) * np.degrees(1)
    length = np.hypot(np.diff(latitude), np.diff(longitude) * np.cos(np.radians(latitude[1:])))
    along = np.concatenate([[0], np.cumsum(length)])
    places = np.arange(0, along[-1], 0.7 * size)
    share = (1 - look.filament) ** (0.7 / 2.507) - 1
    return [
        (lat, lon, size, share)
        for lat, lon in zip(np.interp(places, along, latitude), np.interp(places, along, longitude), strict=True)
    ]


def strands(look, view, tai):
    """
    Dots above the surface: loops of active regions and of the quiet corona, plumes, prominences.

    Returns
    -------
    ndarray, shape (n, 4)
        Column and row on the grid of level 1.5, standard deviation (pixels), and peak (DN/s).
    """
    found = [np.empty((0, 4))]
    rotation, _ = activity.rotation(tai)
    if any(look.strands):
        for region in activity.regions(tai):
            # A region that far behind the limb shows not even its highest loops.
            if view.project(region.latitude, region.longitude)[3] > -0.4:
                found.append(_strung(look, view, activity.region_strands(region), 0.4))
        # Above the chromosphere little is cool enough.
        found.append(_strung(look, view, activity.quiet_strands(rotation), 0.35 if look.coronal else 0.05))
    if look.filament and look.kind == "chromosphere" and look.height > 0.005:
        for latitude, longitude, height, _ in activity.filaments(rotation):
            found.append(_prominence(look, view, latitude, longitude, height))
    return np.concatenate(found)


def _strung(look, view, strung, share):
    latitude, longitude, radius, light, width = strung
    brightness = light @ np.array(look.strands)
    column, row, visible, _ = view.project(latitude, longitude, radius)
    # Each dot gives its share of a strand whose dots lie closer than its width.
    spacing = np.hypot(np.diff(column, append=column[-1:]), np.diff(row, append=row[-1:]))
    sigma = np.maximum(width / SCALE, 1.1)
    peak = share * brightness * np.minimum(spacing / (2.5066 * sigma), 1.0)
    shown = visible & (peak > 0.004 * look.quiet)
    return np.column_stack([column, row, sigma, peak])[shown]


def _prominence(look, view, latitude, longitude, height):
    """A filament over the limb: cool threads that hang in the corona."""
    near = view.project(latitude, longitude)[3]
    if near.min() > 0.05 or abs(near).min() >= 0.25:
        return np.empty((0, 4))
    rng = np.random.default_rng([44, int(1000 * (latitude[0] + 90))])
    along = rng.uniform(0, latitude.size - 1.001, 900)
    corner = along.astype(int)
    part = along - corner
    lat = latitude[corner] * (1 - part) + latitude[corner + 1] * part
    lon = longitude[corner] * (1 - part) + longitude[corner + 1] * part
    up = 1.004 + height * rng.beta(1.3, 1.6, 900)
    column, row, visible, _ = view.project(lat, lon, up)
    outside = np.hypot(column - CENTRE, row - CENTRE) > view.radius
    peak = look.quiet * rng.lognormal(-1.3, 0.6, 900)
    return np.column_stack([column, row, rng.uniform(1.3, 4.0, 900), peak])[visible & outside]


def flares(channel, view, tai):
    """Dots of the flares that shine at a time; as `strands`."""
    found = [np.empty((0, 4))]
    for shining in catalogue.active(tai, tai):
        brightness = shining.amplitude(channel) * float(shining.profile(channel, tai))
        if brightness > 0:
            found.append(flare(shining, view, tai) * (1, 1, 1, brightness))
    return np.concatenate(found)


def flare(shining, view, tai):
    """Dots of a flare whose brighter kernel is 1; as `strands`."""
    drift = activity.rotation_rate(shining.latitude) * (tai - shining.peak) / activity.DAY_S
    longitude = activity.flare_longitude(shining) + drift
    east, north, height, size, share = np.array(catalogue.PARTS).T
    # Over the limb what is seen of a flare is the top of its loops.
    column, row, *_ = view.project(shining.latitude + north, longitude + east, 1 + height)
    return np.column_stack([column, row, size, share])
