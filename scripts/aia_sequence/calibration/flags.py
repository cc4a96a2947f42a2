"""Flags of level-1.5 pixels: what befell the level-1 pixels that they are made of."""

import numpy as np

from aia_sequence.calibration import kernels
from aia_sequence.calibration.resample import REACH, pixels_of
from aia_sequence.frames.companions import NEAR_SATURATED, RUN, SATURATED
from aia_sequence.instrument import SATURATED_FROM


def saturation(
    counts: np.ndarray, kernel: str, affine: tuple[np.ndarray, np.ndarray], shape: tuple[int, int], size: int = 1
) -> tuple[int, np.ndarray]:
    """Carry saturated level-1 pixels to the level-1.5 grid.

    Parameters
    ----------
    counts
        Level-1 counts (ny, nx).
    kernel
        Of the registration.
    affine
        Matrix and offset of the registration: level-1 pixel (x, y) of a level-1.5 pixel.
    shape
        Rows and columns of the level-1.5 image.
    size
        Of the squares of pixels that become one; it has the flags of all of them.

    Returns
    -------
    number : int
        Saturated level-1 pixels whose centres lie in the image: a cutout comes with a margin around it.
    runs : numpy.ndarray
        Of type `frames.companions.RUN`. Saturated is a pixel whose square overlaps that of a saturated one, so that its
        centre is closer to it than a level-1 pixel along both axes; near is one whose value depends on one.
    """
    pixels = pixels_of(counts >= SATURATED_FROM)
    if not len(pixels):
        return 0, np.empty(0, RUN)
    flags = np.zeros(shape, np.uint8)
    kernels.claim(pixels, REACH[kernel], *affine, np.uint8(NEAR_SATURATED), flags)
    kernels.claim(pixels, 1.0, *affine, np.uint8(SATURATED | NEAR_SATURATED), flags)
    matrix, offset = affine
    places = np.linalg.solve(matrix, (pixels[:, ::-1] - offset).T)
    inside = np.all((places > -0.5) & (places < np.array(shape)[::-1, None] - 0.5), axis=0)
    if size > 1:
        squares = flags.reshape(shape[0] // size, size, shape[1] // size, size)
        flags = np.bitwise_or.reduce(np.bitwise_or.reduce(squares, axis=3), axis=1)
    return int(inside.sum()), runs_of(flags)


def runs_of(flags: np.ndarray) -> np.ndarray:
    """Runs of neighbouring pixels of a row with the same flags, of type `frames.companions.RUN`, in order."""
    rows = np.flatnonzero(flags.any(axis=1))
    framed = np.pad(flags[rows], ((0, 0), (1, 1)))
    inner = framed[:, 1:-1]
    starts = pixels_of((inner != framed[:, :-2]) & (inner != 0))
    ends = pixels_of((inner != framed[:, 2:]) & (inner != 0))
    runs = np.empty(len(starts), RUN)
    runs["ROW"], runs["FIRST"], runs["LAST"] = rows[starts[:, 0]] + 1, starts[:, 1] + 1, ends[:, 1] + 1
    runs["FLAGS"] = inner[starts[:, 0], starts[:, 1]]
    return runs
