"""What figures show changes on purpose only: golden digests, bound to the version that repeats finished jobs.

PNG, PDF, MP4 and deflated bytes depend on the versions of font rasteriser, encoder and zlib, and would change with the
lock. The digests are of what goes into them: light curve and statistics as files; every picture as it is coloured, the
movie's time axis and the captions; the viewer's page with its pixels unpacked. How they are laid out on the page is for
the reference images in tests/baseline.
"""

import base64
import hashlib
import re
import zlib

import pytest
from small_frames import write_sequence

from aia_sequence import versions
from aia_sequence.config.figure import FigureOptions
from aia_sequence.figures import pictures
from aia_sequence.figures.channels import plot_channels
from aia_sequence.figures.measure import measure
from aia_sequence.figures.movie import time_axis
from aia_sequence.figures.panels import plot_sequence
from aia_sequence.figures.sequence import list_frames, read_picture
from aia_sequence.figures.style import Stretch
from aia_sequence.figures.viewer import build_viewer
from aia_sequence.instrument import series_of
from aia_sequence.lists.lightcurve import write_points

GOLDEN = {
    "5": {
        "lightcurve.csv": "9c33be676bfdf10836cd68c9f6db3d8c69ea8d24176f4878c7e4b2017317af95",
        "statistics.json": "9c58dc9604f38beabab77ecbd27a78df514d760b3e11702eff3e3af95de162fb",
        "captions": "cee0ae7b121a125d1ca0d8b144be30c9e70649dfec3943667c9bca9a837ef55d",
        "pictures": "6bf57306d9ecfef16ed9963af219c1a3bb7c6cf5405d70ee4928e7780f349b47",
        "movie": "9bae2423331a1b43931c8bf7e741b32d2e524eeebe1ea8c645e131c2cb1cd9b2",
        "viewer.html": "e65158747b10b003a33a1483a52a4e7bb7c8681665d69fcc572e69ed7f7b9acd",
    },
}
REGION = {"x": [690, 990], "y": [240, 480]}
OPTIONS = FigureOptions(size="one-column", dpi=50)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Digest of each product's content, by its name."""
    folder = tmp_path_factory.mktemp("golden")
    manifests, _ = write_sequence(folder, numbers=[0, 1, 2, 5, 6], noise=0.5, uncertainty=True)
    frames = list_frames(manifests)
    points, statistics = measure(frames, REGION, OPTIONS)
    write_points(points, folder / "lightcurve.csv")
    statistics.write(folder / "statistics.json")
    common = {"title": "flare", "region": REGION, "options": OPTIONS}
    made = {name: (folder / name).read_bytes() for name in ("lightcurve.csv", "statistics.json")}
    caption = plot_sequence(frames, points, statistics, [folder / "sequence.png"], channel=211, **common)
    of_channels = plot_channels({211: frames}, {211: points}, {211: statistics}, [folder / "channels.png"], **common)
    made["captions"] = f"{caption}\n{of_channels}".encode()
    made["pictures"] = b"".join(
        pictures.colours(read_picture(frame.path, REGION), Stretch(kind, *statistics.limits), 211, factor).tobytes()
        for frame in frames
        for kind, factor in (("asinh", 1), ("log", 2), ("power", 3))
    )
    made["movie"] = repr([(str(tick.time), tick.frame) for tick in time_axis(frames, series_of(211))]).encode()
    build_viewer(frames, points, statistics, folder / "viewer.html", channel=211, channels=[171, 211], **common)
    made["viewer.html"] = unpacked((folder / "viewer.html").read_text(encoding="utf-8"))
    return {name: hashlib.sha256(content).hexdigest() for name, content in made.items()}


def unpacked(page):
    """The viewer's page, its frames and headers inflated."""
    return re.sub(
        r'(id="(?:frame\d+|saturated\d+|headers)">)([^<]+)',
        lambda match: match[1] + hashlib.sha256(zlib.decompress(base64.b64decode(match[2]))).hexdigest(),
        page,
    ).encode()


def test_golden_digests_hold_as_long_as_the_version_does(found):
    assert found == GOLDEN.get(versions.FIGURES), (
        "what figures show has changed: raise aia_sequence.versions.FIGURES and put the new digests beside it"
    )
