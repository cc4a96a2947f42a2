"""The viewer's file: what it holds, how precise it is, and how large it can become."""

import base64
import json
import re
import zlib

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st
from small_frames import as_table, write_sequence
from test_figures_codes import unpack

from aia_sequence.config.figure import FigureOptions
from aia_sequence.figures import viewer
from aia_sequence.figures.codes import Coding
from aia_sequence.figures.measure import measure
from aia_sequence.figures.sequence import list_frames, read_picture
from aia_sequence.frames import companions

REGION = {"x": [690, 990], "y": [240, 480]}


@given(st.integers(1, 5000), st.integers(10, 4096), st.integers(10, 4096), st.floats(1, 100))
def test_the_file_stays_below_its_bound_even_if_nothing_can_be_compressed(frames, rows, columns, megabytes):
    plan = viewer.plan(frames, (rows, columns), megabytes)
    data = len(plan.frames) * plan.shape[0] * plan.shape[1] * (2 + 1 / 8) * 4 / 3
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
        coding = Coding(**about["frames"][number]["coding"])
        picture = read_picture(frame.path, REGION)
        stored = coding.decode(unpack(element(text, f"frame{number}"), about["shape"]))
        np.testing.assert_array_less(np.abs(stored - picture.data), 0.25 * coding.noise(picture.data))
        assert about["frames"][number]["extent"] == pytest.approx(list(picture.extent))
        assert about["frames"][number]["sha256"] == frame.sha256


def inflated(text, name):
    return zlib.decompress(base64.b64decode(element(text, name)))


def test_each_frame_has_its_header_as_it_is_in_its_file(built):
    path, frames = built
    headers = inflated(path.read_text(encoding="utf-8"), "headers").decode("ascii").split("\f")
    assert len(headers) == len(frames)
    for text, frame in zip(headers, frames, strict=True):
        header = fits.Header.fromstring(text, sep="\n")
        assert header["NAXIS1"] == 400  # the file's, not the region's
        with fits.open(frame.path) as hdus:
            assert header == hdus[0].header


def test_saturated_pixels_are_marked_bin_by_bin(tmp_path):
    manifests, _ = write_sequence(tmp_path, 2)
    frames = list_frames(manifests)
    with fits.open(frames[1].path, mode="update") as hdus:
        hdus["FLAGS"] = as_table(
            companions.flags_table(np.array([(260, 320, 322, companions.SATURATED)], companions.RUN))
        )
    points, statistics = measure(frames, REGION, FigureOptions())
    path = tmp_path / "viewer.html"
    options = FigureOptions(viewer_mb=0.42)  # averaged
    viewer.build_viewer(frames, points, statistics, path, title="flare", channel=211, region=REGION, options=options)
    text = path.read_text(encoding="utf-8")
    assert 'id="saturated0"' not in text
    about = json.loads(element(text, "about"))
    bits = np.unpackbits(np.frombuffer(inflated(text, "saturated1"), np.uint8))
    rows, columns = about["shape"]
    assert about["factor"] > 1
    found = bits[: rows * columns].reshape(rows, columns)
    picture = read_picture(frames[1].path, REGION)
    rows, columns = np.nonzero(picture.saturated)
    expected = np.zeros(found.shape, np.uint8)
    expected[rows // about["factor"], columns // about["factor"]] = 1
    np.testing.assert_array_equal(found, expected)
    assert expected.sum() > 0


def test_built_twice_it_is_the_same_file(built):
    path, _ = built
    assert path.read_bytes() == path.with_name("again.html").read_bytes()


def test_the_page_leads_to_the_audit_of_its_event_and_to_all_events(built):
    """It lies in results/{event}/figures/{channel}/."""
    links = re.findall(r'<a[^>]* href="([^"]+)"', built[0].read_text(encoding="utf-8"))
    assert {"../../audit.html", "../../../index.html"} <= set(links)


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
