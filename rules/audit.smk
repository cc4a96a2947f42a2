# In: the lists that every stage of an event leaves (metadata, records, exports, manifests), its tables and figures.
# Out: what became of every record (audit.csv, audit.html), and how the products came about (a Workflow Run RO-Crate).
# Order: write_audit, write_provenance.
#
# The provenance reads every file of the event. Its inputs are the last to be made, one of each rule: they are newer than
# all the others, and each further input makes the plan of a large catalogue longer.

from aia_sequence import versions


rule write_audit:
    input:
        unpack(of_job("audited_lists")),
        record_list=committed_records,
    output:
        csv="<results>/{event}/audit.csv",
        html=report(
            "<results>/{event}/audit.html",
            caption="../captions/audit.rst",
            category="{event}",
            subcategory="all channels",
            labels={"channel": "all", "product": "audit"},
        ),
    log:
        "<logs>/{event}/write_audit.log",
    benchmark:
        "<benchmarks>/{event}/write_audit.tsv"
    priority: PRIORITY["write_audit"]
    retries: 0
    localrule: True
    conda:
        "../envs/audit.yaml"
    params:
        event=of_job("about_event"),
        version=versions.AUDIT,
    message:
        "Accounting for every record of {wildcards.event}"
    script:
        "../scripts/write_audit.py"


rule write_provenance:
    input:
        audit=rules.write_audit.output.csv,
        drawn=of_job("drawn_figures"),
        snakefile=workflow.source_path("../Snakefile"),
    output:
        crate=report(
            "<results>/{event}/ro-crate-metadata.json",
            caption="../captions/crate.rst",
            category="{event}",
            subcategory="all channels",
            labels={"channel": "all", "product": "provenance, software versions"},
        ),
        sums="<results>/{event}/SHA256SUMS",
        references="<results>/{event}/references.bib",
        readme="<results>/{event}/README.md",
        config=report(
            "<results>/{event}/workflow/config.yaml",
            caption="../captions/config.rst",
            category="{event}",
            subcategory="all channels",
            labels={"channel": "all", "product": "configuration"},
        ),
        snakefile="<results>/{event}/workflow/Snakefile",
    log:
        "<logs>/{event}/write_provenance.log",
    benchmark:
        "<benchmarks>/{event}/write_provenance.tsv"
    priority: PRIORITY["write_provenance"]
    retries: 0
    localrule: True
    conda:
        "../envs/audit.yaml"
    params:
        files=located("files"),
        tables=located("tables"),
        config=of_job("config_as_used"),
        version=versions.CRATE,
    message:
        "Describing how the files of {wildcards.event} came about"
    script:
        "../scripts/write_provenance.py"
