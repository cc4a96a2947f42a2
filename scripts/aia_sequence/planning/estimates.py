"""What the cost of a plan's events depends on, and what they cost at most, before any record is known."""

from typing import Any

from aia_sequence.planning import budget
from aia_sequence.planning.plan import Plan


def budget_events(plan: Plan) -> dict[str, dict[str, Any]]:
    """Of each event what its cost depends on: options, and how many tables of metadata are asked for."""
    return {
        name: {
            **{key: event.options.get(key) for key in ("calibration", "cube", "cutout", "region")},
            "metadata_tables": sum(len(plan.blocks(name, series)) for series in plan.series(name)),
        }
        for name, event in plan.events.items()
    }


def at_most(plan: Plan) -> list[budget.Work]:
    """What each event costs if every slot of its window has a record that the conditions keep."""
    works = []
    for name, options in budget_events(plan).items():
        event = plan.event(name)
        slots = [
            (str(channel), block.frames(channel), block.frames(channel))
            for channel in event.channels
            for block in plan.blocks(name, event.series(channel)).values()
        ]
        works.append(budget.estimate(name, options, slots, options["metadata_tables"], None))
    return works
