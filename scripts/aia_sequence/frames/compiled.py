"""numba, for all modules that have compiled loops: they take it from here.

When its first kernel is loaded, numba looks for scipy's linear algebra. Finding it imports a hundred modules, half of
the time that all kernels of a job take, and no kernel here needs it. So it is hidden while numba looks.
"""

import sys

__all__ = ["intrinsic", "njit", "types"]

_hidden = "scipy.linalg" not in sys.modules
if _hidden:
    sys.modules["scipy.linalg"] = None
try:
    import numba.np.arraymath  # noqa: F401 - this is what looks
    from numba import njit, types
    from numba.extending import intrinsic
finally:
    if _hidden:
        del sys.modules["scipy.linalg"]
