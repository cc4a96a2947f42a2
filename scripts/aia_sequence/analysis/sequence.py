"""Finished events in Python: frames, maps, light curves and cubes, read when they are asked for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from aia_sequence.analysis import sets
from aia_sequence.config.figure import FigureOptions
from aia_sequence.config.slits import Slit
from aia_sequence.errors import AIAError, suggestion
from aia_sequence.figures.sequence import Frame, list_frames
from aia_sequence.times import duration, read_time

if TYPE_CHECKING:
    from astropy.time import Time
    from astropy.timeseries import TimeSeries
    from ndcube import NDCube
    from sunpy.map import MapSequence
    from sunpy.map.sources import AIAMap
    from xarray import Dataset


@dataclass(frozen=True)
class Channel:
    """The frames of one channel of an event.

    Attributes
    ----------
    folder
        The event's folder.
    wavelength
        In angstrom.
    region
        The event's region of interest, see config/README.md; None is the full disk.
    slits
        The event's slits, by name, as its configuration describes them.
    figure
        The event's options of figures.
    """

    folder: Path
    wavelength: int
    region: Mapping[str, Any] | None = None
    slits: Mapping[str, Any] = field(default_factory=dict)
    figure: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def frames(self) -> list[Frame]:
        """Level-1.5 files with what the manifests say of them, in the order of their observation."""
        return list_frames(sorted(self.folder.glob(f"level1.5/{self.wavelength}/*.csv")))

    def __len__(self) -> int:
        return len(self.frames)

    def _some(self) -> list[Frame]:
        if not self.frames:
            raise AIAError(f"{self.folder}: there is no level-1.5 frame at {self.wavelength} Å")
        return self.frames

    @property
    def paths(self) -> list[Path]:
        """Level-1.5 FITS files."""
        return [frame.path for frame in self.frames]

    @property
    def times(self) -> "Time":
        """T_OBS of every frame, the middle of its exposure, UTC."""
        from astropy.time import Time

        return Time([frame.T_OBS.removesuffix("Z") for frame in self.frames], scale="utc", format="isot")

    def maps(self) -> "MapSequence":
        """All frames as a sunpy MapSequence; uncompressed ones stay on disk until their pixels are asked for."""
        import sunpy.map

        return sunpy.map.Map([str(frame.path) for frame in self._some()], sequence=True)

    def lightcurve(self) -> "TimeSeries":
        """The light curve of the region, with units, by T_OBS.

        Raises
        ------
        AIAError
            If it has not been measured.
        """
        from astropy.table import QTable
        from astropy.time import Time
        from astropy.timeseries import TimeSeries

        path = self.folder / "figures" / str(self.wavelength) / "lightcurve.csv"
        if not path.is_file():
            raise AIAError(f"{path} is missing; `aia-sequence run` makes it")
        table = QTable.read(path, format="ascii.ecsv")
        time = Time([text.removesuffix("Z") for text in table["T_OBS"]], scale="utc", format="isot")
        return TimeSeries(table[[name for name in table.colnames if name != "T_OBS"]], time=time)

    def cube(self) -> "Dataset":
        """Brightness of the region with uncertainty, mask and everything that is known of each frame, read lazily.

        It is the event's `cubes/{channel}.nc` where that was made, else the level-1.5 frames themselves.

        Returns
        -------
        xarray.Dataset
            `data` (time, y, x) in the frames' unit, `uncertainty` where it was calculated, `mask`; see
            `aia_sequence.analysis.cube`.
        """
        from aia_sequence.analysis import dataset

        path = self.folder / "cubes" / f"{self.wavelength}.nc"
        return dataset.open_file(path) if path.is_file() else dataset.of_frames(self._some(), self.region)

    def difference(self, kind: str = "running", *, lag: str | int | None = None, base: str | None = None) -> "Dataset":
        """What has changed between the frames of the cube, with propagated uncertainties, read lazily.

        Parameters
        ----------
        kind
            `running`: to the frame before, but not across a gap; `base`: to one frame; `ratio`: over it.
        lag
            How much earlier the frame is that a running difference subtracts, such as `60s` or `5m`.
        base
            Time (ISO, UTC) to which the base frame is the nearest; without it the first.

        Returns
        -------
        xarray.Dataset
            `data` (time, y, x), `uncertainty` where it was calculated, `mask`; see `aia_sequence.analysis.changes`.
        """
        from aia_sequence.analysis import changes

        seconds = None if lag is None else duration(lag).total_seconds()
        return changes.difference(self.cube(), kind, lag=seconds, base=None if base is None else read_time(base))

    def slit(self, name: str | None = None, **options: Any) -> "Dataset":
        """Brightness along a slit, frame after frame: time–distance data.

        Parameters
        ----------
        name
            Of a slit of the event's configuration, whose file is taken where it was made. Without it, `options` say
            what the slit is.
        options
            Of `aia_sequence.config.slits.Slit`: `points`, or `centre`, `radius` and `angles`; `width`, `at`.

        Returns
        -------
        xarray.Dataset
            `data` (time, distance) in DN/s, `uncertainty`, `mask`; see `aia_sequence.analysis.slits.follow`.

        Raises
        ------
        AIAError
            If the event has no slit of this name, or the options are not those of one.
        """
        import xarray as xr

        from aia_sequence.analysis import slits

        if name is None:
            return xr.decode_cf(slits.follow(self._some(), Slit.of("slit", options)))
        if options:
            raise AIAError(
                f"the slit {name!r} is as the event describes it: leave out {', '.join(options)}, or the name"
            )
        path = self.folder / "figures" / str(self.wavelength) / "slits" / f"{name}.nc"
        if path.is_file():
            return xr.load_dataset(path, engine="h5netcdf")
        if name not in self.slits:
            raise AIAError(f"{self.folder.name} has no slit {name!r}; {suggestion(name, self.slits)}")
        return xr.decode_cf(slits.follow(self._some(), Slit.of(name, self.slits[name])))

    def still(self, time: str, path: str | Path, *, size: int = 1080, **options: Any) -> Path:
        """Write the frame nearest to a time as a picture for a talk: scale bar, time and channel, no axes.

        Parameters
        ----------
        time
            ISO, UTC.
        path
            PNG (or PDF) file to be written.
        size
            Pixels of the longer side.
        options
            `region`, in place of the event's (None is the full disk); and of the figures, in place of the event's own:
            `stretch`, `power`, `limits`, `percentiles` (of this frame), `limb`, `grid`.

        Returns
        -------
        pathlib.Path
            The file.
        """
        from aia_sequence.figures import still

        region = options.pop("region", self.region)
        frame = min(self._some(), key=lambda one: abs(one.time - read_time(time)))
        still.draw_still(frame, region, Path(path), size=size, options=FigureOptions.of({**self.figure, **options}))
        return Path(path)

    def map(self, number: int) -> "AIAMap":
        """A frame of the cube, by its number from 0, as a sunpy map; a derotated one is seen at the reference time."""
        from aia_sequence.analysis import dataset

        return dataset.as_map(self.cube(), number)

    def ndcube(self) -> "NDCube":
        """The same as an NDCube, whose axes are time, latitude and longitude as SDO sees them."""
        from aia_sequence.analysis import dataset

        return dataset.as_ndcube(self.cube())


class Sequence(Mapping[int, Channel]):
    """A finished event: its channels, by wavelength in angstrom.

    Parameters
    ----------
    folder
        The event's folder, such as `results/x1.5-2021-07-03`.

    Raises
    ------
    AIAError
        If it holds no level-1.5 frames.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder, self.name = Path(folder), Path(folder).name
        wavelengths = sorted(int(path.name) for path in self.folder.glob("level1.5/*") if path.name.isdecimal())
        if not wavelengths:
            raise AIAError(f"{self.folder} holds no level-1.5 frames; name the folder of an event, results/NAME")
        about = self.config.get("region"), self.config.get("slits", {}), self.config.get("figure", {})
        self.channels = {one: Channel(self.folder, one, *about) for one in wavelengths}

    @cached_property
    def config(self) -> dict[str, Any]:
        """The event's options as they were used, defaults included; empty before the event is finished."""
        path = self.folder / "workflow" / "config.yaml"
        return yaml.safe_load(path.read_text(encoding="utf-8"))["events"][0] if path.is_file() else {}

    def __getitem__(self, channel: int | str) -> Channel:
        try:
            return self.channels[int(channel)]
        except (KeyError, TypeError, ValueError):
            allowed = list(map(str, self.channels))
            raise KeyError(f"{self.name} has no channel {channel!r}; {suggestion(str(channel), allowed)}") from None

    def __iter__(self) -> Iterator[int]:
        return iter(self.channels)

    def __len__(self) -> int:
        return len(self.channels)

    def __repr__(self) -> str:
        frames = ", ".join(f"{len(channel)} at {wavelength} Å" for wavelength, channel in self.channels.items())
        return f"<Sequence {self.name}: {frames}>"

    def sets(
        self, channels: "list[int | str] | str | int | None" = None, within: float = sets.WITHIN, *, whole: bool = True
    ) -> list[sets.Set]:
        """Co-temporal frames of several channels: a set for each time step, with the nearest frame of each channel.

        Parameters
        ----------
        channels
            Wavelengths in angstrom; by default all of the event. Frames of the first are the steps.
        within
            Largest distance in time (s) of a frame from its step.
        whole
            Whether to leave out sets in which a channel has no frame as near as that.
        """
        channels = [channels] if isinstance(channels, str | int) else channels
        wanted = [self[channel] for channel in (channels if channels is not None else self)]
        found = sets.co_temporal({channel.wavelength: channel.frames for channel in wanted}, within)
        return [one for one in found if len(one.frames) == len(wanted) or not whole]


def open(folder: str | Path) -> Sequence:  # noqa: A001 - `aia_sequence.open`, as `xarray.open_dataset`
    """Open a finished event.

    Parameters
    ----------
    folder
        The event's folder, such as `results/x1.5-2021-07-03`.

    Returns
    -------
    Sequence
        Its channels, by wavelength: `open("results/x")["211"].maps()`.

    Raises
    ------
    AIAError
        If it holds no level-1.5 frames.
    """
    return Sequence(folder)
