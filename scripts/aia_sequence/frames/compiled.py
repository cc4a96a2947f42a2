"""numba, for all modules that have compiled loops: they take it from here.

When its first kernel is loaded, numba looks for scipy's linear algebra. Finding it imports a hundred modules, half of
the time that all kernels of a job take, and no kernel here needs it. So it is hidden while numba looks.

What was compiled is kept beside the module, or in the user's cache folder. Where neither can be written to, as in an
image of a container without a home, numba refuses to compile at all; here it compiles, and keeps nothing.
"""

import sys
from collections.abc import Callable
from typing import Any

__all__ = ["intrinsic", "njit", "types"]

_modules: dict[str, Any] = sys.modules
_hidden = "scipy.linalg" not in _modules
if _hidden:
    _modules["scipy.linalg"] = None
try:
    import numba.np.arraymath  # this is what looks
    from numba import types
    from numba.extending import intrinsic
finally:
    if _hidden:
        del _modules["scipy.linalg"]


def njit(*, cache: bool = True, **options: Any) -> Callable[[Callable], Callable]:
    """`numba.njit` with these options; a kernel that can be kept nowhere is compiled in each process that calls it."""

    def compiled(function: Callable) -> Callable:
        try:
            return numba.njit(cache=cache, **options)(function)
        except RuntimeError as error:
            if "no locator available" not in str(error):
                raise
            return numba.njit(**options)(function)

    return compiled
