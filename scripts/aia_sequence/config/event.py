"""The configuration of one event as one of its own: every default filled in, nothing of the machine in it."""

from typing import Any

from aia_sequence.config.archives import plain
from aia_sequence.config.region import IN_SIGHT
from aia_sequence.config.settings import Settings
from aia_sequence.times import iso

# Where files are kept, and whether they are asked for again, decides no product.
NOT_USED = ("level1_cache", "refresh")


def event_config(settings: Settings, name: str) -> dict[str, Any]:
    """
    Write the settings of an event as a configuration, from which a later run makes the same products.

    Parameters
    ----------
    settings
        A checked configuration.
    name
        One of its events.

    Returns
    -------
    dict
        Plain values, as YAML and JSON know them.
    """
    event = settings.events[name]
    common = {key: value for key, value in settings.options.items() if key not in NOT_USED}
    entry = {
        "name": name,
        "start": _utc(event.start),
        "end": _utc(event.end),
        "channels": sorted([*event.channels, *event.absent]),
    }
    options = {key: value for key, value in event.options.items() if value is not None}
    if "region" in options:  # when its place is in sight follows from the rest
        options["region"] = {key: value for key, value in options["region"].items() if key not in IN_SIGHT}
    tables = {} if settings.tables == "archive" else {"tables": settings.tables}
    common = {"archive": plain(settings.archives), **tables, "block": settings.block, **common}
    return common | {"events": [{**entry, **options}]}


def _utc(tai: float) -> str:
    return iso(tai, 0 if tai == round(tai) else 6)
