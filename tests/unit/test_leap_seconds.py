"""The three leap seconds since AIA observes: windows across them run from query to viewer and audit."""

import csv
import json
import re

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from astropy.time import Time
from stages import Event
from sunpy.map import Map

pytestmark = pytest.mark.slow

# T_REC of the frames, of which one lies in the leap second of 2016; the others have T_OBS or DATE-OBS in theirs.
SLOTS = {
    "leap-2016": ["2016-12-31T23:59:48Z", "2016-12-31T23:59:60Z", "2017-01-01T00:00:11Z"],
    "leap-2015": ["2015-06-30T23:59:49Z", "2015-07-01T00:00:00Z", "2015-07-01T00:00:12Z"],
    "leap-2012": ["2012-06-30T23:59:50Z", "2012-07-01T00:00:01Z", "2012-07-01T00:00:13Z"],
}
WITHIN = {"leap-2016": ("211", "T_OBS"), "leap-2015": ("171", "T_OBS"), "leap-2012": ("171", "DATE-OBS")}
CHANNEL = {event: channel for event, (channel, _) in WITHIN.items()}
FIGURES = ["sequence.png", "lightcurve.png", "movie.mp4", "viewer.html"]
REGION = {"x": [-60, 60], "y": [-60, 60]}


@pytest.fixture(scope="module")
def finished(root, tmp_path_factory):
    """The three events, from query to viewer and audit."""
    folder = tmp_path_factory.mktemp("leap")
    for name, slots in SLOTS.items():
        event = Event(
            root,
            folder,
            {
                "name": name,
                "start": slots[0],
                "end": slots[-1],
                "channels": [int(CHANNEL[name])],
                "cutout": True,
                "region": REGION,
                "figure": {"marks": {"midnight": f"{slots[-1][:10]}T00:00:00Z"}, "dpi": 72},
            },
        )
        event.make()
    return folder


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


@pytest.mark.parametrize("event", SLOTS)
def test_every_slot_is_calibrated_in_one_of_two_blocks_and_12_s_from_the_next(finished, event):
    manifests = sorted((finished / event / "level1.5" / CHANNEL[event]).glob("*.csv"))
    found = [row["T_REC"] for manifest in manifests for row in rows(manifest)]
    assert found == SLOTS[event]
    assert len(manifests) == 2
    assert np.diff(Time([text.rstrip("Z") for text in found]).unix_tai) == pytest.approx(12, abs=1e-3)
    curve = [row["T_REC"] for row in rows(finished / event / "figures" / CHANNEL[event] / "lightcurve.csv")]
    assert curve == found
    for name in FIGURES:
        assert (finished / event / "figures" / CHANNEL[event] / name).stat().st_size > 1000
    audit = rows(finished / event / "audit.csv")
    assert [
        row["T_REC"] for row in audit if row["outcome"] == "calibrated" and row["WAVELNTH"] == CHANNEL[event]
    ] == found
    assert "Å, gap:" not in (finished / event / "audit.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("event", SLOTS)
def test_sunpy_reads_the_time_of_a_frame_in_a_leap_second(finished, event):
    channel, keyword = WITHIN[event]
    maps = Map(sorted((finished / event / "level1.5" / channel).glob("*/*.fits")))
    texts = [m.meta[keyword.lower()] for m in maps]
    assert sum(":60." in text for text in texts) == 1
    for text, m in zip(texts, maps, strict=True):
        seen = m.reference_date if keyword == "T_OBS" else Time(m.meta["date-obs"])
        assert abs(seen - Time(text.rstrip("Z"))) < 1 * u.ms
        assert abs(m.observer_coordinate.obstime - m.reference_date) < 1 * u.ms


@pytest.mark.parametrize("event", SLOTS)
def test_the_pointing_across_a_leap_second_is_that_of_the_frame_and_not_provisional(finished, event):
    frames = sorted((finished / event / "level1.5").glob("*/*/*.fits"))
    assert frames
    for cards in map(fits.getheader, frames):
        assert Time(cards["PNT_TSTA"]) <= Time(cards["T_OBS"].rstrip("Z")) < Time(cards["PNT_TSTO"])
    page = (finished / event / "audit.html").read_text(encoding="utf-8")
    assert "provisional" not in page


@pytest.mark.parametrize("event", SLOTS)
def test_the_viewer_counts_the_seconds_that_passed(finished, event):
    page = (finished / event / "figures" / CHANNEL[event] / "viewer.html").read_text(encoding="utf-8")
    about = json.loads(re.search(r'id="about">(.*?)</script>', page, re.DOTALL)[1])
    texts = Time([frame["time"].rstrip("Z") for frame in about["frames"]])
    expected = (texts - Time("1977-01-01", scale="tai")).sec
    assert [frame["tai"] for frame in about["frames"]] == pytest.approx(expected, abs=1e-3)
    begin, offset = about["leapSteps"][-1]
    midnight = Time(f"{SLOTS[event][-1][:10]}T00:00:00")
    assert begin == pytest.approx((midnight - Time("1977-01-01", scale="tai")).sec)
    assert offset == round((midnight.tai.jd - midnight.utc.jd) * 86400)
    assert about["marks"] == {"midnight": begin}
