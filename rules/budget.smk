# In: the records of all events, kept and dropped.
# Out: what it will cost to go on (budget.csv), printed by the target `budget`: snakemake budget
# Order: summarise_budget, budget. Nothing but metadata is asked for.

from aia import budget


def budget_events(wildcards):
    """Of each event what its cost depends on."""
    return {
        name: {
            **{key: event.options.get(key) for key in ("calibration", "cutout", "region")},
            "metadata_tables": sum(len(PLAN.blocks(name, series)) for series in PLAN.series(name)),
        }
        for name, event in PLAN.events.items()
    }


def all_records(wildcards):
    """Record tables of all blocks, channels and events."""
    return [
        f"<results>/{name}/records/{channel}/{block}.csv"
        for name, event in PLAN.events.items()
        for channel in event.channels
        for block in PLAN.blocks(name, series_of(channel))
    ]


rule summarise_budget:
    input:
        records=all_records,
    output:
        table="<results>/budget.csv",
    log:
        "<logs>/summarise_budget.log",
    benchmark:
        "<benchmarks>/summarise_budget.tsv"
    localrule: True
    params:
        events=budget_events,
        most_records=EXPORT["records"],
        version=budget.VERSION,
    message:
        "Summing up what the events will cost"
    script:
        "../scripts/summarise_budget.py"


rule budget:
    input:
        table=rules.summarise_budget.output.table,
    log:
        "<logs>/budget.log",
    localrule: True
    message:
        "What the events will cost"
    script:
        "../scripts/budget.py"
