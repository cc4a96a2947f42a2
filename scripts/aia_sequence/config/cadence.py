"""How often a frame is wanted: the option `every`."""

from collections.abc import Mapping, Sequence
from typing import Any

from aia_sequence.instrument import Series, series_of
from aia_sequence.times import duration

LONGEST = 86400  # seconds; what lies between two frames is queried too


def stride(options: Mapping[str, Any], series: Series) -> int:
    """Slots of a series from one wanted frame to the next; 1 without the option `every`, or if it is no longer."""
    every = options.get("every")
    seconds = 0 if every is None else int(duration(every).total_seconds())
    return 1 if seconds <= min(map(series.cadence, series.channels)) else seconds // series.step


def every_problems(every: str | int | None, channels: Sequence[int]) -> list[str]:
    """Why an event's channels cannot have a frame every so often, a line each.

    Also where frames lie in no slots, it is a multiple of the usual time between them: others are not regular.
    """
    if every is None:
        return []
    try:
        seconds = int(duration(every).total_seconds())
    except ValueError as error:
        return [f"every: {error}"]
    if not 0 < seconds <= LONGEST:
        return [f"every: {every!r} is not a cadence; allowed are multiples of the series' own, up to 1d"]
    problems = []
    for series in dict.fromkeys(map(series_of, channels)):
        if seconds % series.step and series.step % seconds:
            below, above = (max(1, seconds // series.step + n) * series.step for n in (0, 1))
            mine = ", ".join(str(channel) for channel in channels if channel in series.channels)
            problems.append(
                f"every: {every!r} is no multiple of the {series.step} s at which {series.name} has frames (channels "
                f"{mine}); write {below}s or {above}s, or give these channels an event of their own"
            )
    return problems
