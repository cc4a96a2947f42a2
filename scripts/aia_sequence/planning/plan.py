"""From the configuration to names: which blocks, series and days an event consists of.

Pure functions of the settings, so that the plan needs no network and no file of an earlier run.
"""

from datetime import timedelta
from functools import cached_property

from aia_sequence.config.cadence import stride
from aia_sequence.config.event_checks import Event
from aia_sequence.config.settings import Settings, block_length
from aia_sequence.errors import ConfigError
from aia_sequence.instrument import SERIES, Series
from aia_sequence.planning.blocks import Block, blocks
from aia_sequence.times import utc_of


class Plan:
    """What the configured events consist of.

    Parameters
    ----------
    settings
        A checked configuration.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._blocks: dict[tuple[str, str], dict[str, Block]] = {}

    @property
    def events(self) -> dict[str, Event]:
        """Events by name."""
        return self.settings.events

    @cached_property
    def length(self) -> timedelta:
        """Length of a block."""
        return block_length(self.settings.block)

    def event(self, name: str) -> Event:
        """Return an event by its name.

        Raises
        ------
        ConfigError
            If the configuration has no such event.
        """
        try:
            return self.events[name]
        except KeyError:
            raise ConfigError(
                f"{name!r} is not an event of the configuration; it has {', '.join(self.events)}"
            ) from None

    def series(self, event: str) -> list[Series]:
        """Series that the event's channels belong to, in the order of the archive's channels."""
        wanted = {self.event(event).series(channel).name for channel in self.event(event).channels}
        return [series for name, series in SERIES.items() if name in wanted]

    def blocks(self, event: str, series: Series) -> dict[str, Block]:
        """Blocks of an event's window in a series, by label, ascending."""
        key = event, series.name
        if key not in self._blocks:
            window = self.event(event)
            found = blocks(window.start, window.end, self.length, series, stride(window.options, series))
            self._blocks[key] = {block.label: block for block in found}
        return self._blocks[key]

    def block(self, event: str, series: str | int, label: str) -> Block:
        """Return one block of an event.

        Parameters
        ----------
        event, label
            Names of event and block.
        series
            A series' name, or a channel (wavelength in angstrom) of it.

        Raises
        ------
        ConfigError
            If the event's window has no such block.
        """
        found = SERIES[series] if series in SERIES else self.event(event).series(int(series))
        try:
            return self.blocks(event, found)[label]
        except KeyError:
            raise ConfigError(f"{event}: the window has no block {label} of {found.name}") from None

    def marked_blocks(self) -> list[list[str]]:
        """Every block of the plan: the name of its marks, its series, and T_REC of its first and last slot."""
        return [
            [f"{name}/{series.name}/{label}", series.name, block.start, block.end]
            for name in self.events
            for series in self.series(name)
            for label, block in self.blocks(name, series).items()
        ]

    def days(self, event: str, series: str | int, label: str) -> list[str]:
        """UTC days (YYYYMMDD) of a block's slots, ascending."""
        block = self.block(event, series, label)
        first, last = (utc_of(slot * block.series.step).date() for slot in (block.first, block.last))
        return [(first + timedelta(days=n)).strftime("%Y%m%d") for n in range((last - first).days + 1)]

    def paths(self, pattern: str, event: str, channel: str | int | None = None) -> list[str]:
        """The files of a pattern, for all channels or series and all blocks of an event that it names.

        Parameters
        ----------
        pattern
            With `{event}`, `{channel}` or `{series}`, and `{block}` where they belong.
        event
            Name of the event.
        channel
            The only channel to be taken.
        """
        channels = self.event(event).channels if channel is None else [int(channel)]
        if "{series}" in pattern:
            named = [({"series": series.name}, series) for series in self.series(event)]
        elif "{channel}" in pattern:
            named = [({"channel": str(one)}, self.event(event).series(one)) for one in channels]
        else:
            return [pattern.format(event=event)]
        if "{block}" not in pattern:
            return [pattern.format(event=event, **names) for names, _ in named]
        return [
            pattern.format(event=event, block=label, **names)
            for names, series in named
            for label in self.blocks(event, series)
        ]
