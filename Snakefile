"""SDO/AIA image sequences: a config of event windows in, level-1.5 frames, figures, audit and provenance out."""

from snakemake.utils import min_version

min_version("9.27")


report: "captions/workflow.rst"


include: "rules/configuration.smk"
include: "rules/common.smk"
include: "rules/display.smk"
include: "rules/acquire.smk"
include: "rules/calibrate.smk"
include: "rules/figures.smk"
include: "rules/analysis.smk"
include: "rules/audit.smk"
include: "rules/budget.smk"


# A crate describes all that is made of its event, so it plans all of it. Products are made again when they are gone.
rule all:
    default_target: True
    input:
        crates=all_events("<results>/{event}/ro-crate-metadata.json"),
        level15=if_missing(
            all_events("<results>/{event}/level1.5/{channel}/{block}")
            + all_events("<results>/{event}/level1.5/{channel}/{block}.csv")
        ),
        figures=if_missing([path for event in PLAN.events for path in Job(PLAN, event).figures]),
        analysis=if_missing([path for event in PLAN.events for path in Job(PLAN, event).cubes + Job(PLAN, event).sets]),
        audits=if_missing(all_events("<results>/{event}/audit.html")),
