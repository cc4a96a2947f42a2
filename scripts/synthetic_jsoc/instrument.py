"""The ten channels: camera, timing, gain, noise, plate scale, and how an exposure becomes counts.

Numbers are of the order of the real instrument's (Boerner et al. 2012, Lemen et al. 2012), not its calibration.
"""

from dataclasses import dataclass

HC_EV_ANGSTROM = 12398.42
EV_PER_ELECTRON = 3.65  # mean energy that frees one electron in silicon
SATURATION_DN = 16383  # 14-bit camera
BLANK = -32768
SHAPE = (4096, 4096)

# Read noise in DN per camera (Boerner et al. 2012, table 6) and the residual dark error, as in aiapy's estimate_error.
READ_NOISE_DN = {1: 1.18, 2: 1.20, 3: 1.15, 4: 1.14}
DARK_NOISE_DN = 0.18


@dataclass(frozen=True)
class Channel:
    """One channel of the instrument.

    Attributes
    ----------
    wavelength : int
        Angstrom.
    series : str
        Series that keeps its records.
    camera : int
        1 to 4, the telescope.
    gain : float
        Electrons per DN.
    exposure_s : float
        Exposure outside flares.
    offset_s : float
        Mid-exposure after the start of the slot at that exposure.
    scale, rotation_deg, x0, y0 : float
        Mean plate scale (arcsec per pixel), roll, and Sun centre (pixel, counted from 0).
    area_cm2 : float
        Effective area at launch.
    """

    wavelength: int
    series: str
    camera: int
    gain: float
    exposure_s: float
    offset_s: float
    scale: float
    rotation_deg: float
    x0: float
    y0: float
    area_cm2: float

    @property
    def dn_per_photon(self):
        """Mean DN that one detected photon makes: at least one electron."""
        return max(HC_EV_ANGSTROM / self.wavelength / EV_PER_ELECTRON, 1.0) / self.gain

    @property
    def compression(self):
        """Shot noise over the noise of the onboard compression; the compression table grows with the square root."""
        return 13.2 * self.dn_per_photon

    @property
    def noise(self):
        """DN per photon, variance of read and dark noise (DN squared), and shot noise over compression noise."""
        return self.dn_per_photon, READ_NOISE_DN[self.camera] ** 2 + DARK_NOISE_DN**2, self.compression

    @property
    def wave_str(self):
        """WAVE_STR of headers and of the response table; the ultraviolet channels have no filter name in it."""
        return f"{self.wavelength}_THIN" if self.wavelength < 1000 else f"{self.wavelength}"


_EUV, _UV, _VIS = "aia.lev1_euv_12s", "aia.lev1_uv_24s", "aia.lev1_vis_1h"

CHANNELS = {
    row[0]: Channel(*row)
    for row in (
        (94, _EUV, 4, 18.3, 2.902100, 1.60, 0.600112, -0.13761, 2046.1, 2047.5, 0.312),
        (131, _EUV, 1, 17.6, 2.901330, 9.11, 0.600695, -0.13880, 2041.3, 2047.1, 1.172),
        (171, _EUV, 3, 17.7, 2.000166, 11.35, 0.599489, 0.01933, 2048.2, 2048.9, 2.881),
        (193, _EUV, 2, 18.3, 1.999622, 6.84, 0.600712, 0.05779, 2043.4, 2050.6, 1.871),
        (211, _EUV, 2, 18.3, 2.901165, 0.10, 0.600760, 0.05643, 2042.2, 2049.8, 1.312),
        (304, _EUV, 4, 18.3, 2.900870, 7.60, 0.600166, -0.13164, 2043.8, 2046.3, 0.118),
        (335, _EUV, 1, 17.6, 2.900785, 3.11, 0.600735, -0.14244, 2040.5, 2046.5, 0.0752),
        (1600, _UV, 3, 17.7, 2.900735, 4.58, 0.609371, 0.01979, 2044.6, 2048.4, 0.0261),
        (1700, _UV, 3, 17.7, 1.000022, 18.22, 0.612897, 0.02052, 2045.9, 2047.3, 0.0533),
        (4500, _VIS, 3, 17.7, 0.098000, 43.01, 0.599946, 0.02064, 2044.9, 2050.1, 0.00124),
    )
}

# Mid-exposure comes earlier the longer the exposure (seconds per second): the shutter closes at a fixed moment.
MID_EXPOSURE_SLOPE = -0.87
