"""The viewer's file: what it holds, how precise it is, and how large it can become."""

import base64
import json
import re
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_frames import write_sequence

from aia_sequence.config.figure import FigureOptions
from aia_sequence.figures import viewer
from aia_sequence.figures.measure import measure
from aia_sequence.figures.sequence import list_frames, read_picture

REGION = {"x": [690, 990], "y": [240, 480]}


@given(st.floats(-900, 1e7))
def test_a_brightness_is_stored_to_a_thousandth_or_a_hundredth_dn_per_second(value):
    found = viewer.decode(viewer.encode(np.array([value])))[0]
    assert abs(found - value) <= 1.05e-3 * np.hypot(value, 10)


def test_missing_pixels_stay_missing_and_codes_leave_room_for_the_saturation_bit():
    codes = viewer.encode(np.array([np.nan, 0.0, 1e9, -1e9]))
    assert codes[0] == 0
    assert codes[1:].min() > 0
    assert codes.max() < viewer.CODES < 0x8000
    assert np.isnan(viewer.decode(codes)[0])


@given(st.integers(1, 5000), st.integers(10, 4096), st.integers(10, 4096), st.floats(1, 100))
def test_the_file_stays_below_its_bound_even_if_nothing_can_be_compressed(frames, rows, columns, megabytes):
    plan = viewer.plan(frames, (rows, columns), megabytes)
    data = len(plan.frames) * plan.shape[0] * plan.shape[1] * 2 * 4 / 3
    assert data + viewer.PAGE_BYTES <= megabytes * 1e6
    assert plan.frames[0] == 0
    assert plan.frames[-1] == frames - 1


def test_the_worked_example_is_kept_at_full_resolution():
    assert viewer.plan(20, (667, 667), FigureOptions().viewer_mb).factor == 1


def test_a_full_disk_is_binned():
    assert viewer.plan(20, (4096, 4096), FigureOptions().viewer_mb).factor == 6


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("viewer")
    manifests, _ = write_sequence(folder, 5)
    frames = list_frames(manifests)
    points, statistics = measure(frames, REGION, FigureOptions())
    for name in ("viewer.html", "again.html"):
        viewer.build_viewer(
            frames,
            points,
            statistics,
            folder / name,
            title="a </script> & b",
            channel=211,
            region=REGION,
            options=FigureOptions(),
        )
    return folder / "viewer.html", frames


def element(text, name):
    return re.search(rf'<script type="[^"]+" id="{name}">(.*?)</script>', text, re.DOTALL)[1]


def test_the_file_holds_every_frame_to_its_precision(built):
    path, frames = built
    text = path.read_text(encoding="utf-8")
    about = json.loads(element(text, "about").replace("<\\/", "</"))
    assert len(about["frames"]) == len(frames)
    for number, frame in enumerate(frames):
        raw = np.frombuffer(zlib.decompress(base64.b64decode(element(text, f"frame{number}"))), np.uint8)
        low, high = raw.reshape(2, -1)
        codes = (low | high.astype(np.uint16) << 8).reshape(about["shape"])
        picture = read_picture(frame.path, REGION)
        np.testing.assert_allclose(viewer.decode(codes & 0x7FFF), picture.data, rtol=1.05e-3, atol=0.011)
        assert about["frames"][number]["extent"] == pytest.approx(list(picture.extent))
        assert about["frames"][number]["sha256"] == frame.sha256


def test_built_twice_it_is_the_same_file(built):
    path, _ = built
    assert path.read_bytes() == path.with_name("again.html").read_bytes()


def test_names_cannot_break_the_page(built):
    text = built[0].read_text(encoding="utf-8")
    assert "a &lt;/script&gt; &amp; b" in text
    assert text.count("<script") == text.count("</script>")


def test_the_page_names_no_address_outside_itself(built):
    text = built[0].read_text(encoding="utf-8")
    addresses = set(re.findall(r"https?://[^\s\"'<>]+", text))
    assert addresses == {"http://www.w3.org/2000/svg"}  # the name of a vocabulary, never fetched
    assert "SYNTHETIC DATA" in text


def test_two_thousand_frames_are_thinned_and_said_to_be(tmp_path):
    plan = viewer.plan(2000, (667, 667), 32)
    assert len(plan.frames) == viewer.MOST_FRAMES
    assert plan.factor > 1


def test_where_a_region_stops_following_its_place_is_told(tmp_path):
    manifests, _ = write_sequence(tmp_path, 2)
    frames = list_frames(manifests)
    region = {"follow": [-20.0, 15.0], "at": "2021-07-03T14:27:00Z", "width": 240.0, "height": 192.0}
    texts = {}
    for until in ("", "2021-07-03T14:26:00Z"):
        asked = region | ({"until": until} if until else {})
        points, statistics = measure(frames, asked, FigureOptions())
        viewer.build_viewer(
            frames, points, statistics, tmp_path / "viewer.html",
            title="flare", channel=211, region=asked, options=FigureOptions(),
        )  # fmt: skip
        texts[until] = (tmp_path / "viewer.html").read_text(encoding="utf-8")
    remark = '<p class="remark" role="note">N15E20 turns behind the limb at 2021-07-03T14:26:00Z; '
    assert [remark in text for text in texts.values()] == [False, True]
