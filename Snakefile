"""SDO/AIA image sequences: a config of event windows in, level-1.5 frames, figures, audit and provenance out."""

from snakemake.utils import min_version

min_version("9.21")


configfile: "config/config.yaml"


report: "captions/workflow.rst"


include: "rules/common.smk"
include: "rules/acquire.smk"
include: "rules/calibrate.smk"
include: "rules/figures.smk"
include: "rules/audit.smk"
include: "rules/budget.smk"


# A crate describes all that is made of its event, so it plans all of it. Products are made again when they are gone.
rule all:
    default_target: True
    input:
        crates=all_events("<results>/{event}/ro-crate-metadata.json"),
        level15=gone(all_level15()),
        figures=gone(all_figures()),
        audits=gone(all_events("<results>/{event}/audit.html")),
