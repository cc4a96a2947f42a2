"""Cubes and Python's view of a finished event: what other libraries read is what the frames hold."""

import warnings

import netCDF4
import numpy as np
import pytest
import xarray as xr
from astropy import units as u
from astropy.io import fits
from astropy.time import Time
from small_frames import write_sequence

import aia_sequence
from aia_sequence.analysis import cube
from aia_sequence.errors import AIAError, FrameError

REGION = {"x": [600, 1100], "y": [100, 600]}


@pytest.fixture(scope="module")
def event(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cubes") / "flare"
    write_sequence(folder, 5, noise=1.0, uncertainty=True)
    write_sequence(folder, 5, channel=171)
    return aia_sequence.open(folder)


@pytest.fixture(scope="module")
def written(event, tmp_path_factory):
    path = tmp_path_factory.mktemp("written") / "211.nc"
    assert cube.write(path, cube.seen(event[211].frames, REGION), REGION) == 5
    return path


def pixels(frame):
    """The region of a file, by FITS alone: pixels whose centres lie within."""
    with fits.open(frame.path) as hdus:
        header, image = hdus[0].header, hdus[0].data
        centres = (np.arange(1, header["NAXIS1"] + 1) - header["CRPIX1"]) * header["CDELT1"]
        columns, rows = ((centres >= low) & (centres <= high) for low, high in (REGION["x"], REGION["y"]))
        return image[np.ix_(rows, columns)], hdus["UNCERT"].data["SIGMA"][np.ix_(rows, columns)]


def test_the_cube_holds_every_frames_region_rounded_to_a_fraction_of_the_noise(event, written):
    with netCDF4.Dataset(written) as file:
        assert file["data"].dimensions == ("time", "y", "x")
        for number, frame in enumerate(event[211].frames):
            image, sigma = pixels(frame)
            step = 2.0 ** np.floor(np.log2(0.1 / (frame.EXPTIME * 0.8)))
            stored = np.ma.filled(file["data"][number], np.nan)
            assert file["step"][number] == step
            assert np.nanmax(np.abs(stored - image)) <= step / 2
            np.testing.assert_array_equal(np.isnan(stored), np.isnan(image))
            np.testing.assert_allclose(np.ma.filled(file["uncertainty"][number], np.nan), sigma, rtol=0.008)


def test_times_are_right_to_the_millisecond_for_every_reader(event, written):
    expected = Time([frame.T_OBS[:-1] for frame in event[211].frames], scale="utc")
    with netCDF4.Dataset(written) as file:
        dates = netCDF4.num2date(file["time"][:], file["time"].units, file["time"].calendar)
        assert [f"{date:%Y-%m-%dT%H:%M:%S.%f}"[:22] for date in dates] == [
            frame.T_OBS[:22] for frame in event[211].frames
        ]
        tai = Time("1977-01-01", scale="tai") + file["tai"][:] * u.s
        assert abs((tai - expected).to_value("ms")).max() < 1
    with xr.open_dataset(written) as dataset:
        assert abs(dataset["time"].values - expected.datetime64).max() < np.timedelta64(1, "ms")


def test_the_same_frames_make_the_same_bytes(event, written, tmp_path):
    cube.write(tmp_path / "again.nc", cube.seen(event[211].frames, REGION), REGION)
    assert (tmp_path / "again.nc").read_bytes() == written.read_bytes()


def test_xarray_reads_it_lazily_and_sees_the_same_as_from_the_frames(event, written):
    frames = event[211].cube()
    assert frames["data"].chunks[0] == (1,) * 5
    with xr.open_dataset(written, chunks={}) as file:
        whole = frames.sel(x=slice(*REGION["x"]), y=slice(*REGION["y"]))
        np.testing.assert_array_equal(file["data"], whole["data"])
        np.testing.assert_array_equal(file["mask"], whole["mask"])
        np.testing.assert_allclose(file["x"], whole["x"])


def test_ndcube_has_the_frames_times_and_places(event):
    made = event[211].ndcube()
    x, y, time = made.wcs.low_level_wcs.pixel_to_world_values(300, 250, 3)
    frames = event[211].frames
    assert float(time) == pytest.approx(frames[3].time - frames[0].time, abs=1e-3)
    assert (float(x) * 3600, float(y) * 3600) == pytest.approx(((300 - 199.5) * 6, (250 - 199.5) * 6), abs=0.01)
    assert made.unit == u.Unit("DN / s")
    assert made[2].data.shape == (400, 400)


def test_an_event_opens_as_maps_light_curves_and_channels_by_number_or_text(event):
    assert list(event) == [171, 211]
    assert event["211"] is event[211]
    assert len(event[211]) == 5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        maps = event[171].maps()
    assert [one.wavelength.value for one in maps] == [171] * 5
    with pytest.raises(KeyError, match="has no channel '212'; did you mean 211"):
        event["212"]
    with pytest.raises(AIAError, match=r"lightcurve\.csv is missing"):
        event[171].lightcurve()
    with pytest.raises(AIAError, match=r"holds no level-1\.5 frames"):
        aia_sequence.open(event.folder / "nowhere")


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda event: event[None], "has no channel None; allowed are 171, 211"),
        (lambda event: event[211].slit("loop"), "flare has no slit 'loop'; there is none"),
        (
            lambda event: event[211].slit("loop", width=3),
            "the slit 'loop' is as the event describes it: leave out width",
        ),
        (lambda event: event.sets(within=-1), "within: -1 is no distance in time"),
        (lambda event: event.sets(within=float("nan")), "within: nan is no distance in time"),
    ],
)
def test_what_an_event_cannot_give_is_refused_in_words(event, ask, words):
    with pytest.raises((AIAError, KeyError), match=words):
        ask(event)


def test_one_channel_alone_makes_sets_too(event):
    assert (
        [list(one.frames) for one in event.sets("211")] == [[211]] * 5 == [list(one.frames) for one in event.sets(211)]
    )


@pytest.mark.parametrize("ask", ["maps", "cube", "ndcube", "difference"])
def test_a_channel_without_frames_says_so_by_event_and_channel(event, tmp_path, ask):
    (tmp_path / "flare" / "level1.5" / "304").mkdir(parents=True)
    empty = aia_sequence.open(tmp_path / "flare")[304]
    with pytest.raises(AIAError, match=r"flare: there is no level-1\.5 frame at 304"):
        getattr(empty, ask)()


@pytest.mark.parametrize(("kind", "unit"), [("running", "DN / s"), ("base", "DN / s"), ("ratio", "1")])
def test_differences_say_that_they_are_no_brightness_and_go_into_a_file(event, tmp_path, kind, unit):
    found = event[211].difference(kind)
    words = {"running": "running difference", "base": "base difference", "ratio": "base ratio"}[kind]
    assert found["data"].attrs == {"long_name": f"{words} of the brightness", "units": unit}
    assert found["uncertainty"].attrs["units"] == unit
    assert "standard deviation" in found["uncertainty"].attrs["long_name"]
    assert all(words in found.attrs[name] for name in ("title", "summary", "history"))
    found.to_netcdf(tmp_path / "x.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "x.nc") as again:
        xr.testing.assert_allclose(again["data"], found["data"].compute())
        np.testing.assert_array_equal(again["reference"], found["reference"])


def test_frames_of_two_sizes_make_no_cube(event, tmp_path):
    entries = list(cube.seen(event[211].frames[:2], REGION))
    entries[1].planes["data"] = entries[1].planes["data"][:-1]
    with pytest.raises(FrameError, match="frames of one cube have one size"):
        cube.write(tmp_path / "x.nc", entries, REGION)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FrameError, match="no frame to put into a cube"):
        cube.write(tmp_path / "x.nc", [], REGION)
