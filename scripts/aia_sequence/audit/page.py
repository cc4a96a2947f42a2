"""The audit of an event as one self-contained page."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template

import pandas as pd

from aia_sequence.audit.remarks import Remark
from aia_sequence.lists.audit import LOST, Outcome
from aia_sequence.times import clock, day, read_time

TEMPLATE = Path(__file__).with_name("templates") / "audit.html"
MOST_ROWS = 5000  # more make a browser slow; audit.csv has them all
COLUMNS = {
    "T_REC": "T_REC",
    "T_OBS": "T_OBS",
    "WAVELNTH": "Channel (Å)",
    "EXPTIME": "EXPTIME (s)",
    "quality": "QUALITY",
    "outcome": "Outcome",
    "why": "Reason or note",
    "degradation": "Degradation",
    "level1.5": "Level-1.5 file",
}
NUMBERS = {"WAVELNTH", "EXPTIME", "degradation"}
WORDS = {"quality", "why"}


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
    synthetic = [note.text for note in notes if note.kind == "synthetic data"]
    present = [name for name in Outcome if (listed["outcome"] == name).any()]
    requests = sorted(set(table["request"]) - {""})
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        event=escape(event),
        window=f"{escape(window[0])} to {escape(window[1])} (UTC), {_channels(channels)}",
        banner="".join(f'<p class="synthetic">{escape(text)}</p>' for text in synthetic),
        neighbours=_neighbours(asked, channels),
        lead=_lead(table, asked),
        counts=_counts(table, channels),
        timelines="".join(_timeline(asked[asked["WAVELNTH"] == str(channel)], channel) for channel in channels),
        notes=_notes([note for note in notes if note.kind != "synthetic data"]),
        filter=_filter(where, recordsets, requests),
        listing=_listing(table, asked, listed),
        choices="".join(f"<option>{escape(name)}</option>" for name in present),
        records=_records(listed),
    )


def _channels(channels: Sequence[int]) -> str:
    return f"channel{'s' if len(channels) > 1 else ''} {', '.join(map(str, channels))} Å"


def _lead(table: pd.DataFrame, asked: pd.DataFrame) -> str:
    made = int((asked["outcome"] == Outcome.CALIBRATED).sum())
    return (
        f"The queries returned {len(table):,} records, {len(asked):,} of them of the channels asked for; "
        f"<strong>{made:,} became level-1.5 frames</strong>. Every record is accounted for below, each once."
    )


def _counts(table: pd.DataFrame, channels: Sequence[int]) -> str:
    """Outcomes down, channels across, with sums both ways."""
    columns = [str(channel) for channel in channels]
    by_channel = table["WAVELNTH"].where(table["WAVELNTH"].isin(columns), "others")
    if (by_channel == "others").any():
        columns.append("others")
    counts = pd.crosstab(table["outcome"], by_channel).reindex(index=list(Outcome), columns=columns, fill_value=0)
    counts = counts[counts.sum(axis=1) > 0]
    heads = [f"{name} Å" if name != "others" else "others" for name in columns]
    lines = [
        '<table><thead><tr><th scope="col">Outcome</th>',
        *(f'<th scope="col" class="number">{head}</th>' for head in heads),
        '<th scope="col" class="number">Sum</th><th scope="col">Meaning</th></tr></thead><tbody>',
    ]
    meanings = {outcome.value: outcome.meaning for outcome in Outcome}
    for name, row in counts.iterrows():
        numbers = "".join(f'<td class="number">{count:,}</td>' for count in [*row, row.sum()])
        lines.append(
            f'<tr class="{_class(name)}"><th scope="row" class="mark">{name}</th>{numbers}'
            f"<td>{meanings[name]}</td></tr>"
        )
    sums = "".join(f'<td class="number">{count:,}</td>' for count in [*counts.sum(), counts.to_numpy().sum()])
    lines.append(f'</tbody><tfoot><tr><th scope="row">all records</th>{sums}<td></td></tr></tfoot></table>')
    return "\n".join(lines)


def _timeline(rows: pd.DataFrame, channel: int) -> str:
    """Ticks of a channel's records along time, one line for each outcome."""
    present = [name for name in Outcome if (rows["outcome"] == name).any()]
    if not present:
        return f"<p>{channel} Å: no records.</p>"
    times = rows["T_REC"].map(read_time)
    first, last = times.min(), times.max()
    place = 4 + 992 * (times - first) / max(last - first, 1.0)
    summary = ", ".join(f"{(rows['outcome'] == name).sum()} {name}" for name in present)
    parts = [
        f'<div class="timeline" role="img" aria-label="{channel} Å over time: {summary}">',
        f'<p class="channel">{channel} Å</p>',
    ]
    for name in present:
        # Lanes are stretched to the page's width, the ticks in them are not; names stay letters of the page.
        ticks = "".join(f"M{x:.1f},0v16" for x in place[rows["outcome"] == name])
        parts.append(
            f'<p>{name}</p><svg viewBox="0 0 1000 16" preserveAspectRatio="none">'
            f'<path class="{_class(name)}" vector-effect="non-scaling-stroke" d="{ticks}"/></svg>'
        )
    parts.append(f'<p class="ends"><span>{clock(first)}</span> <span>{day(last)} {clock(last)} UTC</span></p></div>')
    return "".join(parts)


def _neighbours(table: pd.DataFrame, channels: Sequence[int]) -> str:
    """Links to the page of results and to the viewers of channels with frames; the page lies in the event's folder."""
    made = set(table.loc[table["outcome"] == Outcome.CALIBRATED, "WAVELNTH"])
    links = ['<a href="../index.html">All events</a>']
    links += (
        f'<a href="figures/{channel}/viewer.html">Viewer {channel} Å</a>'
        for channel in channels
        if str(channel) in made
    )
    links += ['<a href="audit.csv">audit.csv</a>']
    return f'<nav aria-label="Other pages"><p>{" ".join(links)}</p></nav>'


def _notes(notes: Sequence[Remark]) -> str:
    if not notes:
        return "<p>None.</p>"
    heads = (f"{note.channel} Å, {note.kind}" if note.channel else note.kind for note in notes)
    items = (
        f"<li><strong>{escape(head)}:</strong> {escape(note.text)}</li>"
        for head, note in zip(heads, notes, strict=True)
    )
    return f"<ul>{''.join(items)}</ul>"


def _filter(where: Mapping[str, str], recordsets: Sequence[str], requests: Sequence[str]) -> str:
    conditions = ", ".join(f"<code>{escape(f'{name} {text}')}</code>" for name, text in where.items()) or "none"
    sets = "".join(f"<li><code>{escape(text)}</code></li>" for text in recordsets)
    asked = ", ".join(f"<code>{escape(name)}</code>" for name in requests) or "none: all files came from the cache"
    return f"<p>Conditions: {conditions}.</p><p>Record sets:</p><ul>{sets}</ul><p>Export requests: {asked}.</p>"


def _listing(table: pd.DataFrame, asked: pd.DataFrame, listed: pd.DataFrame) -> str:
    text = f"The {len(listed):,} records of the channels asked for."
    if len(listed) < len(asked):
        text = (
            f"{len(listed):,} of the {len(asked):,} records of the channels asked for; filtered ones are left out here."
        )
    return f"{text} <code>audit.csv</code> lists all {len(table):,}, with hashes and the value of every correction."


def _records(rows: pd.DataFrame) -> str:
    head = "".join(f'<th scope="col"{_cell_class(name)}>{label}</th>' for name, label in COLUMNS.items())
    lines = [f'<table id="records"><thead><tr>{head}</tr></thead><tbody>']
    for values in rows.to_dict("records"):
        row = values | {
            "quality": values["quality"] or "nominal",
            "why": "; ".join(filter(None, (_reason(values), values["notes"]))),
            "degradation": f"{float(values['degradation']):.4f}" if values.get("degradation") else "",
            "level1.5": values["level1.5"].rpartition("/")[2],
        }
        cells = "".join(f"<td{_cell_class(name)}>{escape(row[name])}</td>" for name in COLUMNS)
        lines.append(f'<tr class="{_class(row["outcome"])}" data-outcome="{row["outcome"]}">{cells}</tr>')
    lines.append("</tbody></table>")
    return "\n".join(lines)


def _reason(row: Mapping[str, str]) -> str:
    """Why a record went no further; a filtered one names the conditions that it does not fulfil."""
    return f"not {row['reason'].replace('; ', ', not ')}" if row["outcome"] == Outcome.FILTERED else row["reason"]


def _cell_class(name: str) -> str:
    if name == "outcome":
        return " class=mark"
    return " class=number" if name in NUMBERS else " class=words" if name in WORDS else ""


def _class(outcome: str) -> str:
    return "lost" if outcome in LOST else Outcome.CALIBRATED if outcome == Outcome.CALIBRATED else Outcome.FILTERED
