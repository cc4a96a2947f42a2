"""Compiled loops that draw the Sun: its surface as a map of heliographic coordinates, and the image of a detector.

Every pixel of an image is evaluated at its own place, whatever the detector's scale and roll: nothing is resampled.
All take each pixel alone, so that threads and machines agree on every bit.
"""

import numpy as np

from synthetic_jsoc.jit import compiled
from synthetic_jsoc.sun.view import COLUMNS, ROWS

FINER = 4  # pixels of the finest texture in one of the map's
_PER_RADIAN = ROWS / np.pi
_SHIFT = 3
_NODE = 1 << _SHIFT  # columns between the places at which the corona's rays are worked out
_HIDDEN = -0.03  # cosine towards the observer beyond which a surface is not worked out

# In single precision, twice as many numbers at a time: places on the Sun are right to a thousandth of a pixel.
_f = np.float32
_ZERO, _TINY, _HALF, _MOST, _ONE = _f(0), _f(1e-30), _f(0.5), _f(0.75), _f(1)
_FINER, _WHOLE, _EIGHTH = _f(FINER), np.int32(FINER), _f(1 / _NODE)
_TWO, _THREE, _FOUR, _FIVE = _f(2), _f(3), _f(4), _f(5)
_RIGHT, _STRAIGHT, _PIXELS, _POLE = _f(np.pi / 2), _f(np.pi), _f(_PER_RADIAN), _f(ROWS - 2)
# Polynomials of the arc tangent and the arc sine, to 2e-7 and 2e-8 (Abramowitz & Stegun 4.4.49 and 4.4.46).
_TAN = tuple(map(_f, (-0.3333314528, 0.1999355085, -0.1420889944, 0.1065626393, -0.0752896400, 0.0429096138,
                      -0.0161657367, 0.0028662257)))  # fmt: skip
_SIN = tuple(map(_f, (1.5707963050, -0.2145988016, 0.0889789874, -0.0501743046, 0.0308918810, -0.0170881256,
                      0.0066700901, -0.0012624911)))  # fmt: skip


@compiled
def surface(field, geometry, layers, globe, network):
    """
    Map the quiet Sun: large-scale corona and network.

    Parameters
    ----------
    field : ndarray of float32, shape (ROWS, COLUMNS)
        Written where the observer sees it; brightness, 1 on average.
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
    for row in range(ROWS):
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


@compiled(inline="always")
def _arctan2(y, x):
    """Angle of a point in radians."""
    aside, along = abs(y), abs(x)
    ratio = min(aside, along) / max(max(aside, along), _TINY)
    s, c = ratio * ratio, _TAN
    high = c[4] + s * (c[5] + s * (c[6] + s * c[7]))
    angle = ratio * (_ONE + s * (c[0] + s * (c[1] + s * (c[2] + s * (c[3] + s * high)))))
    angle = _RIGHT - angle if aside > along else angle
    angle = _STRAIGHT - angle if x < _ZERO else angle
    return -angle if y < _ZERO else angle


@compiled(inline="always")
def _smooth(field, row, column, turn):
    """Value of the quadratic B-spline over a periodic map's pixels, `turn` columns on.

    Its knots lie on the Sun's surface, nowhere near the pixels of any image.
    """
    low, left = np.floor(row + _HALF), np.floor(column + _HALF)
    t, u = row - low, column - left
    j, i = np.int32(low), np.int32(left) + turn
    row_mask, column_mask = np.int32(field.shape[0] - 1), np.int32(field.shape[1] - 1)
    a0, a1, a2 = _HALF * (_HALF - t) * (_HALF - t), _MOST - t * t, _HALF * (_HALF + t) * (_HALF + t)
    b0, b1, b2 = _HALF * (_HALF - u) * (_HALF - u), _MOST - u * u, _HALF * (_HALF + u) * (_HALF + u)
    j0, j1, j2 = np.uint32((j - 1) & row_mask), np.uint32(j & row_mask), np.uint32((j + 1) & row_mask)
    i0, i1, i2 = np.uint32((i - 1) & column_mask), np.uint32(i & column_mask), np.uint32((i + 1) & column_mask)
    return (
        a0 * (b0 * field[j0, i0] + b1 * field[j0, i1] + b2 * field[j0, i2])
        + a1 * (b0 * field[j1, i0] + b1 * field[j1, i1] + b2 * field[j1, i2])
        + a2 * (b0 * field[j2, i0] + b1 * field[j2, i1] + b2 * field[j2, i2])
    )


@compiled
def _chart(u, v, step_u, step_v, sun, squares, rows, columns):
    """Of consecutive pixels: the square of the distance to the Sun's centre in radii, and the place in the map.

    Columns of the map are counted from the central meridian.
    """
    inverse, nearness, sin_b, cos_b, soft = sun[0], sun[1], sun[2], sun[3], sun[4]
    a = _SIN
    for k in range(squares.size):
        x, y = (u + _f(k) * step_u) * inverse, (v + _f(k) * step_v) * inverse
        square = x * x + y * y
        rest = _ONE - square
        # The cosine towards the observer goes to nothing at the limb over the telescope's width, not at once.
        even = _HALF * (rest + np.sqrt(rest * rest + soft))
        # The ray leaves the line to the Sun's centre at an angle of s / distance: a point of the disc lies a little
        # nearer to its middle than it would from infinity.
        shrink = _ONE - (np.sqrt(even) + _HALF * square * nearness) * nearness
        sx, sy = x * shrink, y * shrink
        sz = np.sqrt(even + square * (_ONE - shrink * shrink))
        north = min(max(sy * cos_b + sz * sin_b, -_ONE), _ONE)
        n = abs(north)
        arc = a[0] + n * (a[1] + n * (a[2] + n * (a[3] + n * (a[4] + n * (a[5] + n * (a[6] + n * a[7]))))))
        arc = _RIGHT - np.sqrt(_ONE - n) * arc
        squares[k] = square
        rows[k] = min(max(((arc if north >= _ZERO else -arc) + _RIGHT) * _PIXELS - _HALF, _ONE), _POLE)
        columns[k] = _arctan2(sx, sz * cos_b - sy * sin_b) * _PIXELS - _HALF


@compiled(inline="always")
def _span(u, v, step_u, step_v, radius, width):
    """Columns of a detector row, first and end, that lie within a distance of the Sun's centre (pixels)."""
    a, b = step_u * step_u + step_v * step_v, u * step_u + v * step_v
    square = b * b - a * (u * u + v * v - radius * radius)
    if square <= 0:
        return width, width
    root = np.sqrt(square)
    first = min(max(int(np.ceil((-b - root) / a)), 0), width)
    return first, max(min(int(np.floor((-b + root) / a)) + 1, width), first)


@compiled(inline="always")
def _between(t, n0, n1, n2, n3):
    """Value at a part t of the way from n1 to n2, of the cubic through four (Catmull & Rom)."""
    bend = n3 - n0 + _THREE * (n1 - n2)
    return n1 + _HALF * t * (n2 - n0 + t * (_TWO * n0 - _FIVE * n1 + _FOUR * n2 - n3 + t * bend))


@compiled
def _coarse_rays(place, radius, rays, height, width):
    """The corona's rays on every eighth pixel of a detector's rows and columns, from -8 on."""
    coarse = np.zeros((height // _NODE + 4, width // _NODE + 4), np.float32)
    heights, turns = np.float64(rays.shape[0] - 3), rays.shape[1] / (2 * np.pi)
    for j in range(coarse.shape[0]):
        for k in range(coarse.shape[1]):
            row, column = (j - 1) * _NODE, (k - 1) * _NODE
            x = place[0] + column * place[2] + row * place[4]
            y = place[1] + column * place[3] + row * place[5]
            distance = np.sqrt(x * x + y * y)
            if distance > radius - 6.0 - 4 * _NODE:
                up = _f(1.0 + min(max(distance / radius - 1.0, 0.0), 0.95) * heights)
                coarse[j, k] = _smooth(rays, up, _f(_arctan2(_f(y), _f(x)) * turns), np.int32(0))
    return coarse


@compiled
def draw(scene, place, geometry, field, fine, rays, laws, per_square):
    """
    Draw disc and corona as a detector sees them.

    Parameters
    ----------
    scene : ndarray of float32, shape (n, m)
        Written, DN/s.
    place : ndarray, shape (6,)
        Pixels of the scene's grid from the Sun's centre, west and north, of detector pixel (0, 0); their steps along a
        detector row, and along a detector column.
    geometry : ndarray
        As in `surface`.
    field, fine : ndarray of float32
        Map of the surface, and tile of the finest structure, FINER pixels to one of the map.
    rays : ndarray of float32, shape (heights, angles)
        Brightness of the corona against height (0 to 1 radius) and position angle from the west, about 1.
    laws : ndarray of float32, shape (3, k)
        Brightness of the disc and of the corona (DN/s), and contrast of the finest structure, against the square of
        the distance to the Sun's centre, `per_square` entries to the square of a radius.
    """
    height, width = scene.shape
    radius = geometry[0]
    squares, rows, columns = np.empty(width, np.float32), np.empty(width, np.float32), np.empty(width, np.float32)
    nodes = np.empty(width // _NODE + 4, np.float32)
    sun = np.array([1 / radius, 1 / geometry[1], geometry[2], geometry[3], 4 / radius**2]).astype(np.float32)
    west = geometry[4] * _PER_RADIAN
    meridian = np.int32(np.floor(west))
    shift = _f(west - meridian)
    step_u, step_v = place[2], place[3]
    coarse = _coarse_rays(place, radius, rays, height, width)
    near_law, far_law, fine_law = laws[0], laws[1], laws[2]
    entries, last = _f(per_square), _f(laws.shape[1] - 2)
    for row in range(height):
        u, v = place[0] + row * place[4], place[1] + row * place[5]
        first, end = _span(u, v, step_u, step_v, radius + 6.0, width)
        count = end - first
        _chart(_f(u + first * step_u), _f(v + first * step_v), _f(step_u), _f(step_v), sun,
               squares[:count], rows[:count], columns[:count])  # fmt: skip
        line = scene[row]
        line[:first], line[end:] = _ZERO, _ZERO
        for k in range(count):
            position = squares[k] * entries
            entry = np.uint32(position)
            part = position - _f(entry)
            near = near_law[entry] + part * (near_law[entry + 1] - near_law[entry])
            contrast = fine_law[entry] + part * (fine_law[entry + 1] - fine_law[entry])
            across = columns[k] + shift
            mottles = _smooth(fine, _FINER * rows[k], _FINER * across, _WHOLE * meridian)
            line[first + k] = near * _smooth(field, rows[k], across, meridian) * (_ONE + contrast * mottles)
        j, t = row >> _SHIFT, _f(row & (_NODE - 1)) * _EIGHTH
        for k in range(nodes.size):
            nodes[k] = _between(t, coarse[j, k], coarse[j + 1, k], coarse[j + 2, k], coarse[j + 3, k])
        hole, edge = _span(u, v, step_u, step_v, radius - 6.0, width)
        su, sv = _f(step_u / radius), _f(step_v / radius)
        uu, vv = _f(u / radius), _f(v / radius)
        for start, stop in ((0, hole), (edge, width)):
            for column in range(start, stop):
                x, y = uu + _f(column) * su, vv + _f(column) * sv
                position = min((x * x + y * y) * entries, last)
                entry = np.uint32(position)
                part = position - _f(entry)
                far = far_law[entry] + part * (far_law[entry + 1] - far_law[entry])
                k, t = np.uint32(column >> _SHIFT), _f(column & (_NODE - 1)) * _EIGHTH
                line[column] += far * _between(t, nodes[k], nodes[k + 1], nodes[k + 2], nodes[k + 3])


@compiled
def dot(field, dots):
    """
    Put Gaussian dots on an image or a map: what strands, flares, filaments and spots are strung of.

    Parameters
    ----------
    field : ndarray of float32, shape (n, m)
        Changed to field + g (add + times field), where g is the Gaussian out to four standard deviations.
    dots : ndarray, shape (k, 6)
        Column and row (pixels from 0), standard deviations along them (pixels), add, and times.
    """
    rows, columns = field.shape
    across = np.empty(4096, dtype=np.float32)
    for number in range(dots.shape[0]):
        x, y, wide, tall, add, times = dots[number]
        left, right = max(int(np.ceil(x - 4 * wide)), 0), min(int(np.floor(x + 4 * wide)), columns - 1)
        low, high = max(int(np.ceil(y - 4 * tall)), 0), min(int(np.floor(y + 4 * tall)), rows - 1)
        if left > right or low > high:
            continue
        # exp(-(d + 1)**2 / 2) follows from exp(-d**2 / 2) by a factor that itself changes by a constant factor.
        scale, offset = -0.5 / (wide * wide), left - x
        value, factor, turn = np.exp(scale * offset * offset), np.exp(scale * (2 * offset + 1)), np.exp(2 * scale)
        for k in range(right - left + 1):
            across[k] = value
            value *= factor
            factor *= turn
        scale, offset = -0.5 / (tall * tall), low - y
        value, factor, turn = np.exp(scale * offset * offset), np.exp(scale * (2 * offset + 1)), np.exp(2 * scale)
        for j in range(low, high + 1):
            plus, multiple = np.float32(add * value), np.float32(times * value)
            line = field[j, left : right + 1]
            for k in range(line.size):
                line[k] += across[k] * (plus + multiple * line[k])
            value *= factor
            factor *= turn
