"""A region of interest follows a place on the turning Sun."""

import astropy.units as u
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sunpy.coordinates import HeliographicStonyhurst, Helioprojective, propagate_with_solar_surface

from aia_sequence.config.ephemeris import behind_limb, seen_from_earth, turned
from aia_sequence.config.region import within_sight
from aia_sequence.config.rotation import region_at
from aia_sequence.errors import FrameError
from aia_sequence.times import iso, read_time

HEADER = {"T_OBS": "2021-07-03T14:29:00.50Z", "HGLN_OBS": 0.0, "HGLT_OBS": 3.3, "DSUN_OBS": 1.5208e11}
RADIUS = 695_700_000 / 1.5208e11 * 206_264.8  # arcsec


def following(longitude, latitude):
    return {"follow": [longitude, latitude], "at": "2021-07-03T14:29:00Z", "width": 400, "height": 300}


def middle(region, **changes):
    box = region_at(region, HEADER | changes)
    return np.array([np.mean(box["x"]), np.mean(box["y"])])


def test_a_fixed_region_stays():
    region = {"x": [650, 1050], "y": [150, 550]}
    assert region_at(region, {}) == region


def test_at_the_time_of_the_location_the_region_lies_on_it():
    # Orthographic projection (the Sun is far away): x = R cos(lat) sin(lon), and y with the tilt B0 of the solar axis.
    longitude, latitude, tilt = np.deg2rad([80, 23, 3.3])
    x = np.cos(latitude) * np.sin(longitude)
    y = np.sin(latitude) * np.cos(tilt) - np.cos(latitude) * np.cos(longitude) * np.sin(tilt)
    assert middle(following(80, 23)) == pytest.approx([RADIUS * x, RADIUS * y], abs=1.5)


def test_the_region_turns_west_with_the_photosphere():
    # 13.2 degrees a day, synodic, at the equator: half a degree an hour, 9 arcsec at the disc's middle.
    moved = middle(following(0, 0), T_OBS="2021-07-03T16:29:00.50Z") - middle(following(0, 0))
    assert moved[0] == pytest.approx(2 * RADIUS * np.deg2rad(13.2 / 24), abs=1)
    assert abs(moved[1]) <= 1


def test_high_latitudes_turn_more_slowly():
    later = "2021-07-05T14:29:00.50Z"
    day = [middle(following(0, latitude), T_OBS=later)[0] / np.cos(np.deg2rad(latitude)) for latitude in (0, 60)]
    assert day[0] > day[1] + 50


@pytest.mark.parametrize("days", [-4, -0.1, 0.3, 5])
@pytest.mark.parametrize(("longitude", "latitude"), [(0, 0), (50, 23), (-50, -40)])
def test_the_region_lies_on_the_pixel_at_which_sunpy_sees_its_place_from_sdo(longitude, latitude, days):
    begin = read_time("2021-07-03T14:29:00Z")
    time = iso(begin + days * 86400)[:-1]
    there = HeliographicStonyhurst(longitude * u.deg, latitude * u.deg, 695_700 * u.km, obstime=iso(begin)[:-1])
    sdo = HeliographicStonyhurst(0.02 * u.deg, 3.3 * u.deg, 1.5208e11 * u.m, obstime=time)
    with propagate_with_solar_surface():
        seen = there.transform_to(Helioprojective(observer=sdo, obstime=time))
    found = middle(following(longitude, latitude), T_OBS=time, HGLN_OBS=0.02)
    half = 0.3 + 0.05  # of a pixel, arcsec, and what planning's place of the Earth may be wrong by
    assert found == pytest.approx([seen.Tx.to_value(u.arcsec), seen.Ty.to_value(u.arcsec)], abs=half)


def test_the_region_has_the_same_pixels_in_every_frame():
    boxes = [region_at(following(10, 10), HEADER | {"T_OBS": f"2021-07-03T{hour}:00:00.00Z"}) for hour in range(10, 20)]
    assert len({box["x"][0] for box in boxes}) > 1
    for box in boxes:
        assert box["x"][1] - box["x"][0] == pytest.approx(400)
        assert box["y"][1] - box["y"][0] == pytest.approx(300)
        steps = (box["x"][0] - boxes[0]["x"][0]) / 0.6
        assert steps == pytest.approx(round(steps), abs=1e-6)


def test_a_frame_that_does_not_say_where_it_was_seen_from_is_refused():
    with pytest.raises(FrameError, match="T_OBS, HGLN_OBS, HGLT_OBS and DSUN_OBS"):
        region_at(following(0, 0), {"T_OBS": "2021-07-03T14:29:00.50Z"})


@pytest.mark.parametrize("time", ["2010-05-13", "2014-10-24", "2021-07-03", "2024-02-29", "2026-06-30"])
@pytest.mark.parametrize(("longitude", "latitude"), [(0, 0), (80, 23), (-60, -75), (180, 0)])
def test_planning_finds_a_place_within_half_an_arcsec_of_sunpy(time, longitude, latitude):
    there = HeliographicStonyhurst(longitude * u.deg, latitude * u.deg, 695_700 * u.km, obstime=time)
    seen = there.transform_to(Helioprojective(observer="earth", obstime=time))
    found = seen_from_earth(longitude, latitude, read_time(time))
    assert found == pytest.approx((seen.Tx.to_value(u.arcsec), seen.Ty.to_value(u.arcsec)), abs=0.5)


def sunpys(longitude, latitude, at, time):
    """Stonyhurst longitude at a time of a place that turns with the Sun, and whether the Earth sees it, by sunpy."""
    there = HeliographicStonyhurst(longitude * u.deg, latitude * u.deg, 695_700 * u.km, obstime=at)
    with propagate_with_solar_surface():
        moved = there.transform_to(HeliographicStonyhurst(obstime=time))
    seen = moved.transform_to(Helioprojective(observer="earth", obstime=time))
    return moved.lon.deg, bool(seen.is_visible())


@pytest.mark.parametrize(("longitude", "latitude"), [(0, 0), (-60, 35), (20, -70), (-80, 5)])
@pytest.mark.parametrize("days", [-6, -0.5, 2, 11])
def test_planning_turns_a_place_as_sunpy_does(longitude, latitude, days):
    at = read_time("2021-07-03T14:29:00Z")
    moved, _ = sunpys(longitude, latitude, iso(at)[:-1], iso(at + days * 86400)[:-1])
    ours = turned(longitude, latitude, at, at + days * 86400)
    assert (ours - moved + 180) % 360 - 180 == pytest.approx(0, abs=0.03)


@given(st.floats(-180, 180), st.floats(-85, 85), st.integers(0, 15 * 365))
@settings(max_examples=40, deadline=None)
def test_planning_and_sunpy_agree_on_which_places_are_visible(longitude, latitude, day):
    time = read_time("2010-05-13T00:00:00Z") + day * 86400
    behind = behind_limb(longitude, latitude, time)
    if abs(behind) > 0.05:
        assert sunpys(longitude, latitude, iso(time)[:-1], iso(time)[:-1])[1] == (behind < 0)


@pytest.mark.parametrize(("follow", "limb"), [([80, 23], "until"), ([-80, -10], "since"), ([93, 5], "until")])
def test_a_place_is_followed_as_long_as_sunpy_sees_it(follow, limb):
    at = read_time("2021-07-03T14:29:00Z")
    region = {"follow": follow, "at": iso(at), "width": 120, "height": 120}
    found = within_sight(region, at - 3 * 86400, at + 3 * 86400)
    assert ("since" in found, "until" in found) == (limb == "since", limb == "until")
    crossing = read_time(found[limb])
    sense = 1 if limb == "until" else -1
    seen = [sunpys(*follow, iso(at)[:-1], iso(crossing + sense * minutes * 60)[:-1])[1] for minutes in (-15, 15)]
    assert seen == [True, False]


def test_behind_the_limb_the_region_stays_where_its_place_was_last_seen():
    at = read_time("2021-07-03T14:29:00Z")
    region = within_sight(following(80, 23), at, at + 20 * 86400)
    crossing = read_time(region["until"])
    times = [crossing - 3600, crossing, crossing + 3600, crossing + 5 * 86400, crossing + 15 * 86400]
    places = [middle(region, T_OBS=iso(time)) for time in times]
    limb = np.hypot(*places[1])
    assert limb == pytest.approx(RADIUS, abs=2)
    assert all(np.hypot(*(place - places[1])) <= 2 for place in places)
    # It walked behind the Sun, and back in at the other limb, where another place comes round.
    lost = middle({key: value for key, value in region.items() if key != "until"}, T_OBS=iso(times[-1]))
    assert lost[0] < 0 < places[-1][0]


def test_a_region_that_follows_stays_within_the_detector_with_all_its_pixels():
    region = {"follow": [85, 0], "at": "2021-07-03T14:29:00Z", "width": 1200, "height": 2400}
    box = region_at(region, HEADER)
    assert box["x"] == [pytest.approx(28.8, abs=0.6), pytest.approx(1228.8, abs=0.6)]
    assert box["x"][1] <= 1228.8
    assert box["y"][0] >= -1228.8
    assert (box["x"][1] - box["x"][0], box["y"][1] - box["y"][0]) == pytest.approx((1200, 2400))
