"""What a reader of a sequence should know about it: the notes of an audit."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from aia_sequence.frames.hdus import image_header
from aia_sequence.instrument import SIDE
from aia_sequence.lists.audit import LOST, Outcome
from aia_sequence.lists.manifests import OWN_POINTING
from aia_sequence.quality import NEAR_REAL_TIME, near_real_time
from aia_sequence.times import read_time

POINTING_STEP = 3 * 3600 + 1  # seconds, one of them a leap second; the newest master pointing provisionally spans more
LISTED = 5  # steps that are named, of many
LONG = 1.5  # a spacing is a gap from this multiple of the usual one on: exposures shift T_OBS by seconds within a slot


@dataclass(frozen=True)
class Remark:
    """One remark.

    Attributes
    ----------
    channel
        Channel that it is about, or None for the whole event.
    kind
        ``synthetic data``, ``region``, ``no record``, ``left out``, ``cadence``, ``gap``, ``saturation``,
        ``not corrected``, ``degradation`` or ``pointing``.
    text
        The remark, a sentence.
    """

    channel: int | None
    kind: str
    text: str


def saturated(nsatpix: str) -> str:
    """Say which part of a full-disk frame is saturated; empty if none is, or if the archive does not know."""
    count = float(nsatpix) if nsatpix else 0.0
    if count <= 0:
        return ""
    percent = Decimal(f"{100 * count / SIDE**2:.2g}")
    return f"{percent:f} % saturated ({_count(int(count), 'pixel')})"


def about_channel(table: pd.DataFrame, channel: int, step: int) -> list[Remark]:
    """
    Remarks on one channel of an audit: frames that were left out, gaps, corrections, saturation.

    Parameters
    ----------
    table
        The event's audit, see `aia_sequence.audit.join.join`, with the columns of `read_headers`.
    channel
        The channel.
    step
        Cadence of its series in seconds.
    """
    rows = table[table["WAVELNTH"] == str(channel)]
    notes = []
    for outcome in LOST:
        left = rows[rows["outcome"] == outcome]
        if len(left):
            reasons = "; ".join(sorted(set(left["reason"])))
            notes.append(Remark(channel, "left out", f"{_count(len(left), 'record')} {outcome}: {reasons}."))
    frames = rows[rows["outcome"] == Outcome.CALIBRATED]
    notes += gaps(rows, channel, step) + about_corrections(frames, channel) + about_haste(frames, channel)
    saturation = [(saturated(row.NSATPIX), row.T_REC) for row in frames.itertuples() if saturated(row.NSATPIX)]
    if saturation:
        counts = pd.to_numeric(frames["NSATPIX"])
        worst = frames.loc[counts.idxmax()]
        notes.append(
            Remark(
                channel,
                "saturation",
                f"{_count(len(saturation), 'frame')} of {len(frames)} with saturated pixels; "
                f"most in {worst['T_REC']}: {saturated(worst['NSATPIX'])}.",
            )
        )
    return notes


def about_steps(records: pd.DataFrame, channel: int) -> list[Remark]:
    """
    Say which records stand in for those in the middle of their steps, and which steps have none.

    Parameters
    ----------
    records
        The channel's list of kept and dropped records, as texts; with a column `step` if the event has steps.
    channel
        The channel.
    """
    if "step" not in records:
        return []
    kept = records[records["kept"] == "True"].sort_values("T_REC")
    others = [f"{row.T_REC} for {row.step}" for row in kept[kept["T_REC"] != kept["step"]].itertuples()]
    empty = sorted(set(records["step"]) - set(kept["step"]))
    notes = []
    for steps, said in (
        (others, "The nearest record that fulfils the conditions stands in for"),
        (empty, "No record fulfils the conditions in"),
    ):
        if steps:
            more = f" and {len(steps) - LISTED} more" if len(steps) > LISTED else ""
            listed = f"{_count(len(steps), 'step')}: {', '.join(steps[:LISTED])}{more}"
            notes.append(Remark(channel, "cadence", f"{said} {listed}."))
    return notes


def gaps(rows: pd.DataFrame, channel: int, step: int) -> list[Remark]:
    """
    Remarks on the spacing of a channel's frames.

    A filter that drops every other record makes a regular sequence of half the cadence: said once.
    A gap is a spacing longer than `LONG` times the usual (median) one, or as long a stretch before the first or after
    the last frame; it is listed with what lies in it.

    Parameters
    ----------
    rows
        Audit rows of the channel.
    channel
        The channel.
    step
        Cadence of the series in seconds.
    """
    frames = rows[rows["outcome"] == Outcome.CALIBRATED]
    if frames.empty:
        return []
    times = rows["T_REC"].map(read_time)
    spacing = times[frames.index].diff().iloc[1:]
    usual = max(spacing.quantile(0.5, interpolation="lower"), step) if len(spacing) else step
    notes = []
    if usual > LONG * step:
        text = f"Frames are {usual:g} s apart in the median; the cadence of the series is {step} s."
        notes.append(Remark(channel, "cadence", text))
    at = [rows.index[0], *frames.index, rows.index[-1]]
    for number, (start, end) in enumerate(pairwise(at)):
        seconds = times[end] - times[start]
        if seconds <= LONG * usual:
            continue
        edge = {0: "before the first", len(at) - 2: "after the last"}.get(number, "without a")
        inside = rows.loc[start:end]
        left = inside.loc[inside["outcome"] != Outcome.CALIBRATED, "outcome"].value_counts()
        what = ", ".join(f"{count} {name}" for name, count in sorted(left.items())) or "no record in the archive"
        period = f"{rows.at[start, 'T_REC']} to {rows.at[end, 'T_REC']}"
        notes.append(Remark(channel, "gap", f"{seconds:g} s {edge} frame, {period}: {what}."))
    return notes


def about_corrections(frames: pd.DataFrame, channel: int) -> list[Remark]:
    """
    Remarks on how frames were corrected: what was not, and what rests on an extrapolation or on provisional values.

    Parameters
    ----------
    frames
        Calibrated rows of an audit, one channel, with the columns of the level-1.5 manifest and `pointing_span`, the
        length (s) for which the pointing record is valid.
    channel
        The channel.
    """
    notes = []
    for name, what in (
        ("pointing", "with the pointing of their own headers, which no table has updated"),
        ("degradation", "not corrected for the degradation"),
        ("exposure", "not corrected for the exposure time"),
    ):
        missing = int(frames[name].isin(["", OWN_POINTING]).sum()) if name in frames else len(frames)
        if missing:
            notes.append(Remark(channel, "not corrected", f"{_count(missing, 'frame')} of {len(frames)} {what}."))
    if "degradation_note" in frames:
        for text, group in frames[frames["degradation_note"] != ""].groupby("degradation_note"):
            factors = sorted({f"{float(factor):.4g}" for factor in group["degradation"]})
            said = f"{_count(len(group), 'frame')} of {len(frames)}: factor {', '.join(factors)} {text}."
            notes.append(Remark(channel, "degradation", said))
    provisional = frames[frames["pointing_span"] > POINTING_STEP]
    if len(provisional):
        named = ", ".join(sorted(set(provisional["pointing"])))
        text = f"{_count(len(provisional), 'frame')} of {len(frames)} with the provisional record {named}."
        notes.append(Remark(channel, "pointing", f"{text} The archive replaces it when the next one is made."))
    return notes


def about_haste(frames: pd.DataFrame, channel: int) -> list[Remark]:
    """Say that frames are of near real time: what level 1 takes from later measurements is provisional in them."""
    count = sum(map(near_real_time, frames["QUALITY"]))
    if not count:
        return []
    text = (
        f"{_count(count, 'frame')} of {len(frames)} of near real time (QUALITY bit {NEAR_REAL_TIME}): their pointing,"
    )
    return [Remark(channel, "near real time", f"{text} flat field and orbit are provisional.")]


def per_frame(table: pd.DataFrame) -> list[str]:
    """Remarks on each row of an audit, as the text of its ``notes`` column."""
    return [saturated(row.NSATPIX) if row.outcome == Outcome.CALIBRATED else "" for row in table.itertuples()]


def read_headers(table: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """
    What the headers of an audit's level-1.5 frames say that no manifest does.

    Parameters
    ----------
    table
        The audit, see `aia_sequence.audit.join.join`.
    folder
        The event's folder.

    Returns
    -------
    pandas.DataFrame
        Rows as in `table`: `synthetic` (bool) and `pointing_span` (s; NaN where the pointing was not updated).
    """
    said: dict[str, list[bool | float]] = {"synthetic": [], "pointing_span": []}
    for channel, name in zip(table["WAVELNTH"], table["level1.5"], strict=True):
        header = image_header(folder / "level1.5" / channel / name) if name else {}
        start, end = (read_time(header[name]) if name in header else np.nan for name in ("PNT_TSTA", "PNT_TSTO"))
        said["synthetic"].append(bool(header.get("SYNTH", False)))
        said["pointing_span"].append(end - start)
    return pd.DataFrame(said, index=table.index)


def about_synthetic(synthetic: pd.Series) -> list[Remark]:
    """Say that frames show no Sun, if that stands in their headers."""
    count = int(synthetic.sum())
    if not count:
        return []
    return [Remark(None, "synthetic data", f"Synthetic data: {_count(count, 'frame')} of a model, not of the Sun.")]


def about_absent(absent: Mapping[int, str]) -> list[Remark]:
    """Say of which channels that were asked for there is nothing in the window, and why."""
    return [Remark(channel, "no record", f"{reason}.") for channel, reason in absent.items()]


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
