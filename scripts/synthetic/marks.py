"""Compiled loops that put single things on the Sun: the dots that strands and flares are strung of, and dark lines."""

import numpy as np

from aia.compiled import njit

_JIT = {"cache": True, "nogil": True, "error_model": "numpy"}


@njit(**_JIT)
def splat(scene, points):
    """
    Add Gaussian dots, from which strands are strung.

    Parameters
    ----------
    scene : ndarray of float32, shape (n, n)
        Added to.
    points : ndarray, shape (m, 4)
        Column and row (pixels from 0), brightness at the middle (DN/s), and standard deviation (pixels).
    """
    size = scene.shape[0]
    across = np.empty(129)
    for number in range(points.shape[0]):
        x, y, peak, sigma = points[number]
        reach = min(int(3.5 * sigma) + 1, 64)
        column, row = int(np.floor(x + 0.5)), int(np.floor(y + 0.5))
        if column - reach < 0 or row - reach < 0 or column + reach >= size or row + reach >= size:
            continue
        scale = -0.5 / (sigma * sigma)
        for k in range(2 * reach + 1):
            offset = column - reach + k - x
            across[k] = np.exp(scale * offset * offset)
        for j in range(row - reach, row + reach + 1):
            offset = j - y
            weight = peak * np.exp(scale * offset * offset)
            for k in range(2 * reach + 1):
                scene[j, column - reach + k] += weight * across[k]


@njit(**_JIT)
def shade(scene, spine, depth, width, radius):
    """
    Darken along a line, as a filament or a sunspot's umbra does.

    Parameters
    ----------
    scene : ndarray of float32, shape (n, n)
        Multiplied by 1 - depth * exp(-(d / width)**2 / 2), where d is the distance to the line, on the disc alone.
    spine : ndarray, shape (m, 2)
        Column and row of the line's corners (m > 1).
    depth, width : float
        Fraction taken away, and pixels.
    radius : float
        Of the disc, pixels.
    """
    size = scene.shape[0]
    centre = (size - 1) / 2
    reach = 3.5 * width
    left = max(int(spine[:, 0].min() - reach), 0)
    right = min(int(spine[:, 0].max() + reach) + 1, size - 1)
    low = max(int(spine[:, 1].min() - reach), 0)
    high = min(int(spine[:, 1].max() + reach) + 1, size - 1)
    for row in range(low, high + 1):
        for column in range(left, right + 1):
            if (row - centre) ** 2 + (column - centre) ** 2 >= radius * radius:
                continue
            nearest = 1e30
            for corner in range(spine.shape[0] - 1):
                dx, dy = spine[corner + 1, 0] - spine[corner, 0], spine[corner + 1, 1] - spine[corner, 1]
                px, py = column - spine[corner, 0], row - spine[corner, 1]
                along = min(max((px * dx + py * dy) / max(dx * dx + dy * dy, 1e-9), 0.0), 1.0)
                square = (px - along * dx) ** 2 + (py - along * dy) ** 2
                nearest = min(nearest, square)
            if nearest < reach * reach:
                scene[row, column] *= 1.0 - depth * np.exp(-0.5 * nearest / (width * width))
