"""The synthetic archive with small frames: protocol, catalogue and headers, without what a full disk costs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from astropy.io import fits

from aia_sequence.acquisition.cache import Cache
from aia_sequence.acquisition.journal import Journal
from aia_sequence.acquisition.request import AcquisitionSettings, FrameRequest, Place
from aia_sequence.archive.client import Archive, of_server
from aia_sequence.config import conditions as filters
from synthetic_jsoc.camera import fitsfile
from synthetic_jsoc.holdings import frames, model, patch
from synthetic_jsoc.holdings.series import SERIES as ALL_SERIES
from synthetic_jsoc.holdings.series import Series
from synthetic_jsoc.protocol import server

START, END = "2021-07-03T14:24:59Z", "2021-07-03T14:34:59Z"
SERIES = "aia.lev1_euv_12s"
WHERE = {"EXPTIME": "< 2.0", "QUALITY": "= 0"}

MADE: dict[tuple, bytes] = {}


@lru_cache(maxsize=256)
def _records(name: str, first: int, last: int, channels: tuple | None, names: frozenset | None) -> list[dict]:
    """Records of slots that have passed."""
    return model.Archive(lambda: 4e9).records(ALL_SERIES[name], first, last, channels, names)


class SmallModel(model.Archive):
    """The archive's model with frames of 96 x 96 pixels; what a test asks for as others have is worked out once."""

    version = "small"

    def records(self, series: Series, first: int, last: int, channels: Any = None, names: Any = None) -> list[dict]:
        """Records of the slots first to last, as far as they have passed."""
        if series.slots is None or not series.segments:
            return super().records(series, first, last, channels, names)
        chosen = None if channels is None else tuple(channels), None if names is None else frozenset(names)
        low, high = self.span(series)
        return [dict(row) for row in _records(series.name, max(first, low), min(last, high), *chosen)]

    def write(self, record: dict, segment: str, path: Path, as_is: bool, **_: Any) -> None:
        """Write a small frame whose header is that of the full one; the same frame is made once."""
        key = record["recnum"], segment, as_is
        if key not in MADE:
            _write(record, segment, path, as_is)
            MADE[key] = Path(path).read_bytes()
        Path(path).write_bytes(MADE[key])

    def image(self, record: dict, segment: str, full: Callable) -> tuple[np.ndarray, fits.Header]:
        """What is cut out of is the small frame."""
        with full() as file:
            return patch.read_image(file)


def _write(record: dict, segment: str, path: Path, as_is: bool) -> None:
    header = fits.Header() if as_is else frames.header(record, segment=segment)
    pixels = np.random.default_rng(record["recnum"]).integers(0, 4000, (96, 96)).astype(np.int16)
    fitsfile.write(path, pixels, header)


@contextmanager
def small_archive(state: Path, faults: list[dict] | None = None, **options: Any) -> Iterator[Archive]:
    """Run the small archive over a state folder and open it, with faults if any are given."""
    state.mkdir(parents=True, exist_ok=True)
    path = None
    if faults is not None:
        path = state / "faults.yaml"
        path.write_text(yaml.safe_dump({"seed": 1, "faults": faults}))
    options.setdefault("model", SmallModel(options.get("clock") or (lambda: 1.7e9)))
    with server.running(state, faults=path, **options) as running, of_server(running) as archive:
        yield archive


def flare_request(archive: Archive, channel: int = 211, where: dict | None = None, **options: Any) -> FrameRequest:
    """The worked example's records at a channel."""
    conditions = filters.compile_where(WHERE if where is None else where)
    text = filters.drms_text(conditions)
    kept = archive.query(f"{SERIES}[{START}-{END}][{channel}][? {text} ?]")
    return FrameRequest(SERIES, kept, conditions, **options)


def place(folder: Path) -> Place:
    """Where a block's frames go below a folder."""
    block = "20210703T1400"
    return Place(folder / "level1" / block, folder / "level1" / f"{block}.csv", folder / "quarantine" / "211" / block)


def settings_of(folder: Path, **options: Any) -> AcquisitionSettings:
    """Cache and journal below a folder."""
    return AcquisitionSettings(Cache(folder / "cache"), Journal(folder / "journal"), **options)
