"""The compiled loop that maps the Sun's surface: brightness in heliographic coordinates."""

import numpy as np

from synthetic_jsoc.jit import compiled
from synthetic_jsoc.sun.view import COLUMNS, ROWS

_PER_RADIAN = ROWS / np.pi
_HIDDEN = -0.03  # cosine towards the observer beyond which a surface is not worked out


@compiled
def draw(field, rows, geometry, layers, globe, network):
    """
    Map the quiet Sun: large-scale corona and network.

    Parameters
    ----------
    field : ndarray of float32, shape (ROWS, COLUMNS)
        Written where the observer sees it; brightness, 1 on average.
    rows : tuple of int
        First row that is wanted, and the row behind the last.
    geometry : ndarray
        Apparent radius of the Sun in pixels, distance in solar radii, sine and cosine of the observer's latitude, and
        the observer's Carrington longitude (radians).
    layers : ndarray, shape (2, 3)
        Of each generation of the network: weight, age in days, and a shift in longitude (radians) that makes it its
        own.
    globe : ndarray of float32, shape (rows, columns)
        Brightness of the large-scale corona.
    network : ndarray of float32, shape (ROWS, ROWS)
        Periodic tile of `synthetic_jsoc.sun.textures`, of mean 1.
    """
    _, _, sin_b, cos_b, observer = geometry
    mask, tile_mask = COLUMNS - 1, network.shape[1] - 1
    middle = int(np.floor(observer * _PER_RADIAN))
    cosines = np.empty(COLUMNS)
    for k in range(COLUMNS):
        cosines[k] = np.cos((middle - COLUMNS // 2 + k + 0.5) / _PER_RADIAN - observer)
    broad = np.empty(globe.shape[1] + 1)
    step = COLUMNS // globe.shape[1]
    for row in range(rows[0], rows[1]):
        latitude = (row + 0.5) / _PER_RADIAN - 0.5 * np.pi
        sine, cosine = np.sin(latitude), np.cos(latitude)
        south = min(max((row + 0.5) * globe.shape[0] / ROWS - 0.5, 0.0), globe.shape[0] - 1.001)
        low = int(south)
        for k in range(globe.shape[1]):
            broad[k] = globe[low, k] + (south - low) * (globe[low + 1, k] - globe[low, k])
        broad[-1] = broad[0]
        # Differential rotation (Snodgrass & Ulrich 1990) relative to the Carrington frame, radians per day.
        shear = 0.0092212 - sine * sine * (0.0418181 + sine * sine * 0.0311890)
        first = (layers[0, 2] - shear * layers[0, 1]) * _PER_RADIAN
        second = (layers[1, 2] - shear * layers[1, 1]) * _PER_RADIAN
        i0, i1 = int(np.floor(first)), int(np.floor(second))
        f0, f1 = first - i0, second - i1
        a0, a1 = layers[0, 0] * (1.0 - f0), layers[0, 0] * f0
        b0, b1 = layers[1, 0] * (1.0 - f1), layers[1, 0] * f1
        polar = min(4.0 * (1.0 - abs(latitude) / (0.5 * np.pi)), 1.0)
        for k in range(COLUMNS):
            mu = sine * sin_b + cosine * cos_b * cosines[k]
            if mu < _HIDDEN:
                continue
            column = (middle - COLUMNS // 2 + k) & mask
            p, q = column + i0, column + i1
            mottles = (
                a0 * network[row, p & tile_mask]
                + a1 * network[row, (p + 1) & tile_mask]
                + b0 * network[row, q & tile_mask]
                + b1 * network[row, (q + 1) & tile_mask]
            )
            # Structure that foreshortening, or the meridians' convergence, squeezes below a pixel is averaged out.
            kept = min(max(2.4 * (mu - 0.08), 0.0), 1.0) * polar
            west = column // step
            level = broad[west] + (column - west * step) * (broad[west + 1] - broad[west]) / step
            field[row, column] = level * (1.0 + kept * (mottles - 1.0))
