"""Slits: places along them, what moves along them, their noise, and files that say what was done."""

import shutil

import netCDF4
import numpy as np
import pytest
import small_frames
import xarray as xr
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from images import pixels
from small_frames import as_table, write_sequence
from sunpy.coordinates import HeliographicStonyhurst, Helioprojective, propagate_with_solar_surface

import aia_sequence
from aia_sequence.analysis import slits
from aia_sequence.calibration.resample import coefficients, interpolate, variance
from aia_sequence.config.figure import FigureOptions
from aia_sequence.config.rotation import carried as carried_to
from aia_sequence.config.rotation import surface
from aia_sequence.config.slits import Slit
from aia_sequence.errors import AIAError, ConfigError, FrameError
from aia_sequence.figures.sequence import list_frames
from aia_sequence.figures.style import MISSING
from aia_sequence.figures.timedistance import cells, plot_slit
from aia_sequence.frames.geometry import Geometry, Grid
from aia_sequence.times import iso, read_time

SIZE, STEP = 460, 0.6
AXIS = (np.arange(SIZE) - (SIZE - 1) / 2) * STEP
START = "2021-07-03T14:27:25.09Z"  # T_OBS of frame 0
DISTANCE = 152086 / 696  # of the frames' observer, solar radii
TILT = 3.2
STRAIGHT = Slit("straight", points=((-60, -35), (70, 40)), width=5)
ARC = Slit("arc", centre=(5, -90), radius=120, angles=(140, 40), width=3)
TURNING = Slit("turning", points=((-80, 60), (40, 100)), width=5, at=START)


def blob(x, y):
    """A bright spot, 6 arcsec wide, on an even background."""
    return 50 + 900 * np.exp(-0.5 * ((AXIS - x) ** 2 + (AXIS[:, np.newaxis] - y) ** 2) / 9)


def along(slit, distance):
    """Place (arcsec) at a distance along a slit, by its definition."""
    if slit.centre:
        begin, end = np.radians(slit.angles)
        angle = begin + np.sign(end - begin) * distance / slit.radius
        return slit.centre[0] + slit.radius * np.cos(angle), slit.centre[1] + slit.radius * np.sin(angle)
    first, last = np.array(slit.points, float)
    return first + (last - first) * distance / np.hypot(*(last - first))


def heliographic(x, y):
    """Stonyhurst longitude and latitude (degrees) of a place on the photosphere, by the line of sight alone."""
    x, y, tilt = np.radians(x / 3600), np.radians(y / 3600), np.radians(TILT)
    ray = np.array([np.cos(y) * np.sin(x), np.sin(y), -np.cos(y) * np.cos(x)])
    reach = DISTANCE * -ray[2]
    west, up, near = (reach - np.sqrt(reach**2 - DISTANCE**2 + 1)) * ray + [0, 0, DISTANCE]
    north, ahead = up * np.cos(tilt) + near * np.sin(tilt), near * np.cos(tilt) - up * np.sin(tilt)
    return np.degrees(np.arctan2(west, ahead)), np.degrees(np.arcsin(north))


def carried(x, y, seconds):
    """Where a place is seen when the surface has turned: by sunpy, for the observer of the frames' headers."""
    radius, begin = 696_000 * u.km, read_time(START)
    views = []
    for time in (iso(begin, 2).removesuffix("Z"), iso(begin + seconds, 2).removesuffix("Z")):
        sdo = HeliographicStonyhurst(0 * u.deg, TILT * u.deg, 152086e3 * u.km, obstime=time)
        views.append(Helioprojective(observer=sdo, obstime=time, rsun=radius))
    with propagate_with_solar_surface():
        seen = SkyCoord(x * u.arcsec, y * u.arcsec, frame=views[0]).make_3d().transform_to(views[1])
    return seen.Tx.to_value(u.arcsec), seen.Ty.to_value(u.arcsec)


def written(folder, numbers, scene, **options):
    """Frames that show a scene, by the frame's number."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(small_frames, "scene", lambda number, *_: scene(number))
        manifests, _ = write_sequence(folder, numbers=numbers, size=SIZE, cdelt=STEP, **options)
    return list_frames(manifests)


def speed(found):
    """Arcsec a second of the ridge: the weighted middle of what is bright, fitted by a line."""
    data = found["data"].values - 50
    distance = found["distance"].values
    seconds = found["tai"].values - found["tai"].values[0]
    middles = (data * distance).sum(axis=1) / data.sum(axis=1)
    return np.polyfit(seconds, middles, 1)


@pytest.mark.parametrize(
    ("slit", "numbers", "truth"),
    [(STRAIGHT, range(0, 20, 2), 0.24), (ARC, range(0, 20, 2), 0.31), (TURNING, range(0, 500, 50), 0.008)],
    ids=lambda value: getattr(value, "name", ""),
)
def test_the_speed_of_what_moves_along_a_slit_is_recovered(tmp_path, slit, numbers, truth):
    def scene(number):
        place = along(slit, 15 + truth * 24 * number)
        return blob(*(carried(*place, 24.0 * number) if slit.at else place))

    found = slits.follow(written(tmp_path, list(numbers), scene, synthetic=False), slit)
    rate, begin = speed(found)
    assert rate == pytest.approx(truth, rel=0.02)
    assert begin == pytest.approx(15, abs=0.1)


def test_a_slit_that_stays_sees_the_sun_turn(tmp_path):
    """What makes a slit that turns worth while: 9 arcsec an hour, here."""
    place = along(TURNING, 60)
    scene = lambda number: blob(*carried(*place, 24.0 * number))  # noqa: E731
    frames = written(tmp_path, [0, 150, 300], scene)
    stays = Slit("stays", points=TURNING.points, width=5)
    assert speed(slits.follow(frames, stays))[0] * 3600 == pytest.approx(9, abs=0.6)
    assert speed(slits.follow(frames, TURNING))[0] * 3600 == pytest.approx(0, abs=0.03)


def test_places_lie_evenly_a_pixel_apart_along_and_across():
    for slit in (STRAIGHT, ARC):
        x, y, distance = slits.places(slit)
        middle = slit.width // 2
        steps = np.hypot(np.diff(x[middle]), np.diff(y[middle]))
        assert distance[-1] == pytest.approx(slit.length)
        assert np.diff(distance) == pytest.approx(0.6, abs=0.004)
        np.testing.assert_allclose(steps, np.diff(distance), rtol=1e-4)  # of an arc: chords
        np.testing.assert_allclose(np.hypot(np.diff(x, axis=0), np.diff(y, axis=0)), 0.6)
        for place in (0, -1):
            np.testing.assert_allclose([x[middle, place], y[middle, place]], along(slit, distance[place]))


def test_a_slit_goes_from_point_to_point():
    x, y, distance = slits.places(Slit(points=((0, 0), (30, 0), (30, 40)), width=1))
    assert distance[-1] == pytest.approx(70)
    corner = distance.searchsorted(30)
    assert (x[0, :corner], y[0, :corner]) == (pytest.approx(distance[:corner]), pytest.approx(0))
    assert (x[0, corner:], y[0, corner:]) == (pytest.approx(30), pytest.approx(distance[corner:] - 30))


def test_distances_in_megametres_are_in_the_plane_of_the_sky_or_along_great_circles(tmp_path):
    frames = written(tmp_path, [0], lambda _: blob(0, 0))
    stays = slits.follow(frames, STRAIGHT)
    np.testing.assert_allclose(stays["distance_mm"], np.radians(stays["distance"] / 3600) * 152086, rtol=1e-6)
    turns = slits.follow(frames, TURNING)
    longitude, latitude = np.radians([heliographic(*along(TURNING, one)) for one in turns["distance"].values]).T
    beside = np.sin(np.diff(latitude) / 2) ** 2
    beside += np.cos(latitude[1:]) * np.cos(latitude[:-1]) * np.sin(np.diff(longitude) / 2) ** 2
    steps = 696 * 2 * np.arcsin(np.sqrt(beside))
    np.testing.assert_allclose(np.diff(turns["distance_mm"]), steps, rtol=1e-4)


def test_a_value_is_the_mean_of_what_is_interpolated_across(tmp_path):
    """Of an even slope, which bilinear interpolation keeps exactly."""
    plane = (200 + 0.7 * AXIS[np.newaxis, :] - 0.4 * AXIS[:, np.newaxis]).astype(np.float32)
    found = slits.follow(written(tmp_path, [0], lambda _: plane), STRAIGHT)
    x, y = np.array([along(STRAIGHT, one) for one in found["distance"].values]).T
    np.testing.assert_allclose(found["data"][0], 200 + 0.7 * x - 0.4 * y, rtol=1e-5)
    np.testing.assert_allclose([found["x"], found["y"]], [x, y])


@pytest.mark.parametrize("period", [3, 5, 10])
def test_interpolation_along_a_slit_smooths_as_the_documentation_says(tmp_path, root, period):
    """A wave of so many pixels keeps sinc squared of its amplitude along an oblique slit, as a hat does."""
    wave = 2 * np.pi * AXIS / (period * STEP)
    frames = written(tmp_path, [0], lambda _: np.tile(500 + 100 * np.cos(wave), (SIZE, 1)))
    found = slits.follow(frames, Slit("oblique", points=((-110, -60), (105, 64)), width=1))
    phase = 2 * np.pi * found["x"].values / (period * STEP)
    design = np.stack([np.cos(phase), np.sin(phase), np.ones_like(phase)], axis=1)
    (cosine, sine, _), *_ = np.linalg.lstsq(design, found["data"].values[0], rcond=None)
    kept = np.sinc(1 / period) ** 2
    assert np.hypot(cosine, sine) / 100 == pytest.approx(kept, abs=0.02)
    assert f"{kept:.2f}" in (root / "docs" / "figures.md").read_text(encoding="utf-8")


def test_what_was_not_measured_is_missing_and_only_where_it_has_a_say(tmp_path):
    def holed(number):
        image = blob(0, 0)
        image[230, 230] = np.nan if number else 1.0
        return image

    across = Slit("across", points=((-30, AXIS[230]), (30, AXIS[230])), width=1)
    found = slits.follow(written(tmp_path, [0, 1], holed), across)
    gone = np.isnan(found["data"].values)
    assert gone.sum(axis=1).tolist() == [0, 2]
    np.testing.assert_allclose(found["distance"][gone[1]] - 30, AXIS[230], atol=0.6)
    np.testing.assert_array_equal(found["mask"].values == 4, gone)


@pytest.mark.parametrize("kernel", ["cubic-spline", "keys"])
def test_the_uncertainty_is_the_scatter_of_noise_through_registration_and_slit(tmp_path, kernel):
    """Monte Carlo: level-1 frames of nothing but noise (3 DN), registered as level 1.5 is, sampled along a slit."""
    geometry, grid = Geometry(235.237, 234.589, 0.600758, 0.06), Grid(SIZE, SIZE, (SIZE + 1) / 2, (SIZE + 1) / 2)
    affine, shape, random = geometry.map(grid), (SIZE, SIZE), np.random.default_rng(5)
    sigma = variance(
        np.zeros((480, 480), np.int16), None, np.full(2, 9, np.float32), kernel, np.empty((0, 2), np.int64), *affine,
        shape=shape,
    )  # fmt: skip

    def noise(_):
        return interpolate(coefficients(random.normal(0, 3, (480, 480)).astype(np.float32), kernel), *affine, shape)

    frames = written(tmp_path, list(range(6)), noise)
    for frame in frames:
        _with_uncertainty(frame.path, sigma, geometry, kernel)
    for width in (1, 5):
        slit = Slit(points=((-130, -100), (130, 110)), width=width)
        found = slits.follow(frames, slit)
        spread = (found["data"] / found["uncertainty"]).values
        assert spread.std() == pytest.approx(1, rel=0.05), width


def _with_uncertainty(path, sigma, geometry, kernel):
    from astropy.io import fits

    from aia_sequence.frames import companions

    with fits.open(path, mode="update") as hdus:
        header = hdus[0].header
        header.update(UNCERTAI=True, REGMETH=kernel, REG_X=geometry.x0 + 1, REG_Y=geometry.y0 + 1)
        header.update(REG_SCL=geometry.scale, REG_ROT=geometry.roll)
        hdus.append(as_table(companions.uncertainty_table(sigma.copy(), packed=False)))


@pytest.fixture(scope="module")
def event(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slits") / "flare"
    scene = lambda number: blob(*along(STRAIGHT, 15 + 3 * number))  # noqa: E731
    written(folder, [0, 1, 2, 8, 9], scene, noise=1.0, uncertainty=True)
    return aia_sequence.open(folder)


def test_the_file_says_what_was_done_and_is_the_same_every_time(event, tmp_path):
    for name in ("a.nc", "b.nc"):
        slits.write(tmp_path / name, slits.follow(event[211].frames, TURNING))
    assert (tmp_path / "a.nc").read_bytes() == (tmp_path / "b.nc").read_bytes()
    with netCDF4.Dataset(tmp_path / "a.nc") as file:
        assert file["data"].dimensions == ("time", "distance")
        assert (file["data"].units, file["distance"].units, file["distance_mm"].units) == ("DN / s", "arcsec", "Mm")
        assert "(1-u)(1-v)" in file.interpolation
        assert "mean of 5 places" in file.interpolation
        assert f"as seen at {iso(read_time(START))}, turning with the Sun's surface; 5 pixels wide" in file.slit
        assert "SYNTHETIC" in file.source
        assert file["x"].dimensions == ("time", "distance")
        dates = netCDF4.num2date(file["time"][:], file["time"].units, file["time"].calendar)
        assert [f"{date:%Y-%m-%dT%H:%M:%S.%f}"[:22] for date in dates] == [one.T_OBS[:22] for one in event[211].frames]
    with xr.open_dataset(tmp_path / "a.nc") as dataset:
        assert dataset["time"].dtype.kind == "M"
        assert np.isfinite(dataset["uncertainty"]).all()


def test_gaps_stay_gaps_in_the_figure_and_the_caption_says_what_was_done(event, tmp_path):
    frames = event[211].frames
    parts = cells(np.array([frame.time for frame in frames]))
    assert [len(part) - 1 for part in parts] == [3, 2]
    np.testing.assert_allclose(np.diff(np.concatenate(parts)), [24, 24, 24, 120, 24, 24], atol=0.01)
    found = slits.follow(frames, TURNING)
    for size in ("one-column", "two-columns"):
        path = tmp_path / f"{size}.png"
        text = plot_slit(
            found, frames, [path, path.with_suffix(".pdf")], title="flare", name="loop", channel=211,
            options=FigureOptions(size=size, dpi=60),
        )  # fmt: skip
    image = pixels(tmp_path / "one-column.png")
    row = (np.abs(image[-round(40 / 25.4 * 60)] / 255 - MISSING) < 0.01).all(axis=-1)  # through the middle
    runs = np.diff(np.flatnonzero(np.diff(np.concatenate([[False], row, [False]]))))[::2]
    axes_px = (88 - 12.5 - 31) / 25.4 * 60
    assert runs.max() == pytest.approx(120 / 240 * axes_px, abs=2)
    for words in ("(1-u)(1-v)", "turning with the Sun's surface", "great circles", "Synthetic data", "5 frames"):
        assert words in text


def test_frames_that_are_not_normalised_are_followed_in_dn_per_second_and_the_file_says_so(event, tmp_path):
    folder = tmp_path / "flare"
    shutil.copytree(event.folder, folder)
    for path in folder.glob("level1.5/*/*/*.fits"):
        with fits.open(path, mode="update") as hdus:
            header, exposure = hdus[0].header, hdus[0].header["O_EXPTIM"]
            hdus[0].data = (hdus[0].data * exposure).astype(np.float32)
            hdus["UNCERT"].data["SIGMA"] *= exposure
            header.update({"BUNIT": "DN", "EXPTIME": exposure, "EXPNORM": 1.0})
            del header["O_EXPTIM"]
    options = {"points": STRAIGHT.points, "width": 3}
    normalised, found = (aia_sequence.open(one)[211].slit(**options) for one in (event.folder, folder))
    for name in ("data", "uncertainty"):
        np.testing.assert_allclose(found[name], normalised[name], rtol=1e-5)
        assert found[name].attrs["units"] == "DN / s"
    assert "divided by the variable exposure" in found.attrs["history"]


def test_of_one_frame_the_caption_says_when_it_was(event, tmp_path):
    frames = event[211].frames[:1]
    found = slits.follow(frames, STRAIGHT)
    text = plot_slit(
        found, frames, [tmp_path / "x.png"], title="flare", name="loop", channel=211, options=FigureOptions(dpi=60)
    )
    assert f"loop at {frames[0].T_OBS[:10]} {iso(frames[0].time)[11:19]} UTC, in the only frame" in text


def test_an_opened_event_follows_any_slit(event):
    found = event["211"].slit(points=STRAIGHT.points, width=3)
    assert found["data"].dims == ("time", "distance")
    assert found["time"].dtype.kind == "M"
    assert found.attrs["width_pixels"] == 3
    with pytest.raises(AIAError, match="no slit 'loop'"):
        event["211"].slit("loop")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "either points, or the centre, radius and angles"),
        ({"points": [[0, 0], [9, 9]], "radius": 5}, "points and radius exclude each other"),
        ({"points": [[5, 5], [5, 5]]}, "less than a pixel"),
        ({"points": [[0, 0], [2000, 0]]}, r"\(2000, 0\) lies off the detector"),
        ({"points": [[0, 0], [950, 0]], "at": "2021-07-03T14:00:00"}, "beyond the limb, 94[34] arcsec"),
        ({"points": [[0, 0], [9, 9]], "at": "noon"}, "at: "),
        ({"points": [[0, 0], [9, 9]], "breadth": 3}, "breadth: no such option"),
        ({"points": [[0, 0], [9, 9]], "width": 0}, "width: 0 is not allowed; allowed are whole numbers from 1 to 1000"),
        ({"points": [[0, 0], [9, 9]], "width": 2.5}, "width: 2.5 is not"),
        ({"points": [[0, 0], [9, "a"]]}, "pairs of numbers"),
        ({"points": [0, 9]}, "pairs of numbers"),
        ({"centre": [0, 0], "radius": "a", "angles": [0, 9]}, "pairs of numbers"),
    ],
)
def test_what_cannot_be_a_slit_is_refused(options, words):
    with pytest.raises(ConfigError, match=words):
        Slit.of("loop", options)


def test_a_slit_that_no_frame_shows_is_an_error_that_says_where_it_is(event):
    with pytest.raises(FrameError, match=r"none of 5 frames shows any of it; it is \(800, 0\) to \(900, 0\)"):
        slits.follow(event[211].frames, Slit(points=((800, 0), (900, 0))))


def test_a_slit_that_turns_behind_the_limb_is_gone_there():
    header = small_frames.header(0, 1.0, SIZE, STEP, 211, synthetic=True)
    places = surface(np.array([925.0, 930.0]), np.array([5.0, 60.0]), header)
    begin = read_time(header["T_OBS"])
    for hours, seen in ((0.2, True), (48, False)):
        header["T_OBS"] = iso(begin + 3600 * hours)
        assert np.isfinite(carried_to(*places, begin, header)).all() == seen
    assert np.isnan(surface(np.array([960.0]), np.array([0.0]), header)).all()
