"""The scene: the Sun in one channel at one moment, as the instrument would see it at launch, without noise.

The scene is a cubic B-spline surface over helioprojective coordinates: its coefficients lie on the level-1.5 grid, and
whoever samples it, the detector or the truth, evaluates the same continuous function. It is band-limited by the
telescope's resolution.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from synthetic import activity, flares, marks, render, textures
from synthetic.instrument import SHAPE
from synthetic.view import CENTRE, SCALE, View

_LAW_SIZE = 2048
# Days in which the network renews itself; two generations overlap.
_NETWORK_LIFE_DAYS = 3.0


@dataclass(frozen=True)
class Look:
    """How the Sun looks in a channel.

    Attributes
    ----------
    kind : str
        Texture (see `synthetic.textures`).
    quiet : float
        Quiet Sun at disc centre, DN/s at launch.
    contrast, fine : float
        Of the network and of the finest structure.
    hole, globe : float
        Brightness left in coronal holes, and contrast of the large-scale corona.
    limb : tuple of float
        Brightening at the limb: added fraction, and how close to it; negative for darkening.
    corona, height : float
        Brightness just beyond the limb in units of the disc's just inside, and scale height in solar radii.
    glow : float
        Of active regions in units of the quiet Sun.
    strands : tuple of float
        Brightness (DN/s) of cool, warm and hot loops.
    filament : float
        Depth of filaments on the disc.
    """

    kind: str
    quiet: float
    contrast: float
    fine: float
    hole: float
    globe: float
    limb: tuple[float, float]
    corona: float
    height: float
    glow: float
    strands: tuple[float, float, float]
    filament: float


_LOOKS = {
    94: Look("corona", 0.75, 0.42, 0.16, 0.55, 0.20, (1.1, 0.30), 0.64, 0.110, 9.0, (0.6, 3.0, 16.0), 0.05),
    131: Look("corona", 4.2, 0.50, 0.20, 0.50, 0.22, (1.0, 0.22), 0.62, 0.075, 7.0, (22.0, 4.0, 20.0), 0.15),
    171: Look("corona", 150.0, 0.52, 0.22, 0.50, 0.22, (1.2, 0.20), 0.64, 0.070, 5.0, (620.0, 170.0, 8.0), 0.40),
    193: Look("corona", 165.0, 0.50, 0.19, 0.22, 0.40, (1.3, 0.26), 0.64, 0.095, 8.0, (190.0, 640.0, 130.0), 0.45),
    211: Look("corona", 62.0, 0.46, 0.17, 0.20, 0.45, (1.2, 0.28), 0.64, 0.110, 9.5, (45.0, 330.0, 120.0), 0.35),
    304: Look("chromosphere", 42.0, 0.42, 0.26, 0.80, 0.10, (0.75, 0.16), 0.45, 0.010, 6.0, (70.0, 12.0, 4.0), 0.45),
    335: Look("corona", 4.2, 0.38, 0.15, 0.35, 0.35, (1.1, 0.32), 0.64, 0.125, 12.0, (1.5, 9.0, 32.0), 0.15),
    1600: Look("chromosphere", 80.0, 0.33, 0.24, 1.0, 0.0, (-0.35, 0.45), 0.10, 0.004, 2.2, (0.0, 0.0, 0.0), 0.05),
    1700: Look("chromosphere", 820.0, 0.22, 0.16, 1.0, 0.0, (-0.48, 0.50), 0.03, 0.003, 1.1, (0.0, 0.0, 0.0), 0.0),
    4500: Look("photosphere", 12800.0, 0.006, 0.028, 1.0, 0.0, (-0.72, 0.60), 0.004, 0.002, 0.0, (0.0, 0.0, 0.0), 0.0),
}  # fmt: skip


@cache
def laws(channel):
    """Tables of brightness against mu on the disc, and against height beyond the limb, DN/s."""
    look = _LOOKS[channel]
    mu = np.linspace(0.0, 1.0, _LAW_SIZE)
    amount, width = look.limb
    if amount > 0:
        shape = 1 + amount * (1 / (mu / width + 1) - 1 / (1 / width + 1))
    else:
        shape = 1 + amount * (1 - mu ** (2 * width))
    disc = look.quiet * shape
    height = np.linspace(0.0, 1.0, _LAW_SIZE)
    fall = np.exp(-height / look.height) + 0.05 * np.exp(-height / (4 * look.height))
    # Far out the corona hides behind stray light, a few thousandths of the disc.
    corona = disc[0] * look.corona * fall / fall[0] + 0.002 * look.quiet
    return disc, corona


def _generations(tai):
    """Weight, age (days) and shift in longitude (radians) of the two generations of the network alive at a time."""
    days = tai / activity.DAY_S / _NETWORK_LIFE_DAYS
    layers = np.empty((2, 3))
    for layer in range(2):
        number = np.floor(days + layer / 2)
        phase = days + layer / 2 - number
        layers[layer] = np.sin(np.pi * phase) ** 2, (phase - 0.5) * _NETWORK_LIFE_DAYS, 2.4 * number + 1.3 * layer
    layers[:, 2] %= 2 * np.pi
    return layers


def _globe(channel, tai):
    """Large-scale brightness of the corona: holes at the poles and elsewhere, bright and faint quarters."""
    look = _LOOKS[channel]
    rotation, phase = _rotation(tai)
    ease = phase * phase * (3 - 2 * phase)
    hole, quiet = (1 - ease) * textures.globe(rotation) + ease * textures.globe(rotation + 1)
    latitude = (np.arange(textures.GLOBE_SHAPE[0]) + 0.5) / textures.GLOBE_SHAPE[0] * 180 - 90
    level = activity.activity(tai)
    # The polar holes fill the caps at minimum and vanish at maximum.
    cap = 62 + 20 * min(level, 1.0)
    depth = (np.abs(latitude)[:, None] - cap) / 6 + 0.9 * hole
    low = (hole - 1.75) / 0.25 - np.maximum(np.abs(latitude)[:, None] - 50, 0) / 5
    open_ = 1 / (1 + np.exp(-np.clip(2.2 * np.maximum(depth, low), -60, 60)))
    glow = np.exp(look.globe * quiet - look.globe**2 / 2) * (1 + (0.9 * look.globe * level))
    belt = 1 + 0.5 * look.globe * (np.exp(-((np.abs(latitude) - 20) ** 2) / 500.0) - 0.3)[:, None]
    return (glow * belt * (1 - (1 - look.hole) * open_)).astype(np.float32)


def _rotation(tai):
    """Carrington rotation number and phase, by the mean synodic period."""
    number = (tai / activity.DAY_S + 2443144.5 - 2398167.4) / 27.2752316 + 1
    return int(number), number - int(number)


def scene(channel, tai):
    """
    Coefficients of the scene's spline.

    Parameters
    ----------
    channel : int
        Angstrom.
    tai : float
        TAI seconds since 1977.

    Returns
    -------
    ndarray of float32, shape (4096, 4096)
        DN/s at launch, on the grid of level 1.5 (0.6 arcsec, the Sun's centre at pixel 2047.5 from 0).
    """
    look, view = _LOOKS[channel], View.at(tai)
    field = np.empty(SHAPE, dtype=np.float32)
    geometry = np.array([view.radius, view.distance, np.sin(view.latitude), np.cos(view.latitude), view.longitude])
    tiles = textures.network(look.kind, look.contrast), textures.fine(look.kind)
    globe, (disc_law, corona_law) = _globe(channel, tai), laws(channel)
    render.disc(field, geometry, _generations(tai), globe, *tiles, disc_law, look.fine)
    render.corona(field, geometry, globe, tiles[1], corona_law)
    for region in activity.regions(tai):
        _draw_region(field, look, view, region, tiles[0])
    if any(look.strands):
        rotation, _ = _rotation(tai)
        share = 0.35 if look.kind == "corona" else 0.05  # above the chromosphere little is cool enough
        _draw_strands(field, look, view, activity.quiet_strands(rotation), share)
    _draw_filaments(field, channel, look, view, tai)
    _draw_flares(field, channel, view, tai)
    render.soften(field)
    return field


def _draw_region(field, look, view, region, tile):
    column, row, _, near = (float(value) for value in view.project(region.latitude, region.longitude))
    if near > -0.1 and look.glow:
        # Squeezed along the way to the limb by foreshortening, which a region's height keeps from being complete.
        west, north = (column - CENTRE) / view.radius, (row - CENTRE) / view.radius
        away = np.array([west, north]) / max(np.hypot(west, north), 1e-6)
        squeeze = max(near, 0.12)
        size = view.radius * np.radians(region.separation) * np.array([1.0, 0.66])
        turn = np.radians(region.tilt)
        axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) / size[:, None]
        axes = axes @ (np.eye(2) + (1 / squeeze - 1) * np.outer(away, away))
        fade = min(max((near + 0.1) / 0.2, 0.0), 1.0)
        offsets = np.array([region.seed * 37.0 % 2048, region.seed * 91.0 % 2048])
        peak = look.glow * look.quiet * region.flux * fade * (0.35 if look.kind == "corona" else 0.5)
        texture = 0.5 * region.separation / 180 * tile.shape[0]
        mottle = 2.0 if look.kind != "corona" else 1.3
        reach = 3.5 / np.linalg.svd(axes, compute_uv=False)[-1]
        render.brighten(field, column, row, peak, axes, reach, mottle, tile, offsets, texture, view.radius)
    if look.kind != "corona" and near > 0:
        _draw_spots(field, look, view, region)
    # A region that far behind the limb shows not even its highest loops.
    if any(look.strands) and near > -0.4:
        _draw_strands(field, look, view, activity.region_strands(region), 0.4)


def _draw_spots(field, look, view, region):
    """Umbra and penumbra of the leading and the trailing spot, darkest in the photosphere."""
    depth = {"photosphere": 1.0, "chromosphere": 0.5}[look.kind]
    turn = np.radians(region.tilt)
    for side, size in ((0.5, 1.0), (-0.5, 0.6)):
        radius = 2.2 * size * region.flux**0.5 - 0.7
        if radius <= 0:
            continue
        lat = region.latitude + side * region.separation * np.sin(turn)
        lon = region.longitude + side * region.separation * np.cos(turn) / np.cos(np.radians(lat))
        column, row, _, near = (float(value) for value in view.project(lat, lon))
        if near < 0.05:
            continue
        # A spot near the limb is a line along it.
        away = np.array([CENTRE - row, column - CENTRE]) / max(np.hypot(row - CENTRE, column - CENTRE), 1e-6)
        pixels = view.radius * np.radians(radius) * 0.42
        half = away * pixels * (1 - near)
        middle = np.array([column, row])
        spine = np.array([middle - half, middle + half])
        marks.shade(field, spine, 0.38 * depth, pixels * max(near, 0.3), view.radius)
        marks.shade(field, spine, 0.75 * depth, 0.45 * pixels * max(near, 0.3), view.radius)


def _draw_strands(field, look, view, strands, share):
    latitude, longitude, radius, light, width = strands
    brightness = light @ np.array(look.strands)
    column, row, visible, _ = view.project(latitude, longitude, radius)
    shown = visible & (brightness > 0.01 * look.quiet)
    # Each dot gives its share of a strand whose dots lie closer than its width.
    spacing = np.hypot(np.diff(column, append=column[-1:]), np.diff(row, append=row[-1:]))
    sigma = np.maximum(width / SCALE, 0.8)
    peak = share * brightness * np.minimum(spacing / (2.5066 * sigma), 1.0)
    marks.splat(field, np.ascontiguousarray(np.column_stack([column, row, peak, sigma])[shown]))


def _draw_filaments(field, channel, look, view, tai):
    if not look.filament:
        return
    for latitude, longitude, height, width in activity.filaments(_rotation(tai)[0]):
        column, row, _, near = view.project(latitude, longitude, 1 + 0.4 * height)
        if near.min() > 0.05:
            spine = np.ascontiguousarray(np.column_stack([column, row]))
            marks.shade(field, spine, look.filament, width / SCALE, view.radius)
        elif channel == 304 and abs(near).min() < 0.25:
            _draw_prominence(field, look, view, latitude, longitude, height)


def _draw_prominence(field, look, view, latitude, longitude, height):
    """A filament over the limb: cool threads that hang in the corona."""
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
    points = np.column_stack([column, row, peak, rng.uniform(1.2, 4.0, 900)])
    marks.splat(field, np.ascontiguousarray(points[visible & outside]))


def flare_rate(channel, tai):
    """
    Known light curve of all flares together: their share of the scene's sum over the whole image.

    Parameters
    ----------
    channel : int
    tai : float
        TAI seconds since 1977.

    Returns
    -------
    float
        DN/s at launch, summed over pixels of 0.6 arcsec.
    """
    shining = flares.active(tai, tai)
    return float(sum(flare.amplitude(channel) * flare.profile(channel, tai) * flares.AREA for flare in shining))


def _draw_flares(field, channel, view, tai):
    for flare in flares.active(tai, tai):
        peak = flare.amplitude(channel) * float(flare.profile(channel, tai))
        if peak <= 0:
            continue
        drift = activity.rotation_rate(flare.latitude) * (tai - flare.peak) / activity.DAY_S
        longitude = activity.flare_longitude(flare) + drift
        points = np.empty((len(flares.PARTS), 4))
        for number, (east, north, height, size, share) in enumerate(flares.PARTS):
            # Over the limb what is seen of a flare is the top of its loops.
            column, row, *_ = view.project(flare.latitude + north, longitude + east, 1 + height)
            points[number] = column, row, peak * share, size
        marks.splat(field, points)
