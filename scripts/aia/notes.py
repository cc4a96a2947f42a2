"""What a reader of a sequence should know about it: the notes of an audit."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

FULL_DISK_PIXELS = 4096 * 4096
LONG = 1.5  # a spacing is a gap from this multiple of the usual one on: exposures shift T_OBS by seconds within a slot


@dataclass(frozen=True)
class Note:
    """One remark.

    Attributes
    ----------
    channel
        Channel that it is about, or None for the whole event.
    kind
        One of ``synthetic data``, ``left out``, ``gap``, ``saturation``, ``degradation``, ``pointing``.
    text
        The remark, a sentence.
    """

    channel: int | None
    kind: str
    text: str


def saturated(nsatpix: str) -> str:
    """Say which part of a full-disk frame is saturated; empty if none is, or if the archive does not know."""
    count = float(nsatpix) if nsatpix else 0.0
    return f"{100 * count / FULL_DISK_PIXELS:.2g} % saturated ({count:.0f} pixels)" if count > 0 else ""


def about_channel(table: pd.DataFrame, channel: int, step: int) -> list[Note]:
    """
    Remarks on one channel of an audit: frames that were left out, gaps, saturation.

    Parameters
    ----------
    table
        The event's audit, see `aia.audit.join`.
    channel
        The channel.
    step
        Cadence of its series in seconds.
    """
    rows = table[table["WAVELNTH"] == str(channel)]
    notes = []
    for outcome in ("quarantined", "not delivered", "not exported", "not calibrated"):
        left = rows[rows["outcome"] == outcome]
        if len(left):
            reasons = "; ".join(sorted(set(left["reason"])))
            notes.append(Note(channel, "left out", f"{_count(len(left), 'record')} {outcome}: {reasons}."))
    frames = rows[rows["outcome"] == "calibrated"]
    notes += gaps(rows, channel, step)
    saturation = [(saturated(row.NSATPIX), row.T_REC) for row in frames.itertuples() if saturated(row.NSATPIX)]
    if saturation:
        counts = pd.to_numeric(frames["NSATPIX"])
        worst = frames.loc[counts.idxmax()]
        notes.append(
            Note(
                channel,
                "saturation",
                f"{_count(len(saturation), 'frame')} of {len(frames)} with saturated pixels; "
                f"most in {worst['T_REC']}: {saturated(worst['NSATPIX'])}.",
            )
        )
    return notes


def gaps(rows: pd.DataFrame, channel: int, step: int) -> list[Note]:
    """
    Remarks on the spacing of a channel's frames.

    A filter that drops every other record makes a regular sequence of half the cadence: said once, with the count.
    A gap is a spacing longer than `LONG` times the usual (median) one, and is listed with what lies in it.

    Parameters
    ----------
    rows
        Audit rows of the channel.
    channel
        The channel.
    step
        Cadence of the series in seconds.
    """
    frames = rows[rows["outcome"] == "calibrated"]
    slots = pd.to_datetime(frames["T_REC"])
    spacing = slots.diff().dt.total_seconds().iloc[1:]
    if not len(spacing):
        return []
    usual = spacing.median()
    notes = []
    if usual > step:
        notes.append(
            Note(channel, "gap", f"Frames are {usual:g} s apart in the median; the cadence of the series is {step} s.")
        )
    for end in spacing.index[spacing > LONG * usual]:
        start = frames.index[frames.index.get_loc(end) - 1]
        inside = rows.loc[(rows.index > start) & (rows.index < end), "outcome"].value_counts()
        what = ", ".join(f"{count} {name}" for name, count in sorted(inside.items())) or "no record in the archive"
        period = f"{frames.at[start, 'T_REC']} to {frames.at[end, 'T_REC']}"
        notes.append(Note(channel, "gap", f"{spacing[end]:g} s without a frame, {period}: {what}."))
    return notes


def about_degradation(table: pd.DataFrame, degradation: pd.DataFrame, channel: int) -> list[Note]:
    """
    Say when a channel's degradation factor is an extrapolation.

    The table's last epoch has no end that a measurement gave it: frames later than its start rely on a factor that was
    fitted to earlier ones.

    Parameters
    ----------
    table
        The event's audit.
    degradation
        The frozen degradation table, one version; columns ``WAVE_STR`` and ``T_START``.
    channel
        The channel.
    """
    frames = table[(table["WAVELNTH"] == str(channel)) & (table["outcome"] == "calibrated")]
    epochs = degradation[degradation["WAVE_STR"].str.split("_").str[0] == str(channel)]
    if frames.empty or epochs.empty:
        return []
    last = max(epochs["T_START"])
    beyond = frames[frames["T_OBS"] >= last]
    if beyond.empty:
        return []
    return [
        Note(
            channel,
            "degradation",
            f"{_count(len(beyond), 'frame')} of {len(frames)} lie in the last epoch of the degradation table, which "
            f"begins {last}: the correction is an extrapolation.",
        )
    ]


def per_frame(table: pd.DataFrame) -> list[str]:
    """Remarks on each row of an audit, as the text of its ``notes`` column."""
    return [saturated(row.NSATPIX) if row.outcome == "calibrated" else "" for row in table.itertuples()]


def synthetic(archives: Iterable[str]) -> list[Note]:
    """Say that the frames show no Sun, if they came from the synthetic archive."""
    if "synthetic" not in set(archives):
        return []
    return [Note(None, "synthetic data", "Synthetic data: every frame is a model's, not an observation of the Sun.")]


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
