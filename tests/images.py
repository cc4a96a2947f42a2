"""Comparison of figures with reference images, and of files with each other."""

from pathlib import Path

import numpy as np
from PIL import Image

BASELINE = Path(__file__).parent / "baseline"


def pixels(path: Path) -> np.ndarray:
    """RGB of an image file, float, 0 to 255."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), dtype=np.float32)


def assert_looks_like(path: Path, name: str, rms: float = 3.0) -> None:
    """Compare a figure with its reference, leaving room for another version of the font rasteriser."""
    reference = BASELINE / f"{name}.png"
    accept = f"look at {path}; if it is right, copy it to {reference}"
    assert reference.exists(), f"there is no reference image: {accept}"
    found, wanted = pixels(path), pixels(reference)
    assert found.shape == wanted.shape, f"{found.shape} instead of {wanted.shape}: {accept}"
    difference = float(np.sqrt(np.mean((found - wanted) ** 2)))
    assert difference <= rms, f"rms difference {difference:.2f} of 255: {accept}"
