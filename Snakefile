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


rule all:
    default_target: True
    input:
        everything,
