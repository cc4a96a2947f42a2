"""Point spread functions of the EUV channels, as aiapy calculates them, and the deconvolution of full-disk frames.

Both are aiapy's, in less time: a point spread function is a sum of narrow Gaussians, which are added where they are not
zero, and the transforms of a deconvolution are those of single precision, which level 1.5 is written in.
"""

import hashlib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from scipy import fft

from aia_sequence.calibration.resample import fill_missing
from aia_sequence.errors import ConfigError, FrameError
from aia_sequence.files import replacing
from aia_sequence.frames.compiled import njit
from aia_sequence.frames.fits import frame_errors
from aia_sequence.instrument import EUV, SIDE

SHAPE = (SIDE, SIDE)
OPEN = 0.82  # of a filter's area, not covered by its mesh
FOCAL_ANGLES = np.radians([45.0, -45.0])  # in which the mesh of a focal-plane filter diffracts
ORDERS = np.arange(-100, 101)
ZERO_BELOW = -746.0  # exp of less is zero in float64
AT_ONCE = 32  # rows, or columns, of a transform: they stay in the processor's cache


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

    As `aiapy.psf.deconvolve`, in single precision: within a few 1e-5 of the frame's 99th percentile, or of the pixel
    where it is brighter.

    Parameters
    ----------
    path
        File of `write`.
    iterations
        Number of iterations.
    acceleration
        Whether each iteration starts from where the two before it lead: Biggs and Andrews (1997), Applied Optics 36,
        1766, their first-order extrapolation. 12 iterations then do what takes 25 without.

    Raises
    ------
    FrameError
        If the file is missing or damaged.
    """

    def __init__(self, path: str | Path, iterations: int, acceleration: bool = False) -> None:
        self.iterations, self.acceleration = iterations, acceleration
        with frame_errors(path, "; delete it"), fits.open(path, memmap=False) as hdus:
            kernel, self.about = hdus[0].data.astype(np.float64), _about(hdus[0])
        self._transfer = fft.rfft2(fft.ifftshift(kernel)).astype(np.complex64)
        self._back = np.conj(self._transfer)
        self._room = np.empty_like(self._transfer)

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
            for rows, factor in self._factors(current, counts):
                current[rows] *= factor
        return current

    def _accelerated(self, counts: np.ndarray) -> np.ndarray:
        """Iterations from the point that the last two steps point to; as far as they agree (`along`)."""
        current, before = counts.copy(), counts.copy()
        last, along, square = np.zeros_like(counts), np.float32(0), 0.0
        for _ in range(self.iterations):
            start = before  # whose place it takes
            _extrapolate(start, current, along)
            sums = np.zeros((2, counts.shape[1]))
            for rows, factor in self._factors(start, counts):
                _advance(start[rows], factor, last[rows], sums)
            before, current = current, start
            across, following = sums.sum(axis=1).tolist()
            along = np.float32(min(max(across / square, 0.0), 1.0) if square else 0.0)
            square = following
        return current

    def _factors(self, current: np.ndarray, counts: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """Factors of an iteration, some rows at a time: how much more was counted than `current` would have given.

        A step that takes rows one by one is done while they are at hand, before the next rows are.
        """
        transform = self._room
        for rows in _blocks(len(counts)):
            transform[rows] = fft.rfft(current[rows])
        _filter(transform, self._transfer)
        for rows in _blocks(len(counts)):
            expected = fft.irfft(transform[rows], n=counts.shape[1])
            transform[rows] = fft.rfft(np.divide(counts[rows], expected, out=expected))
        _filter(transform, self._back)
        for rows in _blocks(len(counts)):
            yield rows, fft.irfft(transform[rows], n=counts.shape[1])


def _filter(transform: np.ndarray, transfer: np.ndarray) -> None:
    """Multiply the transform along rows, transformed along columns, and transform it back."""
    for columns in _blocks(transform.shape[1]):
        part = fft.fft(transform[:, columns], axis=0)
        part *= transfer[:, columns]
        transform[:, columns] = fft.ifft(part, axis=0, overwrite_x=True)


@njit(cache=True, nogil=True)
def _extrapolate(before, current, along):
    """Go on from the last two estimates, in the place of the first; nothing shines with less than no light."""
    for j in range(before.shape[0]):
        for i in range(before.shape[1]):
            value = current[j, i] + along * (current[j, i] - before[j, i])
            before[j, i] = np.float32(0) if value < 0 else value


@njit(cache=True, nogil=True)
def _advance(start, factor, last, sums):
    """Multiply some rows; put this step in the place of the last, and by columns add up their products and its squares.

    No sum waits for the one before it, and in which order they come does not depend on the processor.
    """
    for j in range(start.shape[0]):
        for i in range(start.shape[1]):
            value = start[j, i] * factor[j, i]
            step = value - start[j, i]
            sums[0, i] += np.float64(step) * np.float64(last[j, i])
            sums[1, i] += np.float64(step) * np.float64(step)
            start[j, i], last[j, i] = value, step


def _blocks(size: int) -> Iterator[slice]:
    """Rows, or columns, that stay in the processor's cache while they are worked on."""
    return (slice(start, min(start + AT_ONCE, size)) for start in range(0, size, AT_ONCE))


def about(path: str | Path) -> dict[str, str]:
    """Source and SHA-256 (of the pixels, which do not depend on the header) of a file of `write`."""
    with fits.open(path, memmap=False) as hdus:
        return _about(hdus[0])


def _about(hdu: Any) -> dict[str, str]:
    pixels = np.ascontiguousarray(hdu.data).view(np.uint8)
    return {"source": hdu.header["SOURCE"], "sha256": hashlib.sha256(pixels).hexdigest()}
