"""Point spread functions of the EUV channels, as aiapy calculates them, and the deconvolution of full-disk frames.

Both are aiapy's, in less time: a point spread function is a sum of narrow Gaussians, which are added where they are not
zero, and the transforms of a deconvolution are those of single precision, which level 1.5 is written in.
"""

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from scipy import fft

from aia_sequence.calibration.resample import fill_missing
from aia_sequence.errors import ConfigError, FrameError
from aia_sequence.files import replacing
from aia_sequence.instrument import EUV, SIDE

SHAPE = (SIDE, SIDE)
OPEN = 0.82  # of a filter's area, not covered by its mesh
FOCAL_ANGLES = np.radians([45.0, -45.0])  # in which the mesh of a focal-plane filter diffracts
ORDERS = np.arange(-100, 101)
ZERO_BELOW = -746.0  # exp of less is zero in float64


def calculate(channel: int, orders: np.ndarray = ORDERS) -> np.ndarray:
    """Calculate the point spread function of a channel: float64 (4096, 4096), centred, of sum 1.

    Parameters
    ----------
    channel
        Angstrom.
    orders
        Orders of diffraction that are summed.

    Raises
    ------
    ConfigError
        If aiapy knows none for the channel.

    References
    ----------
    `aiapy.psf.calculate_psf`, which this equals to the rounding of float64; Grigis, Su and Weber (2012), AIA PSF
    Characterization and Image Deconvolution.
    """
    if channel not in EUV.channels:
        raise ConfigError(
            f"calibration.psf: aiapy has no point spread function for {channel} Å; it has those of "
            f"{', '.join(map(str, EUV.channels))}"
        )
    import astropy.units as u
    from aiapy.psf import filter_mesh_parameters

    mesh = filter_mesh_parameters()[channel * u.angstrom]
    entrance = filter_spread(mesh, mesh["spacing_e"], mesh["angle_arm"].to_value("rad"), orders)
    focal = filter_spread(mesh, mesh["spacing_fp"], FOCAL_ANGLES, orders)
    product = fft.rfft2(entrance)
    del entrance
    product *= fft.rfft2(focal)
    del focal
    # Transformed forwards a second time, as aiapy does, the product is turned about its first pixel.
    turned = np.roll(fft.irfft2(product, s=SHAPE)[::-1, ::-1], 1, axis=(0, 1))
    return np.abs(fft.fftshift(turned))


def filter_spread(mesh: dict[str, Any], spacing: Any, angles: np.ndarray, orders: np.ndarray) -> np.ndarray:
    """What the mesh of one filter makes of a point: its core, and a Gaussian for each order of diffraction and angle.

    Parameters
    ----------
    mesh
        Of `aiapy.psf.filter_mesh_parameters`.
    spacing
        Distance between two orders, a Quantity in pixels.
    angles
        Directions of diffraction, radians.
    orders
        Orders of diffraction.
    """
    ny, nx = SHAPE
    width, distance = mesh["width"].to_value("pixel"), spacing.to_value("pixel")
    ratio = (mesh["mesh_pitch"] / mesh["mesh_width"]).decompose().value
    reach = int(np.ceil(np.sqrt(ZERO_BELOW / -width)))  # pixels beyond which a Gaussian is zero

    def add(spread: np.ndarray, x: float, y: float, intensity: float) -> None:
        left, right = max(int(x) - reach, 0), min(int(x) + reach + 1, nx)
        low, high = max(int(y) - reach, 0), min(int(y) + reach + 1, ny)
        if left < right and low < high:
            along_x = np.exp(-width * (np.arange(left, right) + 0.5 - x) ** 2)
            along_y = np.exp(-width * (np.arange(low, high) + 0.5 - y) ** 2)
            spread[low:high, left:right] += intensity * np.outer(along_y, along_x)

    centre = 0.5 * nx + 0.5, 0.5 * ny + 0.5
    spread = np.zeros(SHAPE)
    for order in orders[orders != 0]:
        intensity = np.sinc(order / ratio) ** 2
        for angle in angles:
            shift = order * distance
            add(spread, centre[0] + shift * np.cos(angle), centre[1] + shift * np.sin(angle), intensity)
    spread *= (1 - OPEN) / spread.sum()
    # A Gaussian on a pixel's centre has the same sum wherever it stands.
    offsets = np.arange(-reach, reach + 1)
    add(spread, *centre, OPEN / np.exp(-width * offsets**2).sum() ** 2)
    return spread


def write(path: str | Path, kernel: np.ndarray, channel: int) -> None:
    """Write a point spread function with its source; the same bytes whenever it is written."""
    header = fits.Header()
    header["WAVELNTH"] = (channel, "[angstrom] channel")
    header["SOURCE"] = (f"as aiapy.psf.calculate_psf {version('aiapy')}", "calculated")
    hdu = fits.PrimaryHDU(kernel.astype(">f8"), header)
    hdu.add_checksum(when="when the file was written")
    with replacing(path) as part:
        hdu.writeto(part, overwrite=True)


class Deconvolution:
    """Richardson-Lucy deconvolution of full-disk frames with one point spread function.

    As `aiapy.psf.deconvolve`, in single precision: 2e-5 of the frame's 99th percentile from it, or of the pixel where
    it is brighter, after 25 iterations.

    Parameters
    ----------
    path
        File of `write`.
    iterations
        Number of iterations.
    acceleration
        Whether each iteration starts from where the two before it lead: Biggs and Andrews (1997), Applied Optics 36,
        1766, their first-order extrapolation. 12 iterations then do what takes 25 without.
    """

    def __init__(self, path: str | Path, iterations: int, acceleration: bool = False) -> None:
        self.iterations, self.acceleration = iterations, acceleration
        with fits.open(path, memmap=False) as hdus:
            kernel, header = hdus[0].data.astype(np.float64), hdus[0].header
        self._transfer = fft.rfft2(fft.ifftshift(kernel)).astype(np.complex64)
        self._back = np.conj(self._transfer)
        self.about = {"source": header["SOURCE"], "sha256": about(path)["sha256"]}

    def __call__(self, image: np.ndarray, blank: int | None) -> np.ndarray:
        """Deconvolve counts; missing pixels are filled from around them first, and are NaN afterwards.

        Raises
        ------
        FrameError
            If the image is not of the full disk, whose light a point spread function spreads, or none comes out.
        """
        if image.shape != SHAPE:
            raise FrameError(
                f"calibration.psf: the image has {image.shape[1]} x {image.shape[0]} pixels; "
                "only full-disk frames can be deconvolved, a cutout lacks the light that is spread into it"
            )
        counts, missing = fill_missing(image, blank)
        counts = np.maximum(counts, 0, dtype=np.float32)
        with np.errstate(divide="ignore", invalid="ignore"):
            result = self._accelerated(counts) if self.acceleration else self._plain(counts)
        if not np.isfinite(result).all():
            raise FrameError("the deconvolution divided by zero, as it does where nothing at all was counted")
        result[missing[:, 0], missing[:, 1]] = np.nan
        return result

    def _plain(self, counts: np.ndarray) -> np.ndarray:
        current = counts.copy()
        for _ in range(self.iterations):
            current *= self._update(current, counts)
        return current

    def _accelerated(self, counts: np.ndarray) -> np.ndarray:
        """Iterations from the point that the last two steps point to; as far as they agree (`along`)."""
        current, before, step = counts, counts, None
        along = 0.0
        for _ in range(self.iterations):
            start = np.maximum(current + np.float32(along) * (current - before), 0)
            before, current = current, start * self._update(start, counts)
            last, step = step, current - start
            if last is not None:
                square = np.vdot(last, last)
                along = min(max(float(np.vdot(step, last) / square), 0.0), 1.0) if square else 0.0
        return current

    def _update(self, current: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Factor of an iteration: how much more was counted than `current` would have given, spread back."""
        expected = _filtered(current, self._transfer)
        return _filtered(np.divide(counts, expected, out=expected), self._back)


def _filtered(image: np.ndarray, transfer: np.ndarray) -> np.ndarray:
    """An image whose transform is multiplied; axis by axis in place, which `fft.irfft2` is not."""
    transform = fft.rfft2(image)
    transform *= transfer
    return fft.irfft(fft.ifft(transform, axis=0, overwrite_x=True), n=image.shape[1], axis=1)


def about(path: str | Path) -> dict[str, str]:
    """Source and SHA-256 (of the pixels, which do not depend on the header) of a file of `write`."""
    with fits.open(path, memmap=False) as hdus:
        digest = hashlib.sha256(np.ascontiguousarray(hdus[0].data).tobytes()).hexdigest()
        return {"source": hdus[0].header["SOURCE"], "sha256": digest}
