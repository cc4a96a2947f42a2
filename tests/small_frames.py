"""Small level-1.5 files with a known flare, for tests and benchmarks of what is drawn from them."""

import io
from pathlib import Path

import numpy as np
from astropy.io import fits

from aia_sequence.frames import companions, writing
from aia_sequence.lists.manifests import LEVEL15
from aia_sequence.lists.records import RECORDS

START = np.datetime64("2021-07-03T14:27:23", "ms")
RSUN_OBS = 943.9
PEAK = 5


def as_table(hdu: writing.HDU) -> fits.BinTableHDU:
    """A table as astropy has it."""
    headers = fits.PrimaryHDU().header, fits.Header.fromstring(hdu.header.text())
    data = hdu.data.astype(">f4") if hdu.data.dtype == np.float32 else hdu.data  # as it stands in a file
    file = io.BytesIO("".join(header.tostring() for header in headers).encode() + data.tobytes())
    file.write(bytes(-file.seek(0, io.SEEK_END) % writing.BLOCK))
    with fits.open(io.BytesIO(file.getvalue())) as hdus:
        return hdus[1].copy()


def brightness(number: int) -> float:
    """Factor by which the flare kernel of frame `number` outshines the region."""
    return 40 * np.exp(-0.5 * ((number - PEAK) / 2.5) ** 2)


def scene(number: int, size: int, cdelt: float) -> np.ndarray:
    """Brightness in DN/s, noise-free: a disc with a limb at the west, loops, and a flare kernel."""
    axis = (np.arange(size) - (size - 1) / 2) * cdelt
    x, y = axis[np.newaxis, :], axis[:, np.newaxis]
    radius = np.hypot(x, y)
    disc = 120 + 60 * np.cos(x / 17) * np.sin(y / 23) + 40 * np.cos((x + y) / 9)
    corona = 160 * np.exp(-(radius - RSUN_OBS) / 60)
    image = np.where(radius < RSUN_OBS, disc, corona)
    return image + 250 * brightness(number) * np.exp(-0.5 * (((x - 840) / 14) ** 2 + ((y - 345) / 9) ** 2))


def header(number: int, exposure: float, size: int, cdelt: float, channel: int, synthetic: bool) -> fits.Header:
    """Level-1.5 keywords that figures read."""
    time = START + np.timedelta64(24 * number, "s")
    cards = {
        "LVL_NUM": 1.5, "TELESCOP": "SDO/AIA", "INSTRUME": "AIA_2", "WAVELNTH": channel, "WAVEUNIT": "angstrom",
        "T_REC": f"{str(time)[:19]}Z", "T_OBS": f"{time + np.timedelta64(2090, 'ms')}"[:22] + "Z",
        "EXPTIME": 1.0, "O_EXPTIM": exposure, "QUALITY": 0, "BUNIT": "DN / s",
        "CTYPE1": "HPLN-TAN", "CTYPE2": "HPLT-TAN", "CUNIT1": "arcsec", "CUNIT2": "arcsec",
        "CRVAL1": 0.0, "CRVAL2": 0.0, "CDELT1": cdelt, "CDELT2": cdelt,
        "CRPIX1": (size + 1) / 2, "CRPIX2": (size + 1) / 2,
        "RSUN_OBS": RSUN_OBS, "RSUN_REF": 696000000.0, "DSUN_OBS": 152086000000.0, "CRLT_OBS": 3.2, "CRLN_OBS": 0.0,
        "HGLN_OBS": 0.0, "HGLT_OBS": 3.2,
    }  # fmt: skip
    cards |= {"NSATPIX": 0, "DEGCORR": 0.8, "EXPNORM": exposure, "UNCERTAI": False}
    # Registered from a frame of the same pixels, so that their errors are independent
    cards |= {"REGMETH": "keys", "REG_X": (size + 1) / 2, "REG_Y": (size + 1) / 2, "REG_SCL": 0.6, "REG_ROT": 0.0}
    result = fits.Header(cards)
    if synthetic:
        result["SYNTH"] = (True, "synthetic: not an observation of the Sun")
    return result


def exposures(count: int) -> np.ndarray:
    """Exposure times in seconds that change by a factor of ten, as the automatic exposure control does in a flare."""
    return np.resize([0.58, 0.83, 1.2, 0.24, 0.34, 0.5, 0.71, 0.17, 0.25, 0.35], count)


def write_sequence(
    folder: Path,
    count: int = 8,
    *,
    size: int = 400,
    cdelt: float = 6.0,
    channel: int = 211,
    synthetic: bool = True,
    numbers: list[int] | None = None,
    noise: float = 0.0,
    uncertainty: bool = False,
) -> tuple[list[Path], list[Path]]:
    """Write frames, their level-1.5 manifest and their table of records, as one block.

    Returns
    -------
    tuple of list of Path
        Manifests and tables of records, of one block.
    """
    block = "20210703T1400"
    frames = folder / "level1.5" / str(channel) / block
    frames.mkdir(parents=True)
    rows, times = [], exposures(count if numbers is None else max(numbers, default=0) + 1)
    random = np.random.default_rng(7)
    for number in range(count) if numbers is None else numbers:
        head = header(number, float(times[number]), size, cdelt, channel, synthetic)
        image = scene(number, size, cdelt).astype(np.float32)
        if noise:
            image += noise * np.sqrt(image / times[number]) * random.standard_normal(image.shape).astype(np.float32)
        image[:3, :] = np.nan
        name = f"aia.lev1_euv_12s.{head['T_REC'].replace(':', '')}.{channel}.image_lev1.5.fits"
        hdus = fits.HDUList(
            [fits.PrimaryHDU(image, head), as_table(companions.flags_table(np.empty(0, companions.RUN)))]
        )
        if uncertainty:
            hdus[0].header["UNCERTAI"] = True
            error = noise * np.sqrt(np.abs(image) / times[number])
            hdus.append(as_table(companions.uncertainty_table(error.astype(np.float32), packed=False)))
        hdus.writeto(frames / name)
        row = {key: head[key] for key in ("T_REC", "T_OBS", "WAVELNTH", "QUALITY")} | {"EXPTIME": head["O_EXPTIM"]}
        row |= {"file": f"{block}/{name}", "record": f"aia.lev1_euv_12s[{head['T_REC']}][{channel}]"}
        rows.append(row | {"sha256": f"{number:064x}"})
    manifest = frames.with_suffix(".csv")
    LEVEL15.write(manifest, rows)
    records = folder / "records" / str(channel) / f"{block}.csv"
    records.parent.mkdir(parents=True)
    known = [{name: row[name] for name in row if name in RECORDS.known} for row in rows]
    RECORDS.write(records, [row | {"kept": True, "dropped_by": ""} for row in known])
    return [manifest], [records]
