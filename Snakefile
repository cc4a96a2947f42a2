"""SDO/AIA image sequences: a config of event windows in, level-1.5 frames, figures, audit and provenance out."""

from snakemake.utils import min_version

min_version("9.27")


report: "captions/workflow.rst"


include: "rules/configuration.smk"
include: "rules/common.smk"
include: "rules/acquire.smk"
include: "rules/calibrate.smk"
include: "rules/figures.smk"
include: "rules/audit.smk"
include: "rules/budget.smk"


# Snakemake starts no more than 100 jobs a second unless told otherwise, and for that looks at all that are ready again a
# second after each time it has looked, once more for every job that has ended. Of a catalogue it soon does nothing else.
# Nobody's jobs end that fast; who asks for a slower rate gets it.
onstart:
    rate = workflow.scheduling_settings.max_jobs_per_timespan
    if rate and rate.max_jobs >= 100 * rate.timespan:
        workflow.scheduler.job_rate_limiter = None


# A crate describes all that is made of its event, so it plans all of it. Products are made again when they are gone.
rule all:
    default_target: True
    input:
        crates=all_events("<results>/{event}/ro-crate-metadata.json"),
        level15=gone(all_level15()),
        figures=gone(all_figures()),
        audits=gone(all_events("<results>/{event}/audit.html")),
