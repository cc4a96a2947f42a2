"""The synthetic Sun: where things are, how they move and shine; judged by sunpy and by its own statements."""

import csv
import sys

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.time import Time
from sunpy.coordinates import HeliographicStonyhurst, Helioprojective, get_earth, sun

from synthetic_jsoc import times
from synthetic_jsoc.instrument import CHANNELS
from synthetic_jsoc.sun import activity, ephemeris, flares, textures, truth
from synthetic_jsoc.sun import scene as model
from synthetic_jsoc.sun.view import View

MOMENTS = ["2010-06-20T05:00:00", "2014-01-01T00:00:00", "2017-02-03T17:11:00", "2021-07-03T14:29:00"]


@pytest.mark.parametrize("moment", MOMENTS)
def test_the_observatory_is_where_astropy_has_it(moment):
    """The Earth within a geosynchronous orbit; the Sun's attitude and size as sunpy computes them from there."""
    place = {name: value[0] for name, value in ephemeris.observer([times.parse_time(moment + "Z")]).items()}
    time = Time(moment)
    near = [place[f"HAE{axis}_OBS"] - place[f"GAE{axis}_OBS"] for axis in "XYZ"]
    earth = get_earth(time)
    assert np.linalg.norm(near) == pytest.approx(earth.radius.to_value(u.m), rel=2e-6)
    assert np.linalg.norm([place[f"GAE{axis}_OBS"] for axis in "XYZ"]) == pytest.approx(42.16e6, rel=1e-3)
    observer = SkyCoord(place["HGLN_OBS"] * u.deg, place["HGLT_OBS"] * u.deg, place["DSUN_OBS"] * u.m,
                        frame=HeliographicStonyhurst(obstime=time))  # fmt: skip
    assert place["CRLT_OBS"] == pytest.approx(sun.B0(time).deg, abs=0.02)
    carrington = sun.L0(time).deg + observer.lon.deg
    assert (place["CRLN_OBS"] - carrington + 180) % 360 - 180 == pytest.approx(0, abs=0.001)
    assert place["CAR_ROT"] == int(sun.carrington_rotation_number(time))
    assert place["RSUN_OBS"] == pytest.approx(np.degrees(np.arcsin(6.96e8 / place["DSUN_OBS"])) * 3600, abs=1e-6)


def test_the_observatory_is_where_sdo_was(shared_data):
    """200 real headers: SDO's own orbit is matched to some tens of kilometres in the summer of 2017."""
    with open(shared_data / "fulldisk_8bit" / "headers_all200.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    ours = ephemeris.observer([times.parse_time(row["T_OBS"]) for row in rows])
    for name, tolerance in {
        "DSUN_OBS": 2e5, "RSUN_OBS": 0.002, "HAEX_OBS": 2e5, "HAEZ_OBS": 2e5, "OBS_VR": 15, "CRLT_OBS": 0.002,
        "CAR_ROT": 0.5,
    }.items():  # fmt: skip
        assert np.abs(ours[name] - [float(row[name]) for row in rows]).max() < tolerance, name


def test_heliographic_places_lie_where_sunpy_puts_them():
    moment = "2021-07-03T14:29:00"
    tai = times.parse_time(moment + "Z")
    place = {name: value[0] for name, value in ephemeris.observer([tai]).items()}
    view = View.at(tai)
    observer = SkyCoord(place["HGLN_OBS"] * u.deg, place["HGLT_OBS"] * u.deg, place["DSUN_OBS"] * u.m,
                        frame=HeliographicStonyhurst(obstime=Time(moment)))  # fmt: skip
    for latitude, west in [(23, 80), (-40, -30), (5, 0), (70, 20)]:
        point = SkyCoord(
            west * u.deg, latitude * u.deg, 6.96e8 * u.m, frame=HeliographicStonyhurst(obstime=Time(moment))
        )
        # The scene is drawn as it looks, Carrington longitudes as of when the light left.
        seen = point.transform_to(Helioprojective(observer=observer, obstime=Time(moment)))
        longitude = west + place["CRLN_OBS"] - place["HGLN_OBS"]
        column, row, visible, _ = view.project(latitude, longitude)
        assert visible
        assert 0.6 * (column - 2047.5) == pytest.approx(seen.Tx.arcsec, abs=0.05)
        assert 0.6 * (row - 2047.5) == pytest.approx(seen.Ty.arcsec, abs=0.05)


def test_the_sun_turns_faster_at_the_equator():
    """Sidereal rotation of 24.5 days at the equator, more than 30 near the poles."""
    rate = activity.rotation_rate(np.array([0.0, 45.0, 75.0])) + 14.1844
    assert 360 / rate == pytest.approx([24.47, 27.6, 33.0], abs=0.3)


def test_active_regions_come_and_go_with_the_cycle():
    count = {
        year: np.mean(
            [len(activity.regions(times.parse_time(f"{year}-{month:02d}-15T00:00:00Z"))) for month in range(1, 13)]
        )
        for year in (2014, 2019, 2024)
    }
    assert count[2019] < 6 < 12 < min(count[2014], count[2024])
    latitudes = {year: [abs(r.latitude) for month in range(1, 13)
                        for r in activity.regions(times.parse_time(f"{year}-{month:02d}-15T00:00:00Z"))]
                 for year in (2011, 2016)}  # fmt: skip
    assert np.mean(latitudes[2011]) > np.mean(latitudes[2016]) + 3  # the butterfly diagram


def test_a_region_drifts_and_does_not_jump():
    tai = times.parse_time("2014-05-01T00:00:00Z")
    now = {r.seed: r for r in activity.regions(tai)}
    later = {r.seed: r for r in activity.regions(tai + 3600)}
    common = set(now) & set(later)
    assert len(common) > 10
    for seed in common:
        assert now[seed].latitude == later[seed].latitude
        drift = (later[seed].longitude - now[seed].longitude + 180) % 360 - 180
        assert drift == pytest.approx(activity.rotation_rate(now[seed].latitude) / 24, abs=1e-6)
        assert abs(now[seed].flux - later[seed].flux) < 0.03


@pytest.fixture(scope="module")
def example():
    """The flare of the worked example."""
    (found,) = [flare for flare in flares.flares() if flare.region == 12838]
    return found


def test_the_example_s_flare_has_its_times_class_and_place(example):
    assert [times.format_time(tai)[:16] for tai in (example.start, example.peak, example.end)] == [
        "2021-07-03T14:18", "2021-07-03T14:29", "2021-07-03T14:34",
    ]  # fmt: skip
    assert (example.goes_class, example.latitude, example.longitude, example.size) == ("X1.5", 23, 80, 1.5)


def test_a_flare_rises_from_nothing_and_fades(example):
    second = example.start + np.arange(-600, 12000, 5)
    for channel in CHANNELS:
        curve = example.profile(channel, second)
        assert curve[second <= example.start].max() < 1e-12
        assert curve.max() == pytest.approx(1, abs=1e-3)
        top = curve.argmax()
        assert abs(second[top] - example.peak) < 0.5 * (example.peak - example.start)
        assert (np.diff(curve[:top]) >= 0).all()
        assert (np.diff(curve[top:]) <= 0).all()
        assert np.abs(np.diff(curve)).max() < 0.05
        assert curve[-1] < 0.01


def test_hot_lines_peak_after_the_footpoints(example):
    second = example.start + np.arange(0, 4000, 5)
    peak = {channel: second[example.profile(channel, second).argmax()] for channel in (94, 131, 304, 1600)}
    assert peak[1600] < peak[304] < peak[131] < peak[94]


def test_the_scene_brightens_by_the_flare_s_known_light_curve(example):
    """The share of a flare in the scene's sum is stated by the model, whatever else is on the Sun."""
    sums = {}
    moments = [example.peak, example.peak + 420]
    for tai in moments:
        field = model.truth(211, tai)
        sums[tai] = field[2200:3000, 3100:4000].sum(dtype=float)
    quiet = sums[moments[0]] - model.flare_rate(211, moments[0])
    # The rest changes in seven minutes by the rotation alone.
    assert sums[moments[1]] - model.flare_rate(211, moments[1]) == pytest.approx(quiet, rel=0.004)
    assert model.flare_rate(211, example.peak) > 0.2 * quiet


@pytest.fixture(scope="module")
def scenes():
    """Truth in four channels in a quiet hour."""
    tai = times.parse_time("2019-08-01T05:00:00Z")
    return {channel: model.truth(channel, tai) for channel in (171, 193, 304, 4500)}


def radii():
    row, column = np.ogrid[:4096, :4096]
    return np.hypot(row - 2047.5, column - 2047.5)


def ring(scene, low, high):
    """Mean of a scene between two distances from the centre, in solar radii."""
    radius = radii() / (View.at(times.parse_time("2019-08-01T05:00:00Z")).radius)
    return float(scene[(radius > low) & (radius < high)].mean())


def test_the_corona_brightens_to_the_limb_and_the_photosphere_darkens(scenes):
    for channel in (171, 193):
        assert ring(scenes[channel], 0.985, 0.998) > 1.2 * ring(scenes[channel], 0.0, 0.5)
    assert ring(scenes[4500], 0.985, 0.998) < 0.6 * ring(scenes[4500], 0.0, 0.3)


def test_the_corona_reaches_far_out_and_the_photosphere_ends_at_the_limb(scenes):
    assert ring(scenes[171], 1.05, 1.08) > 0.3 * ring(scenes[171], 0.0, 0.5)
    assert ring(scenes[171], 1.25, 1.28) < 0.2 * ring(scenes[171], 1.02, 1.05)
    assert ring(scenes[304], 1.06, 1.10) < 0.1 * ring(scenes[304], 0.0, 0.5)
    assert ring(scenes[4500], 1.01, 1.1) < 0.01 * ring(scenes[4500], 0.0, 0.3)


def test_holes_are_open_at_the_poles_in_the_hot_corona(scenes):
    """At solar minimum the caps are dark in 193 A, hardly in 304 A."""
    row, column = np.ogrid[:4096, :4096]
    inside = radii() < 0.97 * 1574
    cap = inside & (abs(row - 2047.5) > 0.955 * 1574)
    belt = inside & (abs(row - 2047.5) < 300) & (abs(column - 2047.5) < 300)
    contrast = {channel: scenes[channel][cap].mean() / scenes[channel][belt].mean() for channel in (193, 304)}
    assert contrast[193] < 0.8
    assert contrast[304] > 0.85


@pytest.mark.parametrize("moment", ["2022-09-08T00:00:00Z", "2019-03-06T00:00:00Z"])
@pytest.mark.parametrize("channel", [171, 193])
def test_meridians_of_different_brightness_meet_at_the_pole(moment, channel):
    """Half a degree from the pole that is turned to us, only fine structure tells one longitude from another."""
    scene = model.Scene(channel, times.parse_time(moment))
    pole = 89.5 * np.sign(scene.view.latitude)
    places = np.array([scene.view.project(pole, longitude)[:2] for longitude in range(0, 360, 5)])
    seen = truth.brightness(scene, *(0.6 * (places - 2047.5)).T)
    assert seen.std() < 0.1 * seen.mean()


@pytest.mark.parametrize("moment", ["2019-12-07T00:00:00Z", "2014-06-07T00:00:00Z", "2021-07-03T14:29:00Z"])
def test_the_corona_has_no_seam_over_a_pole(moment):
    """At the limb one meridian follows another there within a fraction of a degree of position angle."""
    scenes = {channel: model.Scene(channel, times.parse_time(moment)) for channel in (94, 171, 193, 304, 1600)}
    angle = 360 / scenes[1600].rays.shape[1]
    for channel in (94, 171, 193, 304):
        # Streaks are common to all channels; 1600 has nothing else.
        level = scenes[channel].rays[1].astype(float) / scenes[1600].rays[1]
        step = np.abs(np.roll(level, -round(1 / angle)) - level) / level.mean()
        for pole in (90, 270):
            assert step[round((pole - 5) / angle) : round((pole + 4) / angle)].max() < 0.15


def test_structure_reaches_the_telescope_s_resolution_and_no_further(scenes):
    """Power of the quiet disc falls steeply between 1.5 arcsec (0.4 cycles per pixel) and the pixels' own limit."""
    patch = np.log(scenes[171][1792:2304, 1792:2304].astype(float))
    window = np.hanning(512)
    power = np.abs(np.fft.fft2((patch - patch.mean()) * window * window[:, None])) ** 2
    k = np.hypot(np.fft.fftfreq(512), np.fft.fftfreq(512)[:, None])

    def level(low, high):
        return power[(k > low) & (k < high)].mean()

    assert level(0.19, 0.21) > 1e-5 * level(0.01, 0.02)  # 3 arcsec
    assert level(0.46, 0.5) < 1e-3 * level(0.19, 0.21)


def test_features_move_with_the_rotation():
    """In six hours the middle of the disc goes west by some 55 arcsec."""
    tai = times.parse_time("2019-08-01T05:00:00Z")
    first, second = (model.truth(193, t)[1848:2248, 1748:2348] for t in (tai, tai + 6 * 3600))
    rate = np.radians((14.713 - 0.986) / 24 * 6) * 945 / 0.6
    a, b = (np.fft.fft2(image - image.mean()) for image in (first, second))
    shift = np.unravel_index(np.fft.ifft2(a.conj() * b).real.argmax(), first.shape)
    assert shift[1] == pytest.approx(rate, abs=4)
    assert min(shift[0], 400 - shift[0]) < 12


def test_textures_are_kept_and_made_again_when_what_was_kept_is_damaged(tmp_path, monkeypatch):
    monkeypatch.setattr(textures, "__file__", str(tmp_path / "textures.py"))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    (tmp_path / "textures.py").write_text("one version")
    made = []

    def make():
        made.append(1)
        return np.arange(6, dtype=np.float32)

    for _ in range(2):
        np.testing.assert_array_equal(textures._kept("tile", make), make())
    assert len(made) == 3
    (kept,) = (tmp_path / "__pycache__").iterdir()
    kept.write_bytes(b"damaged")
    np.testing.assert_array_equal(textures._kept("tile", make), np.arange(6))
    (tmp_path / "textures.py").write_text("another version")
    textures._kept("tile", make)
    assert len(made) == 5
