"""Draw two flares side by side: the first frame of each at 211 Å, and both light curves."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import sunpy.visualization.colormaps  # noqa: F401 - registers sdoaia211
from matplotlib.colors import AsinhNorm

from aia_sequence.config.rotation import region_at
from aia_sequence.frames.fits import read_header, read_level15
from aia_sequence.joblog import job_log
from aia_sequence.lists.lightcurve import read_points
from aia_sequence.lists.manifests import listed
from aia_sequence.times import read_time


def main(*, lightcurves: list, manifests: list, regions: list, titles: list, outputs: list) -> None:
    """Write the figure to every file of `outputs`; the other lists have one entry for each flare."""
    plt.rc("font", size=8)
    plt.rc("axes", titlesize=9)
    figure, (top, bottom) = plt.subplots(
        2, 2, figsize=(180 / 25.4, 125 / 25.4), layout="constrained", height_ratios=[2.2, 1], dpi=300
    )
    for axes, below, title, region, manifest, table in zip(
        top, bottom, titles, regions, manifests, lightcurves, strict=True
    ):
        image, header = first_frame(Path(manifest), region)
        half = region["width"] / 2, region["height"] / 2
        shown = axes.imshow(
            image,
            origin="lower",
            extent=(-half[0], half[0], -half[1], half[1]),
            cmap="sdoaia211",
            norm=AsinhNorm(linear_width=np.nanpercentile(image, 90) / 5, vmin=0, vmax=np.nanpercentile(image, 99.9)),
        )
        beside = axes.inset_axes([1.04, 0, 0.05, 1])  # as tall as the image, whose aspect is fixed
        figure.colorbar(shown, cax=beside, label=header["BUNIT"], ticks=[0, 100, 300, 1000, 3000], format="%d")
        axes.set(title=title, xlabel="X from flare (arcsec)", ylabel="Y from flare (arcsec)")
        axes.text(0.03, 0.03, header["T_OBS"][:19].replace("T", " "), color="white", transform=axes.transAxes)
        if header.get("SYNTH"):
            axes.text(0.97, 0.97, "synthetic data", color="white", transform=axes.transAxes, ha="right", va="top")
        seconds, brightness = lightcurve(Path(table))
        below.plot(seconds, brightness / brightness[0], "o-", ms=3, color="0.2")
        below.set(xlabel="Time from first frame (s)", ylabel="Mean brightness\n(first frame = 1)")
    for output in outputs:
        figure.savefig(output, metadata={"CreationDate": None} if str(output).endswith(".pdf") else None)


def first_frame(manifest: Path, region: dict) -> tuple:
    """Image and header of the region in the first frame of a level-1.5 manifest."""
    path = next(listed(manifest)).path
    return read_level15(path, region_at(region, read_header(path)))


def lightcurve(table: Path) -> tuple[np.ndarray, np.ndarray]:
    """Seconds since the first frame, and the region's mean brightness."""
    points = read_points(table)
    times = np.array([read_time(point.T_OBS) for point in points])
    return times - times[0], np.array([point.mean for point in points])


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            lightcurves=list(snakemake.input.lightcurves),
            manifests=list(snakemake.input.manifests),
            regions=snakemake.params.regions,
            titles=snakemake.params.titles,
            outputs=list(snakemake.output),
        )
