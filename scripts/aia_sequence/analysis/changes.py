"""Differences and ratios of the frames of a cube, with their noise; nothing is read before it is asked for."""

from typing import TYPE_CHECKING

import numpy as np

from aia_sequence.config.figure import DIFFERENCES
from aia_sequence.errors import AIAError, suggestion
from aia_sequence.figures.differences import compare, pairs

if TYPE_CHECKING:
    import xarray as xr


def difference(
    cube: "xr.Dataset", kind: str = "running", *, lag: float | None = None, base: float | None = None
) -> "xr.Dataset":
    """What has changed between the frames of a cube.

    Parameters
    ----------
    cube
        From `aia_sequence.analysis.dataset`.
    kind
        `running`, `base` or `ratio`.
    lag, base
        Which frame is the reference, see `aia_sequence.figures.differences.pairs`.

    Returns
    -------
    xarray.Dataset
        `data` (time, y, x), in the cube's unit or as a ratio; `uncertainty`, propagated, where the cube has it; `mask`,
        the bits of both frames; `time` of the frame, and `reference`, that of what it is compared with.

    Raises
    ------
    AIAError
        If there is no such kind, or no frame has a reference.
    """
    import xarray as xr

    if kind not in DIFFERENCES:
        raise AIAError(f"there is no difference {kind!r}; {suggestion(kind, list(DIFFERENCES))}")
    found = pairs(np.asarray(cube["tai"]), kind, lag=lag, base=base)
    if not found:
        raise AIAError(f"a {DIFFERENCES[kind]} takes two frames that belong together, and there are none")
    later, reference = (cube.isel(time=[pair[place] for pair in found]) for place in (0, 1))
    times = reference["time"].data
    reference = reference.assign_coords(time=later["time"])
    told = {"long_name": "time of the frame that this one is compared with, UTC"}
    names = [name for name in ("data", "uncertainty") if name in cube]
    images = [one[name] for name in names for one in (later, reference)]
    kinds = [np.float32] * len(names)
    values = xr.apply_ufunc(
        lambda *parts: compare(kind, *parts)[: len(names)] if len(names) > 1 else compare(kind, *parts)[0],
        *images, dask="parallelized", output_core_dims=[()] * len(names), output_dtypes=kinds,
    )  # fmt: skip
    made = dict(zip(names, values if len(names) > 1 else [values], strict=True))
    units = "1" if kind == "ratio" else cube["data"].attrs["units"]
    words = {"data": f"{DIFFERENCES[kind]} of the brightness", "uncertainty": "standard deviation of the same"}
    made = {name: one.assign_attrs({"long_name": words[name], "units": units}) for name, one in made.items()}
    made["mask"] = (later["mask"] | reference["mask"]).assign_attrs(cube["mask"].attrs)
    of_what = {"title": f"{cube.attrs['title']}: {DIFFERENCES[kind]} of its frames"}
    of_what["summary"] = f"{cube.attrs['summary']}; of each frame its {DIFFERENCES[kind]}, to the frame at reference"
    of_what["history"] = f"{cube.attrs['history']}; {DIFFERENCES[kind]}"
    about = of_what | {"difference": DIFFERENCES[kind]} | ({} if lag is None else {"lag_s": lag})
    return xr.Dataset(made, attrs=cube.attrs | about).assign_coords(reference=("time", times, told))
