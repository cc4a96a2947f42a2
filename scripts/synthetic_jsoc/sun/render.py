"""Compiled loops that draw the image of a detector: disc, corona, and what is strung of dots.

Every pixel of an image is evaluated at its own place, whatever the detector's scale and roll: nothing is resampled.
All take each pixel alone, so that threads and machines agree on every bit.
"""

import numpy as np

from synthetic_jsoc.jit import compiled
from synthetic_jsoc.sun.view import ROWS

FINER = 4  # pixels of the finest texture in one of the map's
_PER_RADIAN = ROWS / np.pi
_SHIFT = 3
_NODE = 1 << _SHIFT  # columns between the places at which the corona's rays are worked out

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
def _chart(u, v, step_u, step_v, first, sun, squares, rows, columns):
    """Of consecutive pixels: the square of the distance to the Sun's centre in radii, and the place in the map.

    The first of them is so many steps on. Columns of the map are counted from the central meridian.
    """
    inverse, nearness, sin_b, cos_b, soft = sun[0], sun[1], sun[2], sun[3], sun[4]
    a = _SIN
    for k in range(squares.size):
        x, y = (u + _f(first + k) * step_u) * inverse, (v + _f(first + k) * step_v) * inverse
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
def _coarse_rays(place, radius, rays, corner, height, width):
    """The corona's rays on every eighth pixel of a detector's rows and columns, from 8 before a part of it on."""
    coarse = np.zeros((height // _NODE + 5, width // _NODE + 5), np.float32)
    top, left = corner[0] >> _SHIFT, corner[1] >> _SHIFT
    heights, turns = np.float64(rays.shape[0] - 3), rays.shape[1] / (2 * np.pi)
    for j in range(coarse.shape[0]):
        for k in range(coarse.shape[1]):
            row, column = (top + j - 1) * _NODE, (left + k - 1) * _NODE
            x = place[0] + column * place[2] + row * place[4]
            y = place[1] + column * place[3] + row * place[5]
            distance = np.sqrt(x * x + y * y)
            if distance > radius - 6.0 - 4 * _NODE:
                up = _f(1.0 + min(max(distance / radius - 1.0, 0.0), 0.95) * heights)
                coarse[j, k] = _smooth(rays, up, _f(_arctan2(_f(y), _f(x)) * turns), np.int32(0))
    return coarse


@compiled
def reach(place, corner, shape, geometry):
    """First row of the map that a part of a detector sees, and the row behind the last; arguments as in `draw`."""
    wide = shape[1]
    squares, rows, columns = np.empty(wide, np.float32), np.empty(wide, np.float32), np.empty(wide, np.float32)
    sun = _sun(geometry)
    low, high = _POLE, _ONE
    for row in range(corner[0], corner[0] + shape[0]):
        u, v = place[0] + row * place[4], place[1] + row * place[5]
        first, end = _span(u, v, place[2], place[3], geometry[0] + 6.0, corner[1] + wide)
        start = max(first, corner[1])
        count = max(end - start, 0)
        _chart(_f(u + first * place[2]), _f(v + first * place[3]), _f(place[2]), _f(place[3]), start - first, sun,
               squares[:count], rows[:count], columns[:count])  # fmt: skip
        for k in range(count):
            low, high = min(low, rows[k]), max(high, rows[k])
    return max(int(low) - 1, 0), min(int(high) + 3, ROWS)


@compiled(inline="always")
def _sun(geometry):
    """What places on the Sun follow from, in single precision."""
    radius, distance, sin_b, cos_b, _ = geometry
    return np.array([1 / radius, 1 / distance, sin_b, cos_b, 4 / radius**2]).astype(np.float32)


@compiled
def draw(scene, place, corner, width, geometry, field, fine, rays, laws, per_square):
    """
    Draw disc and corona as a detector sees them, or a part of it: to the bit what it is in the whole image.

    Parameters
    ----------
    scene : ndarray of float32, shape (n, m)
        Written, DN/s.
    place : ndarray, shape (6,)
        Pixels of the scene's grid from the Sun's centre, west and north, of detector pixel (0, 0); their steps along a
        detector row, and along a detector column.
    corner : tuple of int
        Row and column of the detector that the scene begins with.
    width : int
        Columns of the detector.
    geometry : ndarray
        As in `synthetic_jsoc.sun.surface.draw`.
    field, fine : ndarray of float32
        Map of the surface, and tile of the finest structure, FINER pixels to one of the map.
    rays : ndarray of float32, shape (heights, angles)
        Brightness of the corona against height (0 to 1 radius) and position angle from the west, about 1.
    laws : ndarray of float32, shape (3, k)
        Brightness of the disc and of the corona (DN/s), and contrast of the finest structure, against the square of
        the distance to the Sun's centre, `per_square` entries to the square of a radius.
    """
    wide = scene.shape[1]
    top, left, right = corner[0], corner[1], corner[1] + wide
    radius = geometry[0]
    squares, rows, columns = np.empty(wide, np.float32), np.empty(wide, np.float32), np.empty(wide, np.float32)
    sun = _sun(geometry)
    west = geometry[4] * _PER_RADIAN
    meridian = np.int32(np.floor(west))
    shift = _f(west - meridian)
    step_u, step_v = place[2], place[3]
    coarse = _coarse_rays(place, radius, rays, corner, scene.shape[0], wide)
    nodes = np.empty(coarse.shape[1], np.float32)
    near_law, far_law, fine_law = laws[0], laws[1], laws[2]
    entries, last = _f(per_square), _f(laws.shape[1] - 2)
    for row in range(top, top + scene.shape[0]):
        u, v = place[0] + row * place[4], place[1] + row * place[5]
        first, end = _span(u, v, step_u, step_v, radius + 6.0, width)
        start = min(max(first, left), right)
        count = max(min(end, right) - start, 0)
        _chart(_f(u + first * step_u), _f(v + first * step_v), _f(step_u), _f(step_v), start - first, sun,
               squares[:count], rows[:count], columns[:count])  # fmt: skip
        line = scene[row - top]
        disc = line[start - left : start - left + count]
        line[:] = _ZERO
        for k in range(count):
            position = squares[k] * entries
            entry = np.uint32(position)
            part = position - _f(entry)
            near = near_law[entry] + part * (near_law[entry + 1] - near_law[entry])
            contrast = fine_law[entry] + part * (fine_law[entry + 1] - fine_law[entry])
            across = columns[k] + shift
            mottles = _smooth(fine, _FINER * rows[k], _FINER * across, _WHOLE * meridian)
            disc[k] = near * _smooth(field, rows[k], across, meridian) * (_ONE + contrast * mottles)
        j, t = (row >> _SHIFT) - (top >> _SHIFT), _f(row & (_NODE - 1)) * _EIGHTH
        for k in range(nodes.size):
            nodes[k] = _between(t, coarse[j, k], coarse[j + 1, k], coarse[j + 2, k], coarse[j + 3, k])
        hole, edge = _span(u, v, step_u, step_v, radius - 6.0, width)
        su, sv = _f(step_u / radius), _f(step_v / radius)
        uu, vv = _f(u / radius), _f(v / radius)
        for start, stop in ((left, min(hole, right)), (max(edge, left), right)):
            for column in range(start, stop):
                x, y = uu + _f(column) * su, vv + _f(column) * sv
                position = min((x * x + y * y) * entries, last)
                entry = np.uint32(position)
                part = position - _f(entry)
                far = far_law[entry] + part * (far_law[entry + 1] - far_law[entry])
                k, t = np.uint32((column >> _SHIFT) - (left >> _SHIFT)), _f(column & (_NODE - 1)) * _EIGHTH
                line[column - left] += far * _between(t, nodes[k], nodes[k + 1], nodes[k + 2], nodes[k + 3])


@compiled
def dot(field, dots, top=0, left=0):
    """
    Put Gaussian dots on an image or a map: what strands, flares, filaments and spots are strung of.

    Parameters
    ----------
    field : ndarray of float32, shape (n, m)
        Changed to field + g (add + times field), where g is the Gaussian out to four standard deviations.
    dots : ndarray, shape (k, 6)
        Column and row (pixels from 0), standard deviations along them (pixels), add, and times.
    top, left : int
        Row and column of the image that the field begins with, if it is a part of one.
    """
    rows, columns = field.shape
    across = np.empty(4096, dtype=np.float32)
    for number in range(dots.shape[0]):
        x, y, wide, tall, add, times = dots[number]
        # From where it begins in the whole image, so that a part has the same bits.
        west, east = max(int(np.ceil(x - 4 * wide)), 0), min(int(np.floor(x + 4 * wide)), left + columns - 1)
        low, high = max(int(np.ceil(y - 4 * tall)), 0), min(int(np.floor(y + 4 * tall)), top + rows - 1)
        begin = max(west, left)
        if begin > east or max(low, top) > high:
            continue
        # exp(-(d + 1)**2 / 2) follows from exp(-d**2 / 2) by a factor that itself changes by a constant factor.
        scale, offset = -0.5 / (wide * wide), west - x
        value, factor, turn = np.exp(scale * offset * offset), np.exp(scale * (2 * offset + 1)), np.exp(2 * scale)
        for k in range(east - west + 1):
            across[k] = value
            value *= factor
            factor *= turn
        scale, offset = -0.5 / (tall * tall), low - y
        value, factor, turn = np.exp(scale * offset * offset), np.exp(scale * (2 * offset + 1)), np.exp(2 * scale)
        for j in range(low, high + 1):
            if j >= top:
                plus, multiple = np.float32(add * value), np.float32(times * value)
                line, weight = field[j - top, begin - left : east - left + 1], across[begin - west : east - west + 1]
                for k in range(line.size):
                    line[k] += weight[k] * (plus + multiple * line[k])
            value *= factor
            factor *= turn
