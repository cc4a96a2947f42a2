"""numba's compiler for the loops of this package, without what it drags in.

When its first kernel is loaded, numba looks for scipy's linear algebra, which imports a hundred modules that no loop
here needs; so it is hidden while numba looks.
"""

import sys

__all__ = ["compiled"]

_hidden = "scipy.linalg" not in sys.modules
if _hidden:
    sys.modules["scipy.linalg"] = None
try:
    import numba.np.arraymath  # this is what looks
finally:
    if _hidden:
        del sys.modules["scipy.linalg"]


def compiled(function=None, *, inline="never"):
    """Compile a loop, or a part of one (``inline="always"``); kept on disk, and free of the interpreter's lock.

    No sum is reordered and no product contracted, so that every machine and every number of threads gives the same
    bits. Where neither the module's folder nor the user's cache folder can be written to, nothing is kept.
    """
    if function is None:
        return lambda one: compiled(one, inline=inline)
    options = {"nogil": True, "error_model": "numpy", "inline": inline}
    try:
        return numba.njit(function, cache=True, **options)
    except RuntimeError as error:
        if "no locator available" not in str(error):
            raise
        return numba.njit(function, **options)
