"""The protocols jpg, mpg and mp4: images as grey pictures and movies, with the word SYNTHETIC in a corner."""

import math
import re
from dataclasses import dataclass

import numpy as np

_KINDS = ("jpg", "mpg", "mp4")
_SIZES = (1, 2, 4, 8)
_FRAMES_PER_SECOND = 10
_CODECS = {"mpg": "mpeg2video", "mp4": "libx264"}


@dataclass(frozen=True)
class Picture:
    """How pixel values become a picture.

    Attributes
    ----------
    kind : str
        ``jpg``, ``mpg`` or ``mp4``.
    scaling : str
        ``MINMAX``, ``MINMAXGIVEN``, ``MAG`` (linear), ``LOG``, ``SQRT``; from `low` to `high` where given.
    size : int
        Pixels of the image along each side of one of the picture.
    low, high : float or None
        Values of black and white; the least and the largest pixel where not given.
    """

    kind: str
    scaling: str
    size: int
    low: float | None
    high: float | None

    @property
    def is_movie(self):
        """Whether all records come as one file."""
        return self.kind != "jpg"


def read_picture(protocol):
    """Read a protocol like ``jpg,CT=grey.sao,scaling=LOG,size=4``; None if it asks for no picture."""
    kind, *settings = protocol.split(",")
    if kind.lower() not in _KINDS:
        return None
    given = {name.strip().lower(): value.strip() for name, _, value in (item.partition("=") for item in settings)}
    size = int(given["size"]) if re.fullmatch(r"\d", given.get("size", "")) else 1
    ends = [_number(given.get(name, "")) for name in ("min", "max")]
    return Picture(kind.lower(), given.get("scaling", "MINMAX").upper(), size if size in _SIZES else 1, *ends)


def _number(text):
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def write_jpg(picture, full, path):
    """Write the picture of a level-1 file."""
    from PIL import Image

    Image.fromarray(shades(picture, full)).save(path, format="JPEG", quality=90)


def write_movie(picture, files, path):
    """Write a movie of level-1 files; `files` are callables that open them, in order."""
    import imageio_ffmpeg

    writer = None
    try:
        for opened in files:
            with opened() as full:
                frame = shades(picture, full)
            # The codecs want even sides.
            frame = np.ascontiguousarray(frame[: frame.shape[0] // 2 * 2, : frame.shape[1] // 2 * 2])
            if writer is None:
                writer = imageio_ffmpeg.write_frames(
                    str(path),
                    frame.shape[::-1],
                    pix_fmt_in="gray",
                    fps=_FRAMES_PER_SECOND if picture.kind == "mp4" else 25,
                    codec=_CODECS[picture.kind],
                    macro_block_size=1,
                    ffmpeg_log_level="error",
                    output_params=["-bitexact", "-threads", "1"],
                )
                writer.send(None)
            writer.send(frame)
    finally:
        if writer is not None:
            writer.close()


def shades(picture, full):
    """An image in 8-bit shades of grey, north up.

    Parameters
    ----------
    picture : Picture
    full : binary file
        Level-1 file.

    Returns
    -------
    ndarray of uint8
    """
    from astropy.io import fits
    from PIL import Image, ImageDraw

    with fits.open(full, do_not_scale_image_data=True) as hdus:
        pixels = hdus[1].data[:: picture.size, :: picture.size].astype(np.float32)
    low = pixels.min() if picture.low is None else picture.low
    high = pixels.max() if picture.high is None else picture.high
    share = np.clip((pixels - low) / max(high - low, 1e-6), 0, 1)
    if picture.scaling == "LOG":
        share = np.log1p(999 * share) / math.log(1000)
    elif picture.scaling == "SQRT":
        share = np.sqrt(share)
    image = Image.fromarray(np.round(255 * share[::-1]).astype(np.uint8))
    ImageDraw.Draw(image).text((2, 2), "SYNTHETIC", fill=255, font_size=max(10, image.width // 40))
    return np.asarray(image)
