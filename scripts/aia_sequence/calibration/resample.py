"""Affine resampling of an image by cubic convolution: the registration's kernel.

Two interpolation kernels, both cubic:

* `cubic-spline`, the interpolating cubic B-spline. Its values are those of `scipy.ndimage.affine_transform` (order 3,
  mode "constant"): a recursive prefilter along rows and columns (Unser, Aldroubi & Eden 1993, IEEE Trans. Signal
  Process. 41, 821), then the B-spline of the coefficients.
* `keys`, cubic convolution with a = -0.5 (Keys 1981, IEEE Trans. Acoust. 29, 1153): IDL's `cubic=-0.5`, which
  SolarSoft's aia_prep uses.

Where the speed comes from: registration maps are nearly the identity, so along an output row the input row and the
offset of the input column stay the same for hundreds of pixels. Each row is cut into such runs. Inside a run all loads
are contiguous and the loop vectorises; any other affine map merely has short runs.

Values are not cut to the range of the input, as sunpy's `clip` does. That range belongs to whatever was cropped: a
cutout has another one than its frame, and a frame's hangs on a single bright pixel far away. Without it a value is a
weighted sum of the pixels around it, so that total flux and errors are what they ought to be. It can lie beyond all of
these pixels, by at most `OVERSHOOT` times their range.
"""

import numpy as np

from aia_sequence.calibration import kernels, prefilter

KERNELS = ("cubic-spline", "keys")
# A missing pixel claims every output pixel that lies closer to it than this, in input pixels along both axes. Keys has
# four taps and nothing else. The spline's prefilter reaches on without end, falling off by 0.27 a pixel; sunpy claims
# one pixel more than the taps, and so do we.
REACH = {"cubic-spline": 3.0, "keys": 2.0}
# How far values can lie beyond the range of pixels: half of what the sum of all weights' magnitudes exceeds one by.
# Along an axis that sum is (1 + 3 sqrt(3)) / 4 at most for the cardinal spline, and 1.25 for Keys.
OVERSHOOT = {"cubic-spline": 0.700, "keys": 0.282}
ABSENT = np.int64(2**40)  # a BLANK that no integer image can hold


class Coefficients:
    """An image made ready for interpolation.

    Attributes
    ----------
    padded
        float32 (ny + 2, nx + 2): spline coefficients, or the image itself for `keys`, mirrored by one pixel about the
        outermost pixels' centres, as scipy does.
    kernel
        The kernel that they belong to.
    low, high
        Range of the image without its missing pixels; NaN if all are missing.
    missing
        int64 (n, 2): row and column of each missing pixel, in order.
    """

    def __init__(self, padded, kernel, low, high, missing):
        self.padded, self.kernel, self.low, self.high, self.missing = padded, kernel, low, high, missing

    @property
    def shape(self):
        """Rows and columns of the image."""
        return self.padded.shape[0] - 2, self.padded.shape[1] - 2


def coefficients(image, kernel="cubic-spline", blank=None, out=None):
    """Make an image ready for interpolation.

    Missing pixels are filled from their surroundings before the recursive prefilter, which would otherwise carry them
    along whole rows and columns.

    Parameters
    ----------
    image : numpy.ndarray
        (ny, nx), at least 4 x 4; integers or floats. NaN is missing.
    kernel : str
        One of `KERNELS`.
    blank : int, optional
        Value of missing pixels in an integer image.
    out : numpy.ndarray, optional
        float32 (ny + 2, nx + 2) to work in; without it an array is made.

    Returns
    -------
    Coefficients

    Raises
    ------
    ValueError
        If the kernel is unknown or the image is too small.
    """
    if kernel not in KERNELS:
        raise ValueError(f"{kernel!r} is not an interpolation kernel; allowed are {', '.join(KERNELS)}")
    if image.ndim != 2 or min(image.shape) < 4:
        raise ValueError(f"an image of shape {image.shape} cannot be interpolated: 4 x 4 pixels are needed")
    if not image.dtype.isnative:
        image = image.astype(image.dtype.newbyteorder("="))
    padded = np.empty((image.shape[0] + 2, image.shape[1] + 2), np.float32) if out is None else out
    low, high, n_missing = prefilter.survey(image, ABSENT if blank is None else np.int64(blank))
    missing = np.empty((0, 2), np.int64)
    if n_missing:
        image, missing = fill_missing(image, blank)
    if kernel == "cubic-spline":
        prefilter.prefilter(image, prefilter.PREFILTER, padded)
    else:
        padded[1:-1, 1:-1] = image
    # Mirrored about the outermost pixels' centres
    padded[1:-1, 0], padded[1:-1, -1] = padded[1:-1, 2], padded[1:-1, -3]
    padded[0], padded[-1] = padded[2], padded[-3]
    return Coefficients(padded, kernel, low, high, missing)


def pixels_of(mask):
    """Row and column of each pixel of a mask, int64 (n, 2): `numpy.argwhere`, which takes ten times as long."""
    return np.stack(np.divmod(np.flatnonzero(mask), mask.shape[1]), axis=1)


def fill_missing(image, blank=None):
    """Fill the missing pixels of an image from around them.

    Returns
    -------
    filled : numpy.ndarray
        float32 (ny, nx).
    missing : numpy.ndarray
        int64 (n, 2): row and column of each missing pixel.
    """
    padded = np.empty((image.shape[0] + 2, image.shape[1] + 2), np.float32)
    prefilter.load(image, ABSENT if blank is None else np.int64(blank), padded)
    missing = pixels_of(np.isnan(padded[1:-1, 1:-1]))
    prefilter.fill(padded, missing)
    return padded[1:-1, 1:-1], missing


def interpolate(source, matrix, offset, shape, *, gain=1.0, missing=np.nan, out=None):
    """Evaluate the interpolated image on the pixels of another grid.

    Parameters
    ----------
    source : Coefficients
        From `coefficients`.
    matrix, offset : array-like
        (2, 2) and (2,): input pixel (x, y) = matrix @ output pixel (x, y) + offset, all 0-based at pixel centres.
    shape : tuple of int
        Rows and columns of the output.
    gain : float
        Factor on the values.
    missing : float
        Value of pixels that lie beyond the outermost pixels' centres.
    out : numpy.ndarray, optional
        float32 of that shape to write to.

    Returns
    -------
    numpy.ndarray
        float32; NaN where a missing pixel is within `REACH`.
    """
    matrix, offset = np.asarray(matrix, np.float64), np.asarray(offset, np.float64)
    out = np.empty(shape, np.float32) if out is None else out
    spline, gain, missing = source.kernel == "cubic-spline", np.float32(gain), np.float32(missing)
    kernels.evaluate(source.padded, matrix, offset, spline, False, gain, missing, out)
    if len(source.missing):
        kernels.claim(source.missing, REACH[source.kernel], matrix, offset, np.float32(np.nan), out)
    return out


def resample(image, matrix, offset, shape, kernel="cubic-spline", *, blank=None, gain=1.0, missing=np.nan):
    """Resample an image in one call; see `coefficients` and `interpolate` for the parameters."""
    return interpolate(coefficients(image, kernel, blank), matrix, offset, shape, gain=gain, missing=missing)


def variance(counts, blank, squared, kernel, missing, matrix, offset, *, gain=1.0, padded=None, out=None, shape=None):
    """Standard deviation of an interpolated image whose pixels have independent errors.

    An interpolated value is a weighted sum of pixels, so its variance is the sum of theirs with squared weights. For
    the spline these are the weights of the cardinal spline, prefilter included, over six pixels along each axis; what
    lies farther out carries less than 1e-3 of the sum. Interpolating between pixels averages noise: midway between four
    of them the variance is about six tenths of theirs.

    Parameters
    ----------
    counts : numpy.ndarray
        Integers (ny, nx).
    blank : int or None
        Value of missing pixels.
    squared : numpy.ndarray
        float32, the variance of 0, 1, 2 … counts. Negative counts have that of 0.
    kernel : str
        One of `KERNELS`.
    missing : numpy.ndarray
        Missing pixels as in `Coefficients`.
    matrix, offset, gain
        As in `interpolate`; the standard deviation is multiplied by the gain.
    padded, out : numpy.ndarray, optional
        float32 (ny + 4, nx + 4) to work in, and the output to write to.
    shape : tuple of int, optional
        Rows and columns of the output, where no `out` is given.

    Returns
    -------
    numpy.ndarray
        float32; NaN beyond the frame and where a missing pixel is within `REACH`.
    """
    matrix, offset = np.asarray(matrix, np.float64), np.asarray(offset, np.float64)
    out = np.empty(shape, np.float32) if out is None else out
    padded = variances(counts, blank, squared, padded)
    spline = kernel == "cubic-spline"
    kernels.evaluate(padded, matrix, offset, spline, True, np.float32(1), np.float32(np.nan), out)
    if len(missing):
        kernels.claim(missing, REACH[kernel], matrix, offset, np.float32(np.nan), out)
    np.sqrt(out, out=out)
    return np.multiply(out, np.float32(gain), out=out)


def variances(counts, blank, squared, padded=None):
    """Variances of counts inside a margin of two pixels, mirrored about the outermost pixels' centres.

    Parameters and result are those of `variance`: float32 (ny + 4, nx + 4), `padded` where it is given.
    """
    padded = np.empty((counts.shape[0] + 4, counts.shape[1] + 4), np.float32) if padded is None else padded
    kernels.look_up(counts, ABSENT if blank is None else np.int64(blank), squared, padded)
    for n in range(2):
        padded[2:-2, n], padded[2:-2, -1 - n] = padded[2:-2, 4 - n], padded[2:-2, -5 + n]
    for n in range(2):
        padded[n], padded[-1 - n] = padded[4 - n], padded[-5 + n]
    return padded


def add_to_sunpy():
    """Register the kernels with sunpy as rotation methods `aia-cubic-spline` and `aia-keys`.

    Afterwards `smap.rotate(method="aia-keys", order=3)` and `sunpy.image.transform.affine_transform` use them.
    """
    from sunpy.image.transform import add_rotation_function

    def method(kernel):
        def rotate(image, matrix, shift, order, missing, clip):
            return resample(image, matrix, shift, image.shape, kernel, missing=missing)

        rotate.__doc__ = (
            f"\n    * Cubic convolution in float32, kernel {kernel}; see `aia_sequence.calibration.resample`.\n    "
        )
        return rotate

    for kernel in KERNELS:
        # sunpy's own clipping also takes `missing` into account, so it is left to sunpy.
        add_rotation_function(
            f"aia-{kernel}",
            allowed_orders={3},
            handles_clipping=False,
            handles_image_nans=True,
            handles_nan_missing=True,
        )(method(kernel))
