"""The scene as a function of the place in the sky: what an image or its calibration is judged by.

It is worked out point by point in double precision from the scene's own laws, maps and dots, without the loops that
draw images.
"""

import numpy as np

from synthetic_jsoc.sun import looks, render
from synthetic_jsoc.sun.view import CENTRE, SCALE


def brightness(scene, x, y):
    """
    Brightness of the Sun at places in the sky, without noise, at launch.

    Parameters
    ----------
    scene : synthetic_jsoc.sun.scene.Scene
    x, y : array-like
        Helioprojective longitude and latitude, arcsec.

    Returns
    -------
    ndarray
        DN/s per pixel of 0.6 arcsec.
    """
    x, y = np.broadcast_arrays(np.asarray(x, dtype=float), np.asarray(y, dtype=float))
    column, row = CENTRE + x.ravel() / SCALE, CENTRE + y.ravel() / SCALE
    return (_quiet(scene, column, row) + _dots(scene.dots, column, row)).reshape(x.shape)


def _quiet(scene, column, row):
    view = scene.view
    u, v = (column - CENTRE) / view.radius, (row - CENTRE) / view.radius
    square = u**2 + v**2
    disc, corona, contrast = looks.laws(scene.channel, view.radius, square)
    rest = 1 - square
    even = 0.5 * (rest + np.sqrt(rest**2 + 4 / view.radius**2))
    shrink = 1 - (np.sqrt(even) + 0.5 * square / view.distance) / view.distance
    west, up = u * shrink, v * shrink
    near = np.sqrt(even + square * (1 - shrink**2))
    sin_b, cos_b = np.sin(view.latitude), np.cos(view.latitude)
    latitude = np.arcsin(np.clip(up * cos_b + near * sin_b, -1, 1))
    longitude = np.arctan2(west, near * cos_b - up * sin_b) + view.longitude
    at = (latitude + np.pi / 2) * render.ROWS / np.pi - 0.5, longitude * render.ROWS / np.pi - 0.5
    surface = _spline(scene.surface, np.clip(at[0], 1, render.ROWS - 2), at[1])
    mottles = _spline(scene.fine, render.FINER * at[0], render.FINER * at[1])
    height = np.clip(np.sqrt(square) - 1, 0, 0.95)
    heights, angles = scene.rays.shape
    rays = _spline(scene.rays, 1 + height * (heights - 3), np.arctan2(v, u) * angles / (2 * np.pi))
    return disc * surface * (1 + contrast * mottles) + corona * rays


def _spline(field, row, column):
    """Quadratic B-spline over a periodic map."""
    total = np.zeros(np.shape(row))
    low, left = np.floor(row + 0.5).astype(int), np.floor(column + 0.5).astype(int)
    for j, a in zip((-1, 0, 1), _weights(row - low), strict=True):
        for i, b in zip((-1, 0, 1), _weights(column - left), strict=True):
            total += a * b * field[(low + j) % field.shape[0], (left + i) % field.shape[1]]
    return total


def _weights(t):
    return 0.5 * (0.5 - t) ** 2, 0.75 - t**2, 0.5 * (0.5 + t) ** 2


def _dots(dots, column, row):
    """Sum of the Gaussian dots, each out to four standard deviations along rows and columns."""
    from scipy.spatial import cKDTree

    tree = cKDTree(np.column_stack([column, row]))
    total = np.zeros(column.size)
    for (x, y, size, peak), near in zip(
        dots, tree.query_ball_point(dots[:, :2], 4 * dots[:, 2], p=np.inf), strict=True
    ):
        if near:
            square = (column[near] - x) ** 2 + (row[near] - y) ** 2
            total[near] += peak * np.exp(-0.5 * square / size**2)
    return total
