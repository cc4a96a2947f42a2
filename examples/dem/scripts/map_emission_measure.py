"""Draw maps of the emission measure, by temperature, of the first set."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.colors import LogNorm

from aia_sequence.joblog import job_log


def main(table: Path, maps: list, outputs: list) -> None:
    """Write the figure to every file of `outputs`."""
    plt.rc("font", size=8)
    with xr.open_dataset(table, engine="h5netcdf") as dataset:
        one = dataset.isel(time=0).load()
    sums = [
        one["emission_measure"].where((one.logt > low) & (one.logt < high)).sum("logt", skipna=True, min_count=1)
        for low, high in maps
    ]
    top = max(float(np.nanpercentile(each, 99.9)) for each in sums)
    size = 180 / 25.4
    figure, axes = plt.subplots(
        1, len(maps), figsize=(size, size / len(maps) + 0.7), layout="constrained", dpi=300, sharey=True
    )
    extent = [float(value) for name in "xy" for value in (one[name][0], one[name][-1])]
    for ax, each, (low, high) in zip(axes, sums, maps, strict=True):
        shown = ax.imshow(each, origin="lower", extent=extent, cmap="inferno", norm=LogNorm(top / 1e3, top))
        ax.set(title=f"{10 ** (low - 6):.1f} to {10 ** (high - 6):.1f} MK", xlabel="Solar X (arcsec)")
        ax.set_facecolor("0.7")  # pixels that could not be inverted
    axes[0].set_ylabel("Solar Y (arcsec)")
    figure.colorbar(shown, ax=axes, label="Emission measure (cm$^{-5}$)", shrink=0.8)
    if dataset.attrs["synthetic"]:
        figure.suptitle(f"SYNTHETIC DATA, {one.time.item()[:19].replace('T', ' ')}", color="crimson", fontsize=8)
    else:
        figure.suptitle(one.time.item()[:19].replace("T", " "), fontsize=8)
    for output in outputs:
        figure.savefig(output, metadata={"CreationDate": None} if str(output).endswith(".pdf") else None)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(Path(snakemake.input[0]), snakemake.params.maps, list(snakemake.output))
