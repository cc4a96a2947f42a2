"""Files at hand: what the header of each one says, or why it is not used."""

from dataclasses import replace

from aia_sequence.lists.records import ANSWERED, KEYWORDS, RECNUM
from aia_sequence.lists.table import Column, Table

FILES = Table(
    "list of files",
    (
        Column("file"),  # as the configuration leads to it
        Column("bytes", int, "byte"),
        Column("changed", int, "ns"),  # time of its last change, since 1970
        Column("reason"),  # why it is not used; what follows is empty then
        Column("series"),
        Column("segment"),
        RECNUM,
        *(replace(column, optional=column.kind is int) for column in KEYWORDS),
        ANSWERED["FSN"],
        ANSWERED["CAMERA"],
    ),
    order=("file",),
)
