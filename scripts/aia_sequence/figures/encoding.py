"""Movies through ffmpeg, the one that imageio-ffmpeg brings or finds: H.264 in MP4, and GIF."""

import errno
import os
import subprocess
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import NoReturn

import imageio_ffmpeg
import numpy as np

from aia_sequence.errors import FrameError
from aia_sequence.files import replacing


def encode(images: Iterable[np.ndarray], path: Path, size: tuple[int, int], fps: Fraction) -> None:
    """Encode images as an H.264 movie that browsers play: 4:2:0, colours after BT.709, index at the front.

    One thread and no metadata: the same images always become the same bytes.

    Parameters
    ----------
    images
        RGB, uint8, shape (height, width, 3) each.
    path
        MP4 file to be written.
    size
        Width and height, even numbers.
    fps
        Images per second.

    Raises
    ------
    FrameError
        If ffmpeg fails; with its own words.
    """
    colours = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"]
    command = [
        *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y"),
        *("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{size[0]}x{size[1]}", "-r", str(fps), "-i", "-"),
        *("-an", "-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p", *colours),
        *("-c:v", "libx264", "-preset", "faster", "-crf", "17", "-g", str(max(1, round(2 * fps))), "-threads", "1"),
        *("-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-movflags", "+faststart"),
        *("-f", "mp4", str(path)),
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin  # both are pipes
        assert process.stderr
        try:
            for image in images:
                process.stdin.write(image.data)
            process.stdin.close()
        except BrokenPipeError:
            pass  # ffmpeg has ended early; its own words follow
        words = process.stderr.read().decode(errors="replace").strip()
    if process.returncode:
        _fail(words or f"status {process.returncode}")


def render_gif(movie: Path, path: Path, width: int = 640) -> None:
    """Turn the movie into a GIF with a palette of its own; the movie is read twice and never held in memory.

    Raises
    ------
    FrameError
        If ffmpeg fails; with its own words.
    """
    scale = f"scale={width}:-1:flags=lanczos"
    begin = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", "-threads", "1", "-i", str(movie)]
    with replacing(path.with_suffix(".palette")) as palette, replacing(path) as part:
        end = ["-map_metadata", "-1", "-fflags", "+bitexact"]
        _run([*begin, "-vf", f"{scale},palettegen=stats_mode=full", *end, "-f", "image2", "-c:v", "png", str(palette)])
        mix = f"{scale}[x];[x][1:v]paletteuse=dither=sierra2_4a"
        _run([*begin, "-i", str(palette), "-lavfi", mix, *end, "-f", "gif", "-loop", "0", str(part)])
    path.with_suffix(".palette").unlink()


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        _fail(done.stderr.strip() or f"status {done.returncode}")


def _fail(words: str) -> NoReturn:
    """What ffmpeg says of a failure; a full disk as the system would."""
    if os.strerror(errno.ENOSPC) in words:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    raise FrameError(f"ffmpeg could not write the movie: {words}")
