"""The QUALITY word of AIA level-1 records in words.

Sources: table 2 of section 7.7.6 of the *Guide to SDO Data Analysis*, and the header ``quallev1.h`` of the JSOC's own
level-1 code (https://github.com/lm-jps/proj), which also defines bits that the guide leaves out: 5 to 7 (anomalies) and
19, 22 and 23 (HMI alone).
"""

import numbers

NO_IMAGE = 31
NEAR_REAL_TIME = 30

BITS = {
    0: "flat field not available",
    1: "orbit data not available",
    2: "ancillary science data not available",
    3: "master pointing not available",
    4: "limb fit not available",
    5: "instrument anomaly",
    6: "instrument misconfigured",
    7: "camera anomaly",
    8: "pixels missing",
    9: "more than 1 % of the pixels missing",
    10: "more than 5 % of the pixels missing",
    11: "more than 25 % of the pixels missing",
    12: "spacecraft not in science pointing mode",
    13: "eclipse",
    14: "no Sun presence",
    15: "spacecraft in safe mode",
    16: "dark image",
    17: "image stabilisation loop open",
    18: "calibration image",
    19: "HMI calibration mode",
    20: "focus out of range",
    21: "register flag",
    22: "HMI thermal recovery",
    23: "HMI lunar transit",
    NEAR_REAL_TIME: "near-real-time image",
    NO_IMAGE: "no image",
}


def decode(quality: int) -> list[str]:
    """
    Name the conditions that a QUALITY word reports.

    Parameters
    ----------
    quality : int
        The 32-bit word, unsigned (0 to 2**32 - 1) or signed as SQL returns it (-2**31 to -1 when bit 31 is set).

    Returns
    -------
    list of str
        One phrase for each set bit, lowest bit first; empty for a nominal record.
        A bit without a documented meaning is named by its number.

    Raises
    ------
    TypeError
        If the word is not an integer: a float may already have lost bits.
    ValueError
        If it does not fit into 32 bits.
    """
    if isinstance(quality, bool) or not isinstance(quality, numbers.Integral):
        raise TypeError(f"QUALITY must be an integer, not {quality!r}")
    if not -(2**31) <= quality < 2**32:
        raise ValueError(f"QUALITY {quality} does not fit into 32 bits")
    word = int(quality) & 0xFFFFFFFF
    return [BITS.get(bit, f"bit {bit} (undocumented)") for bit in range(32) if word >> bit & 1]


def near_real_time(quality: int) -> bool:
    """Tell whether a record with this QUALITY word is of near real time, and so provisional."""
    return bool(int(quality) >> NEAR_REAL_TIME & 1)


def has_image(quality: int) -> bool:
    """Tell whether a record with this QUALITY word has an image (bit 31 is clear); signed and unsigned words alike."""
    return not int(quality) >> NO_IMAGE & 1
