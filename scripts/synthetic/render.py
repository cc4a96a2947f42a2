"""Compiled loops that draw the Sun onto a grid of helioprojective coordinates.

The grid is that of level 1.5: rows are solar Y, 0.6 arcsec apart, the Sun's centre in the middle of the four central
pixels. All functions release the interpreter's lock, work in double precision without reassociation, and take each
pixel alone, so that threads and machines agree on every bit.
"""

import numpy as np

from aia.compiled import njit

_JIT = {"cache": True, "nogil": True, "error_model": "numpy"}


@njit(inline="always", **_JIT)
def _arctan2(y, x):
    """Angle of a point in radians, to 2e-7: an odd polynomial on the first octant (Abramowitz & Stegun 4.4.49)."""
    high, low = max(abs(x), abs(y)), min(abs(x), abs(y))
    ratio = low / max(high, 1e-30)
    s = ratio * ratio
    angle = 1.0 + s * (
        -0.3333314528
        + s
        * (
            0.1999355085
            + s
            * (
                -0.1420889944
                + s * (0.1065626393 + s * (-0.0752896400 + s * (0.0429096138 + s * (-0.0161657367 + s * 0.0028662257))))
            )
        )
    )
    angle *= ratio
    angle = 0.5 * np.pi - angle if abs(y) > abs(x) else angle
    angle = np.pi - angle if x < 0 else angle
    return -angle if y < 0 else angle


@njit(inline="always", **_JIT)
def _tile(tile, row, column):
    """Bilinear value of a periodic tile, its sides powers of two; unsigned indices need no test for negative ones."""
    mask = np.uint64(tile.shape[0] - 1)
    low, left = np.floor(row), np.floor(column)
    fr, fc = row - low, column - left
    r, c = np.uint64(np.int64(low)), np.uint64(np.int64(left))
    r0, c0, r1, c1 = r & mask, c & mask, (r + np.uint64(1)) & mask, (c + np.uint64(1)) & mask
    top = tile[r0, c0] + fc * (tile[r0, c1] - tile[r0, c0])
    bottom = tile[r1, c0] + fc * (tile[r1, c1] - tile[r1, c0])
    return top + fr * (bottom - top)


@njit(inline="always", **_JIT)
def _table(table, position):
    """Linear interpolation in a table, clamped at its ends; `position` counts entries."""
    position = min(max(position, 0.0), table.size - 1.001)
    low = np.floor(position)
    entry = np.uint64(np.int64(low))
    return table[entry] + (position - low) * (table[entry + np.uint64(1)] - table[entry])


@njit(inline="always", **_JIT)
def _globe(field, latitude, longitude):
    """Bilinear value of a map in latitude (-pi/2 to pi/2) and longitude (radians, any), a power of two columns wide."""
    rows, columns = field.shape
    row = min(max((latitude / np.pi + 0.5) * rows - 0.5, 0.0), rows - 1.001)
    column = longitude / (2 * np.pi) * columns
    low, left = np.floor(row), np.floor(column)
    fr, fc = row - low, column - left
    r, c, mask = np.uint64(np.int64(low)), np.uint64(np.int64(left)), np.uint64(columns - 1)
    r1, c0, c1 = r + np.uint64(1), c & mask, (c + np.uint64(1)) & mask
    top = field[r, c0] + fc * (field[r, c1] - field[r, c0])
    bottom = field[r1, c0] + fc * (field[r1, c1] - field[r1, c0])
    return top + fr * (bottom - top)


@njit(**_JIT)
def disc(scene, geometry, layers, globe, network, fine, law, fine_contrast):
    """
    Draw the quiet Sun's disc: limb, large-scale corona, network and finest structure.

    Parameters
    ----------
    scene : ndarray of float32, shape (n, n)
        Written where the disc is, DN/s.
    geometry : ndarray
        Apparent radius of the Sun in pixels, distance in solar radii, sine and cosine of the observer's latitude, and
        the observer's Carrington longitude (radians).
    layers : ndarray, shape (2, 3)
        Of each generation of the network: weight, age in days, and a shift in longitude (radians) that makes it its
        own.
    globe : ndarray of float32, shape (rows, columns)
        Brightness of the large-scale corona, a factor.
    network, fine : ndarray of float32
        Tiles of `synthetic.textures`.
    law : ndarray
        Brightness against mu (0 to 1), DN/s.
    fine_contrast : float
        Standard deviation of the finest structure.
    """
    size = scene.shape[0]
    centre = (size - 1) / 2
    radius, distance, sin_b, cos_b, observer_longitude = geometry
    network_scale = network.shape[0] / np.pi
    fine_scale = fine.shape[0] / (np.pi / 4)
    half_size = size // 2 + 3
    mus, norths, latitudes = np.empty(half_size), np.empty(half_size), np.empty(half_size)
    longitudes, coarse, small = np.empty(half_size), np.empty(half_size), np.empty(size)
    for row in range(size):
        y = (row - centre) / radius
        if y * y >= 1.0:
            continue
        half = np.sqrt(1.0 - y * y) * radius
        first = int(np.ceil(centre - half))
        count = int(np.floor(centre + half)) - first + 1
        # All but the limb and the finest structure is wider than two pixels: every second column is worked out.
        nodes = count // 2 + 2
        for k in range(nodes):
            x = (first + 2 * k - centre) / radius
            square = min(x * x + y * y, 1.0)
            mu = np.sqrt(1.0 - square)
            # The ray leaves the line to the Sun's centre at an angle of s / distance: a point of the disc lies a little
            # nearer to its middle than it would from infinity.
            shrink = 1.0 - (mu + 0.5 * square / distance) / distance
            sx, sy = x * shrink, y * shrink
            sz = np.sqrt(max(1.0 - sx * sx - sy * sy, 0.0))
            north = sy * cos_b + sz * sin_b
            mus[k], norths[k] = mu, north
            latitudes[k] = _arctan2(north, np.sqrt(max(1.0 - north * north, 1e-30)))
            longitudes[k] = _arctan2(sx, sz * cos_b - sy * sin_b)
        for k in range(nodes):
            latitude, longitude = latitudes[k], longitudes[k] + observer_longitude
            cosine = 1.0 - min(abs(latitude) / (0.5 * np.pi), 1.0)
            # Structure that foreshortening, or the meridians' convergence, squeezes below a pixel is averaged out.
            kept = min(mus[k] * 2.2, 1.0) * min(4.0 * cosine, 1.0)
            # Differential rotation (Snodgrass 1983) relative to the Carrington frame, radians per day.
            s2 = norths[k] * norths[k]
            shear = 0.0092212 - s2 * (0.0418181 + s2 * 0.0311890)
            at = longitude - shear * layers[0, 1] + layers[0, 2]
            big = layers[0, 0] * _tile(network, latitude * network_scale, at * network_scale)
            at = longitude - shear * layers[1, 1] + layers[1, 2]
            big += layers[1, 0] * _tile(network, latitude * network_scale, at * network_scale)
            coarse[k] = _globe(globe, latitude, longitude) * (1.0 + kept * (big - 1.0))
            mus[k] = fine_contrast * kept * kept
        for k in range(count):
            m, part = k >> 1, 0.5 * (k & 1)
            latitude = latitudes[m] + part * (latitudes[m + 1] - latitudes[m])
            longitude = longitudes[m] + part * (longitudes[m + 1] - longitudes[m]) + observer_longitude
            small[k] = _tile(fine, latitude * fine_scale, longitude * fine_scale)
        for k in range(count):
            m, part = k >> 1, 0.5 * (k & 1)
            x = (first + k - centre) / radius
            mu = np.sqrt(max(1.0 - x * x - y * y, 0.0))
            broad = coarse[m] + part * (coarse[m + 1] - coarse[m])
            amount = mus[m] + part * (mus[m + 1] - mus[m])
            scene[row, first + k] = broad * (1.0 + amount * small[k]) * _table(law, mu * (law.size - 1))


_COARSE = 4
# Tile periods in a full circle of position angle over 2 pi: whole numbers, so that the rays close.
_RAYS_NARROW = 3 / (2 * np.pi)
_RAYS_WIDE = 1 / (2 * np.pi)


@njit(**_JIT)
def corona(scene, geometry, globe, fine, law):
    """
    Draw the corona beyond the limb: rays that fade outwards, brightest over the brightest places of the limb.

    Its structure is coarse: it is worked out on every fourth pixel and interpolated.

    Parameters
    ----------
    scene : ndarray of float32, shape (n, n)
        Written outside the disc, DN/s.
    geometry, globe, fine : ndarray
        As in `disc`.
    law : ndarray
        Brightness against the height over the limb (0 to 1 radius), DN/s.
    """
    size = scene.shape[0]
    centre = (size - 1) / 2
    radius, _, sin_b, cos_b, observer_longitude = geometry
    nodes = size // _COARSE + 2
    coarse = np.empty((nodes, nodes))
    inner = (0.995 * radius - 2 * _COARSE) ** 2
    for j in range(nodes):
        v = j * _COARSE - centre
        for i in range(nodes):
            u = i * _COARSE - centre
            square = u * u + v * v
            if square < inner:
                coarse[j, i] = 0.0
                continue
            distance = np.sqrt(square)
            sx, sy = u / distance, v / distance
            height = max(distance / radius - 1.0, 0.0)
            north = sy * cos_b
            latitude = _arctan2(north, np.sqrt(max(1.0 - north * north, 1e-30)))
            longitude = _arctan2(sx, -sy * sin_b) + observer_longitude
            level = _globe(globe, latitude, longitude)
            angle = _arctan2(sy, sx)
            # Rays: long outwards, narrow along the limb; other ones are on the limb as the Sun turns.
            outwards = height * fine.shape[0] * 0.03 + observer_longitude * 40.0
            ray = _tile(fine, 40.0 + outwards, angle * fine.shape[0] * _RAYS_NARROW)
            wide = _tile(fine, 90.0 + 0.3 * outwards, angle * fine.shape[0] * _RAYS_WIDE)
            # The line of sight crosses many of them, fewer the farther out.
            streaks = 1.0 + min(0.06 + 0.7 * height, 0.20) * (0.3 * ray + 1.0 * wide)
            coarse[j, i] = (0.1 + 0.9 * level) * max(streaks, 0.1)
    for row in range(size):
        j, v = row // _COARSE, row - centre
        fy = (row - j * _COARSE) / _COARSE
        for column in range(size):
            u = column - centre
            square = u * u + v * v
            if square < radius * radius:
                continue
            i = column // _COARSE
            fx = (column - i * _COARSE) / _COARSE
            below = coarse[j, i] + fx * (coarse[j, i + 1] - coarse[j, i])
            above = coarse[j + 1, i] + fx * (coarse[j + 1, i + 1] - coarse[j + 1, i])
            height = np.sqrt(square) / radius - 1.0
            scene[row, column] = (below + fy * (above - below)) * _table(law, height * (law.size - 1))


@njit(**_JIT)
def brighten(scene, x, y, peak, axes, reach, mottle, network, offsets, texture, radius):
    """
    Add the glow of an active region: an ellipse on the surface, mottled by a texture.

    Parameters
    ----------
    scene : ndarray of float32, shape (n, n)
        Added to.
    x, y : float
        Middle, pixels.
    peak : float
        DN/s.
    axes : ndarray, shape (2, 2)
        Maps offsets in pixels to standard deviations of the ellipse.
    reach : float
        Half the side of the square that holds the ellipse, pixels.
    mottle : float
        Contrast of the mottles.
    network : ndarray of float32
        Tile.
    offsets : ndarray, shape (2,)
        Where in the tile.
    texture : float
        Tile pixels per standard deviation of the ellipse.
    radius : float
        Of the disc in pixels; beyond it the glow fades within a hundredth of it.
    """
    size = scene.shape[0]
    centre = (size - 1) / 2
    for row in range(max(int(y - reach), 0), min(int(y + reach) + 1, size)):
        for column in range(max(int(x - reach), 0), min(int(x + reach) + 1, size)):
            dx, dy = column - x, row - y
            a = axes[0, 0] * dx + axes[0, 1] * dy
            b = axes[1, 0] * dx + axes[1, 1] * dy
            square = a * a + b * b
            if square > 12.0:
                continue
            outside = np.sqrt((row - centre) ** 2 + (column - centre) ** 2) / radius - 1.0
            if outside > 0.05:
                continue
            value = peak * (np.exp(-0.5 * square) - 0.0025)
            mottles = _tile(network, b * texture + offsets[0], a * texture + offsets[1])
            value *= max(1.0 + mottle * (mottles - 1.0), 0.05)
            if outside > 0:
                value *= np.exp(-outside / 0.012)
            scene[row, column] += max(value, 0.0)


@njit(**_JIT)
def soften(scene):
    """
    Convolve with (1, 2, 1) / 4 along both axes, in place: with the spline's own width the telescope's resolution.

    Parameters
    ----------
    scene : ndarray of float32, shape (n, n)
        Replaced; the outermost pixels repeat their neighbours.
    """
    rows, columns = scene.shape
    above = scene[0].copy()
    here = scene[0].copy()
    for row in range(rows):
        below = scene[min(row + 1, rows - 1)].copy()
        for column in range(columns):
            above[column] = 0.25 * above[column] + 0.5 * here[column] + 0.25 * below[column]
        for column in range(columns):
            left, right = max(column - 1, 0), min(column + 1, columns - 1)
            scene[row, column] = 0.25 * above[left] + 0.5 * above[column] + 0.25 * above[right]
        above, here = here, below
