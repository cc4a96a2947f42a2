"""What can become of a record."""

OUTCOMES = {
    "calibrated": "a level-1.5 frame of the sequence",
    "not calibrated": "a level-1 frame that could not be calibrated and was left out",
    "quarantined": "kept by the filter; the file that arrived failed its checks",
    "not delivered": "kept by the filter; its file could not be fetched",
    "not exported": "kept by the filter; the archive exported no file",
    "filtered": "dropped by a condition of the configuration",
    "no image": "the archive has no image for this record (QUALITY bit 31)",
    "other channel": "returned by the query of the series, but of a channel that the event does not ask for",
}
