"""The audit: every record that an event's queries returned, with one outcome."""

from enum import StrEnum

from aia_sequence.lists.manifests import APPLIED
from aia_sequence.lists.records import ANSWERED, ARCHIVE, RECORD
from aia_sequence.lists.table import Column, Table


class Outcome(StrEnum):
    """What can become of a record."""

    meaning: str

    def __new__(cls, word: str, meaning: str) -> "Outcome":
        """An outcome is its word, and has a meaning."""
        outcome = str.__new__(cls, word)
        outcome._value_, outcome.meaning = word, meaning
        return outcome

    CALIBRATED = "calibrated", "a level-1.5 frame of the sequence"
    NOT_CALIBRATED = "not calibrated", "a level-1 frame that could not be calibrated and was left out"
    QUARANTINED = "quarantined", "kept by the filter; the file that arrived failed its checks"
    NOT_DELIVERED = "not delivered", "kept by the filter; its file could not be fetched"
    NOT_EXPORTED = "not exported", "kept by the filter; the archive exported no file"
    FILTERED = "filtered", "dropped by a condition of the configuration"
    NO_IMAGE = "no image", "the archive has no image for this record (QUALITY bit 31)"
    OTHER_CHANNEL = (
        "other channel",
        "returned by the query of the series, but of a channel that the event does not ask for",
    )


DROPPED = (Outcome.FILTERED, Outcome.NO_IMAGE)
LOST = (Outcome.QUARANTINED, Outcome.NOT_DELIVERED, Outcome.NOT_EXPORTED, Outcome.NOT_CALIBRATED)

# As a query returned them; an audit repeats their digits.
KEYWORDS = tuple(ANSWERED[name] for name in ("T_REC", "T_OBS", "WAVELNTH", "EXPTIME", "QUALITY", "NSATPIX", "DATAMEAN"))
AUDIT = Table(
    "audit",
    (
        RECORD,
        *KEYWORDS,
        Column("quality"),  # QUALITY in words
        Column("outcome"),  # an Outcome
        Column("reason"),
        ARCHIVE,
        Column("request"),
        Column("level1"),
        Column("level1_sha256"),
        Column("level1.5"),
        Column("level1.5_sha256"),
        *APPLIED,
        Column("notes"),
    ),
    needed=("record", "WAVELNTH", "outcome"),
)
