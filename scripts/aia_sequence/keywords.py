"""Keywords of level-1 records: what kind of value each has, and which of them are columns of the cadence series.

Names and types are those of JSOC's description of aia.lev1. A cadence series (aia.lev1_euv_12s, say) has few columns
of its own; everything else it takes from aia.lev1 through a link, which its SQL does not follow.
"""

from dataclasses import dataclass

# Columns of the cadence series, by which the archive itself selects records.
OWN = {
    "T_REC": ("time", "slot time, UTC"),
    "WAVELNTH": ("int", "channel, angstrom"),
    "EXPTIME": ("float", "exposure time, seconds"),
    "QUALITY": ("bits", "level-1 quality word, 32 bits"),
    "FSN": ("int", "filtergram serial number"),
    "CAMERA": ("int", "camera, 1 to 4"),
}
LINKED = {
    "time": "DATE DATE__OBS T_OBS ISPPKTIM",
    "float": """
        LVL_NUM EXPSDEV INT_TIME PERCENTD DATAMEAN DATARMS DATASKEW DATAKURT DATACENT DATAP01 DATAP10 DATAP25 DATAP75
        DATAP90 DATAP95 DATAP98 DATAP99 OSCNMEAN OSCNRMS CRVAL1 CDELT1 CRPIX1 CRVAL2 CDELT2 CRPIX2 CROTA2 R_SUN INST_ROT
        IMSCL_MP X0_MP Y0_MP SAT_Y0 SAT_Z0 SAT_ROT DSUN_REF DSUN_OBS RSUN_REF RSUN_OBS GAEX_OBS GAEY_OBS GAEZ_OBS
        HAEX_OBS HAEY_OBS HAEZ_OBS OBS_VR OBS_VW OBS_VN CRLN_OBS CRLT_OBS HGLN_OBS HGLT_OBS DN_GAIN EFF_AREA EFF_AR_V
        TEMPCCD TEMPGT TEMPSMIR TEMPFPAD AIMSHOBC AIMSHOBE AIMSHOTC AIMSHOTE AIMSHCBC AIMSHCBE AIMSHCTC AIMSHCTE
    """,
    "int": """
        FID QUALLEV0 TOTVALS DATAVALS MISSVALS DATAMIN DATAMAX DATAMEDN NSATPIX NSPIKES CAR_ROT CALVER32 ROI_NWIN
        ROI_SUM ROI_NAX1 ROI_NAY1 ROI_LLX1 ROI_LLY1 ROI_NAX2 ROI_NAY2 ROI_LLX2 ROI_LLY2 AIVNMST AIMGOTS ASQTNUM ASQFSN
        AIAHFSN AECDELAY AIAECTI AIASEN AIFDBID AIMGOTSS AIFCPS AIFTSWTH AIFRMLID AIFTSID AIHISMXB AIHIS192 AIHIS348
        AIHIS604 AIHIS860 AIFWEN AIMGSHCE AECTYPE AIAECENF AIFILTYP AICFGDL1 AICFGDL2 AICFGDL3 AICFGDL4 AIFOENFL AIMGFSN
        AIMGTYP AIAWVLEN AIAGP1 AIAGP2 AIAGP3 AIAGP4 AIAGP5 AIAGP6 AIAGP7 AIAGP8 AIAGP9 AIAGP10 AGT1SVY AGT1SVZ AGT2SVY
        AGT2SVZ AGT3SVY AGT3SVZ AGT4SVY AGT4SVZ AIMGSHEN
    """,
    "long": "ASQHDR",
    "text": """
        BLD_VERS ORIGIN TELESCOP INSTRUME IMG_TYPE WAVEUNIT WAVE_STR FLAT_REC CTYPE1 CUNIT1 CTYPE2 CUNIT2 MPO_REC
        ASD_REC ACS_MODE ACS_ECLP ACS_SUNP ACS_SAFE ACS_CGT ORB_REC PIXLUNIT ISPSNAME ISPPKTVN AECMODE AISTATE KEYWDDOC
    """,
}


@dataclass(frozen=True)
class Keyword:
    """A keyword of level-1 records.

    Attributes
    ----------
    name
        Its name in the archive, where `-` is written `__`.
    kind
        `int` (of 32 bits), `long` (of 64), `float`, `bits` (a word of 32), `time` or `text`.
    note
        What it means, if it is a column of the series.
    linked
        Whether it is taken from aia.lev1, so that the archive cannot select records by it.
    """

    name: str
    kind: str
    note: str = ""
    linked: bool = False


KEYWORDS = {name: Keyword(name, kind, note) for name, (kind, note) in OWN.items()} | {
    name: Keyword(name, kind, linked=True) for kind, names in LINKED.items() for name in names.split()
}
