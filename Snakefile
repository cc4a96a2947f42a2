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


rule all:
    default_target: True
    input:
        level15=all_level15(),
        figures=all_figures(),
        audits=all_events("<results>/{event}/audit.html"),
        crates=all_events("<results>/{event}/ro-crate-metadata.json"),
