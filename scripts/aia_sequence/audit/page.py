"""The audit of an event as one self-contained page."""

from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from aia_sequence.audit.remarks import Remark
from aia_sequence.lists.audit import LOST, Outcome
from aia_sequence.templates import filled
from aia_sequence.times import clock, day, read_time

TEMPLATE = Path(__file__).with_name("templates") / "audit.html"
MOST_ROWS = 5000  # more make a browser slow; audit.csv has them all
# Of a record: what stands above its cells, and what they are to the page's style.
COLUMNS = {
    "T_REC": ("T_REC", ""),
    "T_OBS": ("T_OBS", ""),
    "WAVELNTH": ("Channel (Å)", "number"),
    "EXPTIME": ("EXPTIME (s)", "number"),
    "quality": ("QUALITY", "words"),
    "outcome": ("Outcome", "mark"),
    "why": ("Reason or note", "words"),
    "degradation": ("Degradation", "number"),
    "level1.5": ("Level-1.5 file", ""),
}


def page(
    *,
    event: str,
    window: Sequence[str],
    channels: Sequence[int],
    where: Mapping[str, str],
    recordsets: Sequence[str],
    table: pd.DataFrame,
    notes: Sequence[Remark],
) -> str:
    """
    Render an audit.

    Parameters
    ----------
    event
        Name of the event.
    window
        Its start and end (ISO 8601, UTC).
    channels
        Channels that it asks for.
    where
        Conditions of the configuration, by keyword.
    recordsets
        Record-set strings of its blocks and channels.
    table
        The audit, see `aia_sequence.audit.join.join`, with the column `notes`.
    notes
        What a reader should know.

    Returns
    -------
    str
        HTML that loads nothing from anywhere, sorts and filters its table, and prints.
    """
    asked = table[table["outcome"] != Outcome.OTHER_CHANNEL]
    listed = asked if len(asked) <= MOST_ROWS else asked[asked["outcome"] != Outcome.FILTERED].head(MOST_ROWS)
    made = asked[asked["outcome"] == Outcome.CALIBRATED]
    return filled(
        TEMPLATE,
        event=event,
        window=window,
        channels=channels,
        synthetic=[note.text for note in notes if note.kind == "synthetic data"],
        viewers=[channel for channel in channels if (made["WAVELNTH"] == str(channel)).any()],
        total=f"{len(table):,}",
        asked=f"{len(asked):,}",
        made=f"{len(made):,}",
        listed=f"{len(listed):,}",
        counts=_counts(table, channels),
        timelines=[_timeline(asked[asked["WAVELNTH"] == str(channel)], channel) for channel in channels],
        notes=[note for note in notes if note.kind != "synthetic data"],
        where=where,
        recordsets=recordsets,
        requests=sorted(set(table["request"]) - {""}),
        archives={name: f"{count:,}" for name, count in sorted(Tally(asked["archive"]).items()) if name},
        present=_present(listed),
        columns=COLUMNS,
        records=list(map(_record, listed.to_dict("records"))),
        tone=_tone,
    )


def _present(rows: pd.DataFrame) -> list[Outcome]:
    """The outcomes of some records, in the order of all."""
    return [outcome for outcome in Outcome if (rows["outcome"] == outcome).any()]


def _counts(table: pd.DataFrame, channels: Sequence[int]) -> dict[str, Any]:
    """Outcomes down, channels across, with sums both ways."""
    columns = [str(channel) for channel in channels]
    by_channel = table["WAVELNTH"].where(table["WAVELNTH"].isin(columns), "others")
    if (by_channel == "others").any():
        columns.append("others")
    counts = pd.crosstab(table["outcome"], by_channel).reindex(index=list(Outcome), columns=columns, fill_value=0)
    sums = counts.sum(axis=1)
    return {
        "heads": [f"{name} Å" if name != "others" else name for name in columns],
        "rows": [(outcome, _texts([*counts.loc[outcome], sums[outcome]])) for outcome in _present(table)],
        "sums": _texts([*counts.sum(), sums.sum()]),
    }


def _texts(numbers: Sequence[int]) -> list[str]:
    return [f"{number:,}" for number in numbers]


def _timeline(rows: pd.DataFrame, channel: int) -> dict[str, Any]:
    """Ticks of a channel's records along time, one lane for each outcome."""
    present = _present(rows)
    if not present:
        return {"channel": channel, "lanes": []}
    times = rows["T_REC"].map(read_time)
    first, last = times.min(), times.max()
    place = 4 + 992 * (times - first) / max(last - first, 1.0)
    return {
        "channel": channel,
        "summary": ", ".join(f"{(rows['outcome'] == outcome).sum()} {outcome}" for outcome in present),
        "lanes": [
            (outcome, "".join(f"M{x:.1f},0v16" for x in place[rows["outcome"] == outcome])) for outcome in present
        ],
        "first": clock(first),
        "last": f"{day(last)} {clock(last)}",
    }


def _record(row: Mapping[str, str]) -> dict[str, str]:
    """A record's cells: QUALITY in words, why it went no further, what was corrected, a file's bare name."""
    reason = row["reason"]
    if row["outcome"] == Outcome.FILTERED:  # it names the conditions that the record does not fulfil
        reason = f"not {reason.replace('; ', ', not ')}"
    return {
        **row,
        "quality": row["quality"] or "nominal",
        "why": "; ".join(filter(None, (reason, row["notes"]))),
        "degradation": f"{float(row['degradation']):.4f}" if row.get("degradation") else "",
        "level1.5": row["level1.5"].rpartition("/")[2],
    }


def _tone(outcome: str) -> str:
    """How the page's style calls an outcome: good, bad, or neither."""
    return "lost" if outcome in LOST else Outcome.CALIBRATED if outcome == Outcome.CALIBRATED else Outcome.FILTERED
