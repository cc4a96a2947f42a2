"""Point spread functions of the EUV channels, calculated and applied by aiapy.

Deconvolution is an option that costs thirty times the rest of a calibration, so aiapy and sunpy are imported only where
it is asked for. Where JAX is installed, aiapy uses it, and with it a GPU.
"""

import hashlib
from importlib.metadata import version
from pathlib import Path

import numpy as np
from astropy.io import fits

from aia_sequence.calibration.resample import fill_missing
from aia_sequence.errors import ConfigError, FrameError
from aia_sequence.files import replacing
from aia_sequence.instrument import EUV

SHAPE = (4096, 4096)
# aiapy wants a map; its deconvolution looks at nothing but the pixels.
ANY_HEADER = {
    "telescop": "SDO/AIA", "instrume": "AIA", "wavelnth": 171, "waveunit": "angstrom",
    "date-obs": "2010-05-13T00:00:00", "hgln_obs": 0.0, "hglt_obs": 0.0, "dsun_obs": 1.496e11,
    "ctype1": "HPLN-TAN", "ctype2": "HPLT-TAN", "cunit1": "arcsec", "cunit2": "arcsec", "cdelt1": 0.6, "cdelt2": 0.6,
}  # fmt: skip


def calculate(channel: int) -> np.ndarray:
    """Calculate the point spread function of a channel: float64 (4096, 4096), centred, of sum 1.

    Raises
    ------
    ConfigError
        If aiapy knows none for the channel.
    """
    if channel not in EUV.channels:
        raise ConfigError(
            f"calibration.psf: aiapy has no point spread function for {channel} Å; it has those of "
            f"{', '.join(map(str, EUV.channels))}"
        )
    import astropy.units as u
    from aiapy.psf import calculate_psf

    return np.asarray(calculate_psf(channel * u.angstrom), dtype=np.float64)


def write(path: str | Path, kernel: np.ndarray, channel: int) -> None:
    """Write a point spread function with its source; the same bytes whenever it is written."""
    header = fits.Header()
    header["WAVELNTH"] = (channel, "[angstrom] channel")
    header["SOURCE"] = (f"aiapy.psf.calculate_psf {version('aiapy')}", "calculated by")
    hdu = fits.PrimaryHDU(kernel.astype(">f8"), header)
    hdu.add_checksum(when="when the file was written")
    with replacing(path) as part:
        hdu.writeto(part, overwrite=True)


class Deconvolution:
    """Richardson-Lucy deconvolution of full-disk frames with one point spread function.

    Parameters
    ----------
    path
        File of `write`.
    iterations
        Number of iterations.
    """

    def __init__(self, path: str | Path, iterations: int) -> None:
        from aiapy.psf import deconvolve
        from sunpy.map.sources import AIAMap

        self._deconvolve, self._map, self.iterations = deconvolve, AIAMap, iterations
        with fits.open(path, memmap=False) as hdus:
            self.kernel, header = hdus[0].data.astype(np.float64), hdus[0].header
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
        smap = self._map(counts.astype(np.float64), ANY_HEADER)
        result = self._deconvolve(smap, psf=self.kernel, iterations=self.iterations).data.astype(np.float32)
        if not np.isfinite(result).all():
            raise FrameError("the deconvolution divided by nought, as it does where nothing at all was counted")
        result[missing[:, 0], missing[:, 1]] = np.nan
        return result


def about(path: str | Path) -> dict[str, str]:
    """Source and SHA-256 (of the pixels, which do not depend on the header) of a file of `write`."""
    with fits.open(path, memmap=False) as hdus:
        digest = hashlib.sha256(np.ascontiguousarray(hdus[0].data).tobytes()).hexdigest()
        return {"source": hdus[0].header["SOURCE"], "sha256": digest}
