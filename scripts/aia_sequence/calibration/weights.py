"""Weights of the two interpolation kernels along one axis, and their squares for errors.

No step lets the compiler reorder a sum or contract a product, so values do not depend on the processor's vector width.
"""

import numpy as np

from aia_sequence.frames.compiled import njit

ROOT = np.float32(np.sqrt(3.0))
POLE = np.float32(np.sqrt(3.0) - 2.0)
ONE, HALF, SIXTH = np.float32(1), np.float32(0.5), np.float32(1 / 6)
TWO, THREE, FOUR, FIVE = np.float32(2), np.float32(3), np.float32(4), np.float32(5)


@njit(cache=True, nogil=True)
def spline_weights(t):
    """B-spline weights of the four pixels around a position `t` past the second of them."""
    s = ONE - t
    tt, ss = t * t, s * s
    return (
        ss * s * SIXTH,
        (FOUR + THREE * tt * (t - TWO)) * SIXTH,
        (FOUR + THREE * ss * (s - TWO)) * SIXTH,
        tt * t * SIXTH,
    )


@njit(cache=True, nogil=True)
def keys_weights(t):
    """Keys' weights (a = -0.5) of the four pixels around a position `t` past the second of them."""
    s = ONE - t
    tt, ss = t * t, s * s
    return (
        -HALF * t * ss,
        ONE + HALF * tt * (THREE * t - FIVE),
        ONE + HALF * ss * (THREE * s - FIVE),
        -HALF * s * tt,
    )


@njit(cache=True, nogil=True, inline="always")
def _cardinal(t):
    """Weights of the six pixels around a position `t` past the third of them, in the interpolating spline, by sqrt(3).

    The cardinal spline is the B-spline filtered by sqrt(3) * pole^|k|, and four B-splines are zero nowhere.
    """
    a, b, c, d = spline_weights(t)
    p1 = POLE
    p2 = p1 * p1
    p3 = p2 * p1
    p4 = p2 * p2
    return (
        a * p1 + b * p2 + c * p3 + d * p4,
        a + b * p1 + c * p2 + d * p3,
        a * p1 + b + c * p1 + d * p2,
        a * p2 + b * p1 + c + d * p1,
        a * p3 + b * p2 + c * p1 + d,
        a * p4 + b * p3 + c * p2 + d * p1,
    )


@njit(cache=True, nogil=True, inline="always")
def cardinal_weights(t):
    """Weights of the six pixels around a position `t` past the third of them, in the interpolating spline."""
    a, b, c, d, e, f = _cardinal(t)
    return ROOT * a, ROOT * b, ROOT * c, ROOT * d, ROOT * e, ROOT * f


@njit(cache=True, nogil=True, inline="always")
def cardinal_squares(t):
    """The squares of `cardinal_weights`."""
    a, b, c, d, e, f = _cardinal(t)
    return _square(a), _square(b), _square(c), _square(d), _square(e), _square(f)


@njit(cache=True, nogil=True, inline="always")
def keys_six(t):
    """Keys' weights of the six pixels around a position `t` past the third of them; the outer two are zero."""
    a, b, c, d = keys_weights(t)
    return np.float32(0), a, b, c, d, np.float32(0)


@njit(cache=True, nogil=True, inline="always")
def keys_squares(t):
    """Squared weights of the six pixels around a position `t` past the third of them; Keys' outer two are zero."""
    a, b, c, d = keys_weights(t)
    return np.float32(0), a * a, b * b, c * c, d * d, np.float32(0)


@njit(cache=True, nogil=True, inline="always")
def _square(weight):
    """The square of a weight of the cardinal spline, whose factor sqrt(3) becomes 3."""
    return THREE * weight * weight
