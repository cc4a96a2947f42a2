"""What a frame, a file and a request cost: the figures behind resources on a cluster and the budget.

Measured figures stand here and nowhere else: core seconds from the benchmark files (`benchmarks/`) of the worked
example and from `make bench-calibrate`, on two shared cores. They are meant to be right within a factor of two; what is
asked of a cluster carries a margin on top (`MARGIN`).
"""

import math

from aia_sequence.instrument import SIDE

LEVEL15_BYTES = 4 * SIDE**2 + 40_320  # float32, not compressed, with its header

STARTUP_SECONDS = 1.5  # per job: Python, astropy, compiled kernels from their cache
CALIBRATE_SECONDS = 0.5  # per frame: read, prefilter, resample, write, checksum
RESPIKE_SECONDS = 0.3
PSF_SECONDS = 0.45  # deconvolution, per frame and iteration
UNCERTAINTY_SECONDS = 1.0
COMPRESSION_SECONDS = {"none": 0.0, "gzip": 1.1, "rice": 0.1}
UNCERTAINTY_COMPRESSED = 0.3  # of float32, rounded to 0.8 % and deflated, where the image is compressed
COMPRESSED = {"none": 1.0, "gzip": 0.8, "rice": 0.25}  # share of what is written without
CUBE_BYTES = {"none": 0.0, "seen": 1.3, "derotated": 1.7}  # a pixel, with its mask, and its area where it is derotated
CUBE_UNCERTAINTY_BYTES = 0.8
CUBE_SECONDS = 0.4e-6  # per pixel
FIGURE_SECONDS = 0.3  # per frame: light curve, figure, movie, viewer together

PROCESS_MB = 700  # one calibration process, one frame in memory
PSF_MB = 1000  # the transform of the PSF and of a frame beside it
PARENT_MB = 300  # the process that hands frames out
FIGURE_MB = 1500  # flat, however long the sequence

MARGIN = 4.0  # a busy node with a slow file system
SHORTEST_MINUTES = 10  # schedulers gain nothing from knowing less


def frame_seconds(calibration: dict | None) -> float:
    """Core seconds of calibrating one full-disk frame with an event's `calibration` options."""
    options = calibration or {}
    seconds = CALIBRATE_SECONDS
    for name, extra in (("respike", RESPIKE_SECONDS), ("uncertainty", UNCERTAINTY_SECONDS)):
        seconds += extra if options.get(name) else 0.0
    if options.get("psf"):
        seconds += PSF_SECONDS * options.get("psf_iterations", 25)
    return seconds + COMPRESSION_SECONDS[options.get("compression", "none")]


def calibrate_minutes(frames: int, threads: int, calibration: dict | None = None, attempt: int = 1) -> int:
    """Run time to ask for, in minutes, for calibrating a block of `frames` frames in `threads` processes."""
    return _minutes(STARTUP_SECONDS + frames * frame_seconds(calibration) / threads, attempt)


def calibrate_mb(threads: int, calibration: dict | None = None, attempt: int = 1) -> int:
    """Memory to ask for, in MB, for calibrating in `threads` processes."""
    per_process = PROCESS_MB + (PSF_MB if (calibration or {}).get("psf") else 0)
    return _grown(PARENT_MB + threads * per_process, attempt)


def figure_minutes(frames: int, attempt: int = 1) -> int:
    """Run time to ask for, in minutes, for the figures of a sequence of `frames` frames."""
    return _minutes(STARTUP_SECONDS + frames * FIGURE_SECONDS, attempt)


def figure_mb(attempt: int = 1) -> int:
    """Memory to ask for, in MB, for the figures of a sequence, however long."""
    return _grown(FIGURE_MB, attempt)


def _minutes(seconds: float, attempt: int) -> int:
    return max(SHORTEST_MINUTES, math.ceil(MARGIN * seconds / 60)) * attempt


def _grown(megabytes: float, attempt: int) -> int:
    """Half as much again with each further attempt."""
    return round(megabytes * (1 + attempt) / 2)
