"""Cutouts: frames from which the archive cuts a region (`im_patch`) before it exports them."""

from collections.abc import Mapping, Sequence


def im_patch(region: Mapping[str, Sequence[float]], reference: str) -> dict[str, dict[str, str]]:
    """Arguments by which the archive cuts a fixed rectangle out of every frame.

    Parameters
    ----------
    region
        `x` and `y`: lower and upper bound each, helioprojective, arcsec.
    reference
        Time (ISO, UTC) for which the place is given. Without tracking it is a formality, but the archive wants one.

    Returns
    -------
    dict
        Arguments by process, as text.
    """
    (left, right), (bottom, top) = region["x"], region["y"]
    return {
        "im_patch": {
            "t_ref": reference.removesuffix("Z"),
            "t": "1",  # 1 means no tracking: the region is fixed in the image plane
            "r": "0",
            "c": "0",
            "locunits": "arcsec",
            "boxunits": "arcsec",
            "x": f"{(left + right) / 2:g}",
            "y": f"{(bottom + top) / 2:g}",
            "width": f"{right - left:g}",
            "height": f"{top - bottom:g}",
        }
    }
