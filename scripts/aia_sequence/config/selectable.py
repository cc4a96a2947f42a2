"""Keywords by whose value the archive can select records, and which values each can have."""

import math
import re
from dataclasses import dataclass
from typing import Any

from aia_sequence.errors import suggestion
from aia_sequence.times import read_time


@dataclass(frozen=True)
class Keyword:
    """A keyword by whose value the archive can select records: its kind and what it means."""

    name: str
    kind: str
    note: str

    def value(self, text: str) -> Any:
        """A value of the keyword's kind (number, bits, time) from its text; ValueError says what is allowed."""
        text = text.strip()
        if self.kind == "int" and INTEGER.fullmatch(text):
            return int(text)
        if self.kind == "bits" and WORD.fullmatch(text) and (word := int(text, 0)) < 2**32:
            return word
        if self.kind == "float" and FLOAT.fullmatch(text) and math.isfinite(value := float(text)):
            return value
        if self.kind == "time" and TIME.fullmatch(text) and _is_time(text):
            return text
        raise ValueError(f"{text!r} is not a value of {self.name}; {self.allowed}")

    @property
    def allowed(self) -> str:
        """What a condition on the keyword may look like."""
        if self.kind == "bits":
            forms = '"= 0", "!= 0x40000000", "in 0, 0x40000000", "ignore bits 0-4, 8, 30", "reject bits 9, 30"'
        else:
            low, high = {
                "int": ("171", "211"),
                "float": ("1.5", "2.0"),
                "time": ("2021-07-03T14:25:00Z", "2021-07-03T14:35:00Z"),
            }[self.kind]
            forms = f'"< {low}" (or = != <= > >=), "{low} .. {high}", "in {low}, {high}", "not in {low}, {high}"'
        return f"{self.name} ({self.note}) takes {forms}"


KEYWORDS = {
    keyword.name: keyword
    for keyword in (
        Keyword("T_REC", "time", "slot time, UTC"),
        Keyword("WAVELNTH", "int", "channel, angstrom"),
        Keyword("EXPTIME", "float", "exposure time, seconds"),
        Keyword("QUALITY", "bits", "level-1 quality word, 32 bits"),
        Keyword("FSN", "int", "filtergram serial number"),
        Keyword("CAMERA", "int", "camera, 1 to 4"),
    )
}

# Known, but reached through the link from the cadence series to aia.lev1: no column that its SQL could name.
LINKED = """
    T_OBS DATE__OBS DATE_OBS AECTYPE AECMODE AIMGTYP WAVE_STR IMG_TYPE INSTRUME DATAMIN DATAMAX DATAMEAN DATAMEDN
    DATARMS DATASKEW DATAKURT DATACENT DATAP01 DATAP10 DATAP25 DATAP75 DATAP90 DATAP95 DATAP98 DATAP99 NSATPIX
    NSPIKES TOTVALS DATAVALS MISSVALS PERCENTD CRPIX1 CRPIX2 CRVAL1 CRVAL2 CDELT1 CDELT2 CROTA2 R_SUN RSUN_OBS
    CRLN_OBS CRLT_OBS HGLN_OBS HGLT_OBS DSUN_OBS OBS_VR OBS_VW OBS_VN ACS_MODE ACS_ECLP ACS_SUNP ACS_SAFE ACS_CGT
    EXPSDEV INT_TIME TEMPCCD TEMPGT TEMPSMIR TEMPFPAD ISPSNAME ISPPKTIM LVL_NUM FLAT_REC ORB_REC ASD_REC MPO_REC
"""

INTEGER = re.compile(r"[+-]?\d{1,18}")
WORD = re.compile(r"0[xX][0-9a-fA-F]{1,8}|\d{1,10}")
FLOAT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?")
TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")


def unknown(name: str, wanted: object) -> str:
    """Why a keyword cannot be used, and which can."""
    allowed = suggestion(name, KEYWORDS)
    if str(name).upper() in LINKED.split():
        return (
            f"{wanted!r}: {name} is kept in aia.lev1 and only linked from the series, "
            f"so the archive cannot select records by it; {allowed}"
        )
    return f"{wanted!r}: the archive cannot select records by a keyword {name!r}; {allowed}"


def _is_time(text: str) -> bool:
    try:
        read_time(text)
    except ValueError:
        return False
    return True
