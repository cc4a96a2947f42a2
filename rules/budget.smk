# In: the records of all events, kept and dropped.
# Out: what it will cost to go on (budget.csv), printed by the target `budget`: snakemake budget
# Order: summarise_budget, budget. Nothing but metadata is asked for.

from aia_sequence.planning import budget, estimates


rule summarise_budget:
    input:
        records=all_events("<results>/{event}/records/{channel}/{block}.csv"),
    output:
        table="<results>/budget.csv",
    log:
        "<logs>/summarise_budget.log",
    benchmark:
        "<benchmarks>/summarise_budget.tsv"
    retries: 0
    localrule: True
    conda:
        "../envs/audit.yaml"
    params:
        events=estimates.budget_events(PLAN),
        most_records=EXPORT["records"] if EXPORT["method"] == "url" else None,
        version=budget.VERSION,
    message:
        "Summing up what the events will cost"
    script:
        "../scripts/summarise_budget.py"


# The table is printed when the run ends (display.smk).
rule budget:
    input:
        rules.summarise_budget.output.table,
    localrule: True
