"""Invert co-temporal sets of level-1.5 frames to emission measures (Hannah & Kontar 2012, A&A 539, A146; demregpy)."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from demregpy import dn2dem
from demregpy.tresp import load_aia_response

import aia_sequence
from aia_sequence.frames.fits import read_level15
from aia_sequence.joblog import job_log
from aia_sequence.times import iso

logger = logging.getLogger(__name__)


def responses(channels: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """log10 of temperatures (K), and at each the response of the channels, DN cm5 / (s pixel): those of demregpy.

    They are of the launch, as level 1.5 is after its correction for degradation.
    """
    names, logt, matrix = load_aia_response()
    return logt, matrix[:, [names.index(f"A{channel}") for channel in channels]]


LARGEST_CHI_SQUARED = 3.0  # per channel; from there on no emission measure explains the counts


def invert(counts: np.ndarray, sigma: np.ndarray, channels: Sequence[int], edges: np.ndarray) -> dict[str, np.ndarray]:
    """Emission measures of pixels.

    Parameters
    ----------
    counts, sigma
        (n, channels), DN / (s pixel of 0.6 arcsec), and their standard deviations.
    channels
        Wavelengths in angstrom.
    edges
        log10 of the temperatures (K) between bins.

    Returns
    -------
    dict
        `emission_measure` and `uncertainty` (n, bins), cm-5; `chi_squared` (n,). NaN where a channel is missing or not
        above zero, which would stop demregpy for all pixels; no emission measure either where none explains the counts.
    """
    usable = np.isfinite(counts).all(axis=1) & np.isfinite(sigma).all(axis=1) & (counts > 0).all(axis=1)
    logt, matrix = responses(channels)
    temperatures = 10**edges
    dem, error, _, chi_squared, _ = dn2dem(counts[usable], sigma[usable], matrix, logt, temperatures)
    found = {name: np.full((len(counts), edges.size - 1), np.nan) for name in ("emission_measure", "uncertainty")}
    explained = np.where(chi_squared < LARGEST_CHI_SQUARED, 1.0, np.nan)[:, None]
    found["emission_measure"][usable] = explained * dem * np.diff(temperatures)
    found["uncertainty"][usable] = explained * error * np.diff(temperatures)
    found["chi_squared"] = np.full(len(counts), np.nan)
    found["chi_squared"][usable] = chi_squared
    return found


def main(
    event: str, channels: Sequence[int], within: float, edges: np.ndarray, systematic: float, output: Path
) -> None:
    """Invert every set of an event, and write the result as netCDF."""
    sets, made = aia_sequence.open(event).sets(list(channels), within), []
    for one in sets:
        planes = [read_level15(frame.path, None, "image", "uncertainty", "flags") for frame in one.frames.values()]
        header, counts = planes[0][-1], np.stack([plane[0] for plane in planes], axis=-1).astype(float)
        sigma = np.hypot(np.stack([plane[1] for plane in planes], axis=-1), systematic * counts)
        counts[np.stack([plane[2] for plane in planes], axis=-1) > 0] = np.nan  # saturated, or near
        shape = counts.shape[:2]
        found = invert(counts.reshape(-1, len(channels)), sigma.reshape(-1, len(channels)), channels, edges)
        cube = {
            name: (("y", "x", "logt")[: values.ndim + 1], values.reshape(*shape, *values.shape[1:]))
            for name, values in found.items()
        }
        made.append(xr.Dataset(cube, {"time": iso(one.time, 2)}))
        logger.info("%s: %d of %d pixels", iso(one.time), np.isfinite(found["chi_squared"]).sum(), len(counts))
    places = {
        f"{name}": (name, (np.arange(1, header[f"NAXIS{n}"] + 1) - header[f"CRPIX{n}"]) * header[f"CDELT{n}"])
        for n, name in ((1, "x"), (2, "y"))
    }
    whole = xr.concat(made, "time").assign_coords(logt=(edges[1:] + edges[:-1]) / 2, **places)
    whole.attrs = {"synthetic": int(bool(header.get("SYNTH"))), "event": Path(event).name, "systematic": systematic}
    whole.to_netcdf(output, engine="h5netcdf")


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        span = snakemake.params.log_temperature
        main(
            snakemake.params.event,
            snakemake.params.channels,
            snakemake.params.within,
            np.arange(span["from"], span["to"] + span["step"] / 2, span["step"]),
            snakemake.params.systematic,
            Path(snakemake.output[0]),
        )
