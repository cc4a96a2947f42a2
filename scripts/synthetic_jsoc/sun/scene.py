"""The scene: the Sun in one channel at one moment, as the instrument would see it at launch, without noise.

It is a function of the place in the sky, made of smooth laws across the disc, of textures that lie on the turning
surface, and of Gaussian dots, all of them as wide as the telescope blurs or wider. Whoever needs it, the detector or
the truth, evaluates it at the places of its own pixels.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from synthetic_jsoc.instrument import SHAPE
from synthetic_jsoc.sun import activity, flares, looks, marks, render, surface, textures
from synthetic_jsoc.sun.looks import LOOKS
from synthetic_jsoc.sun.view import CENTRE, COLUMNS, ROWS, View

# Days in which the network renews itself; two generations overlap.
_NETWORK_LIFE_DAYS = 3.0
_PER_SQUARE = 12500.0  # entries of the laws' table to the square of a solar radius: a sixteenth of a pixel at the limb
_FARTHEST = 3.7  # square of the distance of the image's corners
_HEIGHTS = 64
_POLAR_MEAN = 63  # position angles, about 11 degrees


@dataclass(frozen=True)
class Scene:
    """The Sun in a channel at a time.

    Attributes
    ----------
    channel : int
        Angstrom.
    tai : float
        TAI seconds since 1977.
    """

    channel: int
    tai: float

    @cached_property
    def look(self):
        """How the channel shows the Sun."""
        return LOOKS[self.channel]

    @cached_property
    def view(self):
        """Where the observer is."""
        return View.at(self.tai)

    @cached_property
    def geometry(self):
        """The view as `synthetic_jsoc.sun.render` takes it."""
        view = self.view
        return np.array([view.radius, view.distance, np.sin(view.latitude), np.cos(view.latitude), view.longitude])

    @cached_property
    def surface(self):
        """Map of the visible surface: brightness in units of the quiet Sun's; ndarray of float32."""
        return self._mapped(0, ROWS)

    def _mapped(self, first, end):
        """Map of the surface, drawn from a row on to another."""
        field = np.zeros((ROWS, COLUMNS), dtype=np.float32)
        tile = textures.network(self.look.kind, self.look.contrast)
        surface.draw(field, (first, end), self.geometry, _generations(self.tai), self._globe, tile)
        render.dot(field[first:end], marks.on_surface(self.look, self.view, self.tai), first)
        return field

    @cached_property
    def fine(self):
        """Tile of the finest structure."""
        return textures.fine(self.look.kind)

    @cached_property
    def _globe(self):
        return _globe(self.look, self.tai)

    @cached_property
    def rays(self):
        """Brightness of the corona against height and position angle; ndarray of float32."""
        return _rays(self._globe, self.view)

    @cached_property
    def laws(self):
        """Table of `synthetic_jsoc.sun.looks.laws`."""
        square = np.arange(int(_FARTHEST * _PER_SQUARE)) / _PER_SQUARE
        return looks.laws(self.channel, self.view.radius, square).astype(np.float32)

    @cached_property
    def dots(self):
        """Strands, prominences and flares: column and row on the grid of level 1.5, width (pixels), peak (DN/s)."""
        return np.concatenate(
            [marks.strands(self.look, self.view, self.tai), marks.flares(self.channel, self.view, self.tai)]
        )

    def on(self, place, shape=SHAPE, part=None):
        """
        The scene at a detector's pixels.

        Parameters
        ----------
        place : array-like, shape (6,)
            Column and row, on the grid of level 1.5 (0.6 arcsec, the Sun's centre at 2047.5 from 0), of detector pixel
            (0, 0), their steps along a detector row, and along a detector column: a similarity.
        shape : tuple of int
            Rows and columns of the detector.
        part : tuple of slice, optional
            Rows and columns that are wanted: to the bit what they are in the whole image, in less time.

        Returns
        -------
        ndarray of float32
            DN/s.
        """
        place = np.asarray(place, dtype=float) - [CENTRE, CENTRE, 0, 0, 0, 0]
        rows, columns = part or map(slice, (0, 0), shape)
        corner, size = (rows.start, columns.start), (rows.stop - rows.start, columns.stop - columns.start)
        image = np.empty(size, dtype=np.float32)
        field = self._mapped(*render.reach(place, corner, size, self.geometry)) if part else self.surface
        render.draw(
            image, place, corner, shape[1], self.geometry, field, self.fine, self.rays, self.laws, _PER_SQUARE
        )  # fmt: skip
        column, row, width, peak = self.dots.T
        steps = place[2:].reshape(2, 2).T
        scale = np.sqrt(abs(np.linalg.det(steps)))
        at = np.linalg.solve(steps, np.stack([column, row]) - CENTRE - place[:2, None])
        render.dot(image, np.column_stack([*at, width / scale, width / scale, peak, 0 * peak]), *corner)
        return image


def truth(channel, tai):
    """
    Scene that calibration must recover.

    Parameters
    ----------
    channel : int
    tai : float
        TAI seconds since 1977.

    Returns
    -------
    ndarray of float32, shape (4096, 4096)
        DN/s, noise-free and undegraded, on the level-1.5 grid: 0.6 arcsec per pixel, Sun centre at pixel 2048.5 (FITS).
    """
    return Scene(channel, tai).on([0, 0, 1, 0, 0, 1])


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


def _globe(look, tai):
    """Large-scale brightness of the corona: holes at the poles and elsewhere, bright and faint quarters."""
    rotation, phase = activity.rotation(tai)
    ease = phase * phase * (3 - 2 * phase)
    hole, quiet = (1 - ease) * textures.globe(rotation) + ease * textures.globe(rotation + 1)
    latitude = (np.arange(textures.GLOBE_SHAPE[0]) + 0.5) / textures.GLOBE_SHAPE[0] * 180 - 90
    level = activity.activity(tai)
    # The polar holes fill the caps at minimum and vanish at maximum.
    cap = 62 + 28 * min(level, 1.0)
    depth = (np.abs(latitude)[:, None] - cap) / 6 + 0.9 * hole
    low = (hole - 1.75) / 0.25 - np.maximum(np.abs(latitude)[:, None] - 50, 0) / 5
    open_ = 1 / (1 + np.exp(-np.clip(2.2 * np.maximum(depth, low), -60, 60)))
    glow = np.exp(look.globe * quiet - look.globe**2 / 2) * (1 + look.growth * level)
    belt = 1 + 0.5 * look.globe * (np.exp(-((np.abs(latitude) - 20) ** 2) / 500.0) - 0.3)[:, None]
    field = glow * belt * (1 - (1 - look.hole) * open_)
    # Towards a pole meridians meet, and so do the brightnesses along them.
    polar = np.clip((np.abs(latitude)[:, None] - 64) / 20, 0, 1)
    return (field + polar * (field.mean(axis=1, keepdims=True) - field)).astype(np.float32)


def _rays(globe, view):
    """Rays of the corona: brightest over the brightest places of the limb, others as the Sun turns."""
    angles = np.arange(textures.RAYS_SHAPE[1]) * 2 * np.pi / textures.RAYS_SHAPE[1]
    north = np.sin(angles) * np.cos(view.latitude)
    latitude = np.arcsin(north)
    longitude = np.arctan2(np.cos(angles), -np.sin(angles) * np.sin(view.latitude)) + view.longitude
    row = np.clip((latitude / np.pi + 0.5) * globe.shape[0] - 0.5, 0, globe.shape[0] - 1.001)
    column = longitude / (2 * np.pi) * globe.shape[1]
    low, left = np.floor(row).astype(int), np.floor(column).astype(int)
    fr, fc = row - low, column - left
    left, right = left % globe.shape[1], (left + 1) % globe.shape[1]
    level = (1 - fr) * ((1 - fc) * globe[low, left] + fc * globe[low, right]) + fr * (
        (1 - fc) * globe[low + 1, left] + fc * globe[low + 1, right]
    )
    # At the poles longitudes turn about within a degree of position angle: what is seen there is the mean of them.
    window = np.hanning(_POLAR_MEAN + 2)[1:-1]
    ring = np.concatenate([level[-(_POLAR_MEAN // 2) :], level, level[: _POLAR_MEAN // 2]])
    level = np.convolve(ring, window / window.sum(), "valid")
    tile = textures.rays()
    turned = view.longitude / (2 * np.pi) * tile.shape[0]
    low = int(turned)
    streaks = (1 - turned + low) * tile[low % tile.shape[0]] + (turned - low) * tile[(low + 1) % tile.shape[0]]
    height = ((np.arange(_HEIGHTS) - 1) / (_HEIGHTS - 3))[:, None]
    rays = 1 + np.minimum(0.05 + 0.5 * height, 0.16) * streaks
    return ((0.1 + 0.9 * level) * np.maximum(rays, 0.1)).astype(np.float32)
