"""One pass over a sequence: the light curve of the region, and the brightness limits for all of its frames."""

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from aia_sequence.config.figure import FigureOptions
from aia_sequence.errors import FrameError
from aia_sequence.figures.sequence import Frame, Picture, Region, read_picture
from aia_sequence.files import write_json
from aia_sequence.joblog import Counter
from aia_sequence.lists.lightcurve import Point

log = logging.getLogger(__name__)

# Brightnesses are counted in bins of equal width in asinh(DN/s): 0.1 % wide, from -1,000 to 12 million DN/s, so that
# percentiles of a sequence of any length come from one pass and a fixed amount of memory.
BIN = 1e-3
FIRST, LAST = round(np.arcsinh(-1e3) / BIN), round(np.arcsinh(1.2e7) / BIN)
CHUNK = 2**20


class Histogram:
    """Counts of brightnesses of all pixels of a sequence, for percentiles within 0.1 %."""

    def __init__(self) -> None:
        self.counts = np.zeros(LAST - FIRST + 1, dtype=np.int64)

    def add(self, values: np.ndarray) -> None:
        """Count an array of brightnesses in DN/s; missing ones (NaN) are left out."""
        flat = values.reshape(-1)
        for start in range(0, flat.size, CHUNK):
            part = flat[start : start + CHUNK]
            part = part[np.isfinite(part)]
            bins = np.clip(np.rint(np.arcsinh(part) / BIN), FIRST, LAST).astype(np.int64) - FIRST
            self.counts += np.bincount(bins, minlength=self.counts.size)

    def percentile(self, percent: float) -> float:
        """Find the brightness in DN/s below which `percent` of the pixels lie.

        Raises
        ------
        FrameError
            If no pixel was counted.
        """
        total = self.counts.sum()
        if total == 0:
            raise FrameError("the region of interest holds no measured pixel in any frame: choose another region")
        index = int(np.searchsorted(np.cumsum(self.counts), percent / 100 * total))
        return float(np.sinh((min(index, self.counts.size - 1) + FIRST) * BIN))


@dataclass(frozen=True)
class Statistics:
    """What all products of a sequence share; brightnesses are in DN/s.

    Attributes
    ----------
    frames : int
        Frames in the sequence.
    shape : tuple of int
        Rows and columns of the region of interest.
    limits : tuple of float
        Brightness of black and of white, for all frames alike.
    chosen : str
        Where the limits come from, in words.
    synthetic : bool
        Whether the frames come from the synthetic archive.
    """

    frames: int
    shape: tuple[int, int]
    limits: tuple[float, float]
    chosen: str
    synthetic: bool

    def write(self, path: Path) -> None:
        """Write the statistics as JSON."""
        write_json(path, asdict(self))

    @classmethod
    def read(cls, path: Path) -> "Statistics":
        """Read the statistics of a sequence."""
        values = json.loads(Path(path).read_text(encoding="utf-8"))
        return cls(**{**values, "shape": tuple(values["shape"]), "limits": tuple(values["limits"])})


def measure(frames: Sequence[Frame], region: Region | None, options: FigureOptions) -> tuple[list[Point], Statistics]:
    """Measure the region of interest of every frame, in one pass.

    Parameters
    ----------
    frames
        The sequence.
    region
        Bounds in arcsec; None for the full disk.
    options
        Decide how the limits are chosen.

    Raises
    ------
    FrameError
        If frames differ in the size of the region (full-disk frames and cutouts mixed), or hold no measured pixel.
    """
    histogram, points, synthetic = Histogram(), [], set()
    shapes: dict[tuple[int, int], Path] = {}
    counter = Counter("measured", len(frames))
    for frame in frames:
        picture = read_picture(frame.path, region, uncertainty=True)
        points.append(_point(frame, picture))
        rows, columns = picture.data.shape
        shapes.setdefault((rows, columns), frame.path)
        synthetic.add(picture.synthetic)
        histogram.add(picture.data)
        if len(shapes) > 1:
            (one, first), (other, second) = shapes.items()
            raise FrameError(
                f"the region has {one} pixels in {first} and {other} in {second}: frames cannot be compared"
            )
        log.info("%s: mean %.4g DN/s", frame.record, points[-1].mean)
        counter.step()
    if options.limits:
        limits, chosen = options.limits, "given"
    else:
        low, high = options.percentiles
        chosen = f"percentiles {low:g} and {high:g} of all pixels of the sequence"
        # Below zero there is nothing but noise: it has no claim to a part of the scale.
        dark, bright = max(0.0, histogram.percentile(low)), histogram.percentile(high)
        limits = (dark, bright if bright > dark else dark + 1)
    dark, bright = (float(f"{value:.6g}") for value in limits)
    return points, Statistics(
        frames=len(points),
        shape=next(iter(shapes)),
        limits=(dark, bright),
        chosen=chosen,
        synthetic=any(synthetic),
    )


def _point(frame: Frame, picture: Picture) -> Point:
    data = picture.data
    valid = np.isfinite(data)
    count = int(valid.sum())
    # Values are per pixel of 0.6 arcsec a side, of which a binned one covers several.
    share = picture.header.get("BINNING", 1) ** 2
    total = float(np.sum(data, where=valid, dtype=np.float64))
    spread = np.nan
    if picture.uncertainty is not None:
        from aia_sequence.calibration.sums import sum_uncertainty  # compiled, and slow to import

        spread = sum_uncertainty(picture.uncertainty, picture.header) if count else 0.0
    return Point(
        T_OBS=frame.T_OBS,
        T_REC=frame.T_REC,
        EXPTIME=frame.EXPTIME,
        QUALITY=frame.QUALITY,
        sum=total * share,
        sum_uncertainty=spread * share,
        mean=total / count if count else np.nan,
        mean_uncertainty=spread / count if count else np.nan,
        pixels=count,
        missing=1 - count / data.size,
        saturated=int(np.count_nonzero(picture.saturated)) / data.size,
        record=frame.record,
    )
