"""Level-1 frames of the synthetic instrument: header, pixels, spikes, and the FITS file that holds them."""

from pathlib import Path

import numpy as np
from astropy.io import fits

from synthetic_jsoc import hashing, tables, times
from synthetic_jsoc.camera import detector, fitsfile
from synthetic_jsoc.holdings import catalogue
from synthetic_jsoc.instrument import BLANK, CHANNELS, SATURATION_DN, SHAPE
from synthetic_jsoc.keywords import BY_FRAME, MISSING_INT, keywords
from synthetic_jsoc.storage import replacing
from synthetic_jsoc.sun import scene as sun
from synthetic_jsoc.sun.view import SCALE
from synthetic_jsoc.tables import degradation


def header(record, series=None, segment="image"):
    """
    Level-1 header of a record's segment.

    Parameters
    ----------
    record : dict
        A record of `synthetic_jsoc.holdings.catalogue.records`, with all keywords.
    series : str, optional
        Series that the record is exported from; by default that of its T_REC_step, and of its QUALITY.
    segment : str
        What the series calls the segment.

    Returns
    -------
    astropy.io.fits.Header
        The science keywords of an exported file, about 180, in the series' order, with the synthetic archive's marks;
        what describes the image's array is left to the HDU.
    """
    series = series or _series(record)
    cards = fits.Header()
    for definition in keywords(series):
        name = definition["name"]
        if definition["scope"] == "index" or name not in record:
            continue
        note = definition["note"].split("] ", 1)[-1]
        if definition["units"] not in ("none", ""):
            note = f"[{definition['units']}] {note}"
        value = _card_value(record[name], definition)
        cards.append((definition["fits"], value, _fit_comment(definition["fits"], value, note)), end=True)
    cards["RECNUM"] = (record["recnum"], "Recnum")
    cards["DRMS_ID"] = (f"{series}:{record['recnum']}:{segment}", "DRMS ID")
    cards["PRIMARYK"] = ("T_REC, FSN" if series in BY_FRAME else "T_REC, WAVELNTH", "DRMS primary key")
    cards["LICENSE"] = ("CC0 1.0", "Licence of the data")
    cards["SYNTH"] = (True, "synthetic: not an observation of the Sun")
    cards["COMMENT"] = "Synthetic data: from a model of Sun and instrument, not observed."
    return cards


def _series(record):
    if record["T_REC_step"] == 1:
        return BY_FRAME[record["QUALITY"] >> 30 & 1]
    return {12: "aia.lev1_euv_12s", 24: "aia.lev1_uv_24s"}.get(int(record["T_REC_step"]), "aia.lev1_vis_1h")


def _card_value(value, definition):
    """A keyword's value as JSOC writes it into a header: times as text, undefined cards for what is missing."""
    kind = definition["type"]
    if kind == "time":
        if value == times.MISSING:
            return None
        text = times.format_time(value, definition["units"], definition["format"])
        # The FITS standard has no zone letter in DATE-OBS; JSOC leaves it out there and writes it elsewhere.
        return text.removesuffix("Z") if definition["fits"] in ("DATE-OBS", "DATE") else text
    if kind in ("float", "double") and np.isnan(value):
        return None
    if kind == "int" and value == MISSING_INT and definition["name"] != "QUALITY":
        return None
    return value & 0xFFFFFFFF if definition["name"] == "QUALITY" else value


def _fit_comment(name, value, note):
    """Cut a comment to what is left of the card's 80 characters, so that astropy need not warn about it."""
    taken = max(len(repr(value)), 20) if not isinstance(value, str) else max(len(value) + 2, 20)
    return note[: max(80 - 10 - taken - 3, 0)]


def image(record, realisation=0, part=None):
    """
    Pixels of a record.

    Parameters
    ----------
    record : dict
        A record of `synthetic_jsoc.holdings.catalogue.records`.
    realisation : int, optional
        Another number gives the same scene with other noise: a repeated exposure.
    part : tuple of slice, optional
        Rows and columns that are wanted: to the bit what they are in the whole image, in less time.

    Returns
    -------
    ndarray of int16, shape (4096, 4096) or that of the part
    """
    rows, columns = part or map(slice, (0, 0), SHAPE)
    channel, middle = record["WAVELNTH"], _middle(record)
    factor = record["EXPTIME"] * float(degradation(channel, middle)) * float(catalogue.sunlit(np.array([middle]))[0])
    # Columns are drawn whole: what saturated pixels cannot hold runs along them from far above and below.
    drawn = part and (slice(0, SHAPE[0]), columns)
    scene = sun.Scene(channel, middle).on(_detector_on_scene(record, middle), part=drawn)
    seed = hashing.bits("noise", record["FSN"], realisation)
    counts = detector.expose(scene, factor, CHANNELS[channel].noise, seed, (0, columns.start))
    lost = record["MISSVALS"] // SHAPE[1]
    if lost:
        first = int(hashing.uniform("first row lost", record["FSN"]) * (SHAPE[0] - lost))
        counts[first : first + lost] = BLANK
    return counts[rows]


class Drawn:
    """The image of a record, of which each part is drawn when it is asked for, by slices of rows and columns."""

    shape = SHAPE

    def __init__(self, record):
        self.record = record

    def __getitem__(self, part):
        return image(self.record, part=part)


def _middle(record):
    """Mid-exposure, TAI seconds since 1977."""
    if record["T_OBS"] == times.MISSING:
        raise ValueError(f"{record['WAVELNTH']} A at {times.format_time(record['T_REC'])}: the record has no image")
    return record["T_OBS"]


def _detector_on_scene(record, middle):
    """Scene column and row of the detector's first pixel, and their steps along its rows and its columns.

    The detector is where the pointing table says at T_OBS, not where the header, which is older, says.
    """
    pointing = {name: float(value[0]) for name, value in tables.pointing(record["WAVELNTH"], middle).items()}
    turn = np.radians(pointing["INSTROT"] + record["SAT_ROT"])
    along = pointing["IMSCALE"] / SCALE * np.cos(turn)
    across = pointing["IMSCALE"] / SCALE * np.sin(turn)
    centre = (SHAPE[0] - 1) / 2
    column = centre - along * pointing["X0"] + across * pointing["Y0"]
    row = centre - across * pointing["X0"] - along * pointing["Y0"]
    return np.array([column, row, along, across, -across, along])


def spikes(record):
    """
    Cosmic-ray hits that level 1 has removed from an image.

    Parameters
    ----------
    record : dict
        A record of `synthetic_jsoc.holdings.catalogue.records`.

    Returns
    -------
    ndarray of int32, shape (2, n)
        Positions (row * 4096 + column, ascending) and the original intensities, as the ``spikes`` segment keeps them
        and `aiapy.calibrate.respike` puts them back.
    """
    number = max(record["NSPIKES"], 0)
    rng = np.random.default_rng([record["FSN"], 77])
    # A particle crosses up to three pixels in a line: each track has a square of four by four pixels to itself.
    squares = rng.choice((SHAPE[0] // 4) * (SHAPE[1] // 4), number // 3 + 1, replace=False)
    row, column = np.divmod(squares, SHAPE[1] // 4)
    down, across = rng.integers(0, 2, (2, squares.size))
    across |= 1 - down
    step = np.arange(3)[:, None]
    place = ((4 * row + step * down) * SHAPE[1] + 4 * column + step * across).ravel()[:number]
    value = np.minimum(60 + rng.lognormal(5.0, 1.2, number), SATURATION_DN)
    order = np.argsort(place)
    return np.stack([place[order], value[order]]).astype(np.int32)


def described(record, segment, as_is=False):
    """Header of a segment's file, but for what describes its array; arguments as of `write_fits`."""
    cards = fits.Header() if as_is else header(record, segment=segment)
    if segment != "spikes":
        cards["BLANK"] = BLANK
    return cards


def write_fits(record, path, segment="image", as_is=False, realisation=0):
    """
    Write a segment's file: an empty primary HDU and a Rice-compressed image.

    Parameters
    ----------
    record : dict
        A record of `synthetic_jsoc.holdings.catalogue.records`, with all keywords.
    path : path-like
        Written in one move.
    segment : {"image", "image_lev1", "spikes"}
        As the record's series calls it.
    as_is : bool
        True leaves out all keywords that do not describe the array, as files of an as-is export come.
    realisation : int
        See `image`.
    """
    cards = described(record, segment, as_is)
    pixels = spikes(record) if segment == "spikes" else image(record, realisation)
    with replacing(Path(path)) as part:
        fitsfile.write(part, pixels, cards)
