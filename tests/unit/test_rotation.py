"""A region of interest follows a place on the turning Sun."""

from datetime import UTC, datetime

import astropy.units as u
import numpy as np
import pytest
from sunpy.coordinates import HeliographicStonyhurst, Helioprojective

from aia.errors import FrameError
from aia.location import fixed_region, resolve_region, seen_from_earth
from aia.rotation import region_at

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
    found = seen_from_earth(longitude, latitude, datetime.fromisoformat(time).replace(tzinfo=UTC))
    assert found == pytest.approx((seen.Tx.to_value(u.arcsec), seen.Ty.to_value(u.arcsec)), abs=0.5)


def test_a_cutout_lies_where_the_region_that_follows_begins():
    region, _ = resolve_region({"region": {"follow": "N23W80", "width": 400, "height": 300}}, "2021-07-03T14:29:00Z")
    fixed = fixed_region(region)
    moving = region_at(region, HEADER)
    for axis in "xy":
        assert fixed[axis] == pytest.approx(moving[axis], abs=1.3)
        assert fixed[axis][1] - fixed[axis][0] == {"x": 400, "y": 300}[axis]
