"""Brightness textures of the Sun's surface: periodic tiles of band-limited noise, made once and kept.

A tile is periodic in both directions and indexed by heliographic longitude and latitude. Values are rounded to 1/4096,
so that the last bits of a Fourier transform, which differ between machines, do not reach an image.
"""

import hashlib
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np

from synthetic_jsoc.storage import replacing

NETWORK_SIZE, NETWORK_SPAN_DEG = 2048, 180.0
FINE_SIZE, FINE_SPAN_DEG = 1024, 22.5
GLOBE_SHAPE = 256, 512  # latitude, longitude
RAYS_SHAPE = 1024, 2048  # solar rotation, position angle
_ROUNDING = 4096.0


def _noise(shape, seed, low, high, slope):
    """Gaussian noise of unit variance with power k**-slope between two frequencies (cycles per tile), edges smooth."""
    rows, columns = shape
    spectrum = np.fft.rfft2(np.random.default_rng(seed).standard_normal(shape, dtype=np.float32))
    k = np.hypot(np.fft.fftfreq(rows, 1 / rows)[:, None], np.fft.rfftfreq(columns, 1 / columns)).astype(np.float32)
    k[0, 0] = 1.0
    shape_k = k ** (-slope / 2) * np.exp(-((k / high) ** 2)) * (1 - np.exp(-((k / low) ** 2)))
    shape_k[0, 0] = 0.0
    field = np.fft.irfft2(spectrum * shape_k, s=shape)
    return (field / field.std()).astype(np.float32)


def _displaced(field, along, across):
    """A tile whose points are moved by two others (pixels): noise becomes threads and swirls."""
    rows, columns = np.indices(field.shape, dtype=np.int32)
    rows = (rows + across.astype(np.int32)) % field.shape[0]
    columns = (columns + along.astype(np.int32)) % field.shape[1]
    return field[rows, columns]


def _limited(field, high):
    """A tile without what is finer than some cycles per tile: the telescope does not show it."""
    rows, columns = field.shape
    k = np.hypot(np.fft.fftfreq(rows, 1 / rows)[:, None], np.fft.rfftfreq(columns, 1 / columns))
    return np.fft.irfft2(np.fft.rfft2(field) * np.exp(-((k / high) ** 4)), s=field.shape)


def _rounded(field):
    return (np.round(field * _ROUNDING) / _ROUNDING).astype(np.float32)


def _kept(name: str, make: Callable[[], np.ndarray]) -> np.ndarray:
    """A tile as it was made before, or made now and kept: making one takes seconds."""
    source = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:16]
    paths = [folder / f"textures-{source}-{name}.npy" for folder in _folders()]
    for path in paths:
        with suppress(OSError, ValueError):
            return np.load(path)
    tile = make()
    for path in [] if sys.dont_write_bytecode else paths:
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as part, open(part, "wb") as file:
                np.save(file, tile)
            break
    return tile


def _folders():
    """Where tiles are kept: beside the compiled modules; the user's cache, if not everybody may write there."""
    yield Path(__file__).parent / "__pycache__"
    with suppress(RuntimeError):  # nobody's home
        yield Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "synthetic_jsoc"


@cache
def _fields():
    """The Gaussian fields that all channels share, so that their structures lie in the same places."""
    size = NETWORK_SIZE, NETWORK_SIZE
    # 35 arcsec at disc centre, a supergranule, is 85 cycles in 180 degrees.
    cells = _noise(size, 11, 55.0, 100.0, 0.0)
    cells += 0.5 * _noise(size, 12, 90.0, 260.0, 1.0)
    broad = _noise(size, 13, 9.0, 90.0, 2.2)
    warp = _noise(size, 14, 20.0, 120.0, 2.0), _noise(size, 15, 20.0, 120.0, 2.0)
    threads = _displaced(_noise(size, 16, 60.0, 520.0, 2.2), 10 * warp[0], 10 * warp[1])
    return {"cells": cells / cells.std(), "broad": broad, "threads": threads / threads.std()}


@cache
def network(kind, contrast):
    """
    Tile of the structure from 4 to 100 arcsec, positive, of mean 1.

    Parameters
    ----------
    kind : {"corona", "chromosphere", "photosphere"}
        Mottles and threads; the bright network of supergranule borders; neither, but faint faculae.
    contrast : float
        Standard deviation of the logarithm, roughly.

    Returns
    -------
    ndarray of float32, shape (NETWORK_SIZE, NETWORK_SIZE)
    """
    return _kept(f"network-{kind}-{contrast}", lambda: _network(kind, contrast))


def _network(kind, contrast):
    fields = _fields()
    lanes = 1 / (1 + (fields["cells"] / 0.42) ** 2)
    lanes = (lanes - lanes.mean()) / lanes.std()
    if kind == "corona":
        field = 0.62 * fields["threads"] + 0.62 * fields["broad"] + 0.35 * lanes
        # Bright points: compact loops over the network, a few hundred on the disc.
        spark = np.maximum(fields["threads"] + 0.5 * lanes - 2.9, 0.0)
        field += 1.6 * spark
    elif kind == "chromosphere":
        field = 0.95 * lanes * (0.75 + 0.25 * np.clip(fields["broad"], -2, 2)) + 0.4 * fields["threads"]
    else:
        field = 0.5 * fields["threads"] + 0.3 * lanes
    tile = np.exp(contrast * field)
    return _rounded(tile / tile.mean())


@cache
def fine(kind):
    """
    Tile of the structure from the telescope's resolution to 6 arcsec, of mean 0 and variance 1.

    Parameters
    ----------
    kind : {"corona", "chromosphere", "photosphere"}

    Returns
    -------
    ndarray of float32, shape (FINE_SIZE, FINE_SIZE)
    """
    return _kept(f"fine-{kind}", lambda: _fine(kind))


def _fine(kind):
    size = FINE_SIZE, FINE_SIZE
    if kind == "photosphere":
        # Granules are 2 arcsec across: 175 in 22.5 degrees, dark lanes around bright middles.
        field = -np.abs(_noise(size, 21, 105.0, 165.0, 0.0))
    elif kind == "chromosphere":
        field = _noise(size, 22, 55.0, 165.0, 0.6)
        field = field + 0.35 * field**2
    else:
        warp = _noise(size, 24, 10.0, 45.0, 1.0), _noise(size, 25, 10.0, 45.0, 1.0)
        field = _displaced(_noise(size, 23, 35.0, 165.0, 1.2), 12 * warp[0], 12 * warp[1])
        field = field + 0.25 * field**2
    field = _limited(field, 165.0)
    field = field - field.mean()
    return _rounded(field / field.std())


@cache
def rays():
    """
    Tile of the corona's rays: rows for the time in a solar rotation, columns for the position angle.

    Returns
    -------
    ndarray of float32, shape RAYS_SHAPE
        Of mean 0 and variance 1.
    """
    return _kept(
        "rays",
        lambda: _rounded(
            0.4 * _noise(RAYS_SHAPE, 51, 30.0, 120.0, 1.0) + 0.92 * _noise(RAYS_SHAPE, 52, 4.0, 24.0, 1.0)
        ),
    )


@cache
def globe(rotation):
    """
    Large-scale state of the whole surface in one solar rotation.

    Parameters
    ----------
    rotation : int
        Carrington rotation number.

    Returns
    -------
    ndarray of float32, shape (2, 256, 512)
        Two smooth fields of unit variance in latitude (-90 to 90 degrees) and longitude (0 to 360): where holes open,
        and how bright the quiet corona is.
    """
    hole = _noise(GLOBE_SHAPE, [31, rotation], 1.0, 5.0, 1.0)
    quiet = _noise(GLOBE_SHAPE, [32, rotation], 2.0, 14.0, 1.2)
    return _rounded(np.stack([hole, quiet]))
