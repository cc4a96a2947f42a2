"""What the tests of the viewer do on its page."""

import numpy as np
from small_frames import write_sequence

from aia_sequence.config.figure import FigureOptions
from aia_sequence.figures.measure import measure
from aia_sequence.figures.sequence import list_frames, read_picture
from aia_sequence.figures.viewer import build_viewer

REGION = {"x": [690, 990], "y": [240, 480]}
COUNT = 6


def build(folder, channel=211, change=lambda points: points, count=COUNT, **options):
    """Make the viewer of a channel in its place in an event's folder."""
    manifests, _ = write_sequence(folder, count, channel=channel, noise=0.5)
    frames = list_frames(manifests)
    points, statistics = measure(frames, REGION, FigureOptions())
    path = folder / "figures" / str(channel) / "viewer.html"
    path.parent.mkdir(parents=True)
    options = FigureOptions(**options)
    about = {"title": "flare", "channel": channel, "channels": [171, 211], "region": REGION, "options": options}
    build_viewer(frames, change(points), statistics, path, **about)
    return path, [read_picture(frame.path, REGION) for frame in frames], points


def frame_shown(page, number):
    page.wait_for_selector(f'body[data-frame="{number}"]')


def until(page, condition):
    """Wait until a condition holds; the page's policy lets playwright's own way of asking again and again not run."""
    for _ in range(300):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(condition)


def place(page, row, column, panel=0):
    """Where the middle of a pixel of the region is on the page."""
    box = page.locator("#image").bounding_box()
    x, y = page.evaluate(
        "([x, y, n]) => { const p = panels(canvas.clientWidth, canvas.clientHeight)[n]; return [p.toX(x), p.toY(y)]; }",
        [6 * (column + 0.5) - 150, 6 * (row + 0.5) - 120, panel],
    )
    return box["x"] + x, box["y"] + y


def numbers(page, index):
    """The numbers of the shown kind of picture, as the page has them."""
    found = page.evaluate(
        f"pictureOf(first, {index}).then(({{ numbers }}) => Array.from(numbers, (v) => isNaN(v) ? null : v))"
    )
    return np.array(found, float).reshape(40, 50)


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=2e-6, atol=1e-4)


def drag(page, *places):
    """Press at the first place, move to the others one by one, and let go."""
    page.mouse.move(*places[0])
    page.mouse.down()
    for at in places[1:]:
        page.mouse.move(*at)
    page.mouse.up()
