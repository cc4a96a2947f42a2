"""The series that an event's frames are taken from: the option `series`."""

from collections.abc import Mapping, Sequence
from typing import Any

from aia_sequence.config.conditions import Condition
from aia_sequence.errors import ConfigError
from aia_sequence.instrument import SERIES, series_of
from aia_sequence.quality import NEAR_REAL_TIME


def series_problems(entry: Mapping[str, Any]) -> list[str]:
    """Why an event's channels cannot be taken from the series that it names, a line each."""
    problems = []
    for channel in entry.get("channels", ()):
        try:
            series_of(channel, entry.get("series"))
        except ConfigError as error:
            problems.append(str(error))
    return problems


def haste_problems(series: str | None, conditions: Sequence[Condition]) -> list[str]:
    """Why no frame of near real time can fulfil an event's conditions: all of them say in QUALITY what they are."""
    if series is None or SERIES[series].final:
        return []
    bit = NEAR_REAL_TIME
    return [
        f"where.QUALITY: {condition.text} keeps nothing of {series}, whose frames have bit {bit} set (near real time); "
        f'write "ignore bits {bit}"'
        for condition in conditions
        if condition.demands_clear(bit)
    ]
