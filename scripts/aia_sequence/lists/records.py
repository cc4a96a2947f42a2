"""Records: what the archive says of them, which of them the conditions keep, and which a paper has committed."""

from aia_sequence.keywords import KEYWORDS as KNOWN
from aia_sequence.keywords import Keyword
from aia_sequence.lists.table import TIME, Column, Table


def _column(keyword: Keyword) -> Column:
    """The column that holds a keyword's values."""
    kind = {"float": float, "int": int, "long": int, "bits": int}.get(keyword.kind, str)
    return Column(keyword.name, kind, TIME if keyword.kind == "time" else "", optional=kind is int)


# Of the archive's keywords, those that every block asks for.
KEYWORDS = (
    Column("T_REC", unit=TIME),
    Column("T_OBS", unit=TIME),
    Column("DATE__OBS", unit=TIME),
    Column("WAVELNTH", int, "Angstrom"),
    Column("EXPTIME", float, "s"),
    Column("QUALITY", int),  # unsigned
    Column("NSATPIX", int, optional=True),
    Column("DATAMEAN", float, "DN"),
)
RECNUM = Column("recnum", int, optional=True)
RECORD = Column("record")  # name of a record: series and prime keys
# Where conditions need them.
BESIDES = tuple(_column(word) for name, word in KNOWN.items() if name not in [column.name for column in KEYWORDS])
ANSWERED = {column.name: column for column in (RECNUM, *KEYWORDS, *BESIDES)}

STEP = Column("step", unit=TIME)  # middle of the step that a record lies in, with the option `every`
ARCHIVE = Column("archive")  # which one answered

METADATA = Table("table of metadata", (RECNUM, *KEYWORDS, RECORD, Column("image")), further=(*BESIDES, ARCHIVE))
RECORDS = Table(
    "list of kept and dropped records",
    METADATA.columns,
    further=(*BESIDES, ARCHIVE, STEP),
    last=(Column("kept", bool), Column("dropped_by")),  # `dropped_by`: conditions, between `BETWEEN`
)
BETWEEN = "; "
DESCRIPTION = Table("description of keywords", tuple(map(Column, ("name", "type", "units", "note", "linkinfo"))))

RECORD_LIST = Table(
    "record list",
    (RECORD, *(ANSWERED[name] for name in ("recnum", "T_REC", "T_OBS", "WAVELNTH", "EXPTIME", "QUALITY"))),
    remedy="`aia-sequence freeze` writes it",
)


def titles(columns: tuple[Column, ...]) -> list[str]:
    """Titles of columns."""
    return [column.name for column in columns]
