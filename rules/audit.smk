# In: the lists that every stage of an event leaves (metadata, records, exports, manifests), its tables and figures.
# Out: what became of every record (audit.csv, audit.html), and how the products came about (a Workflow Run RO-Crate).
# Order: write_audit, the last of an event's jobs.
#
# It reads every file of the event. On a shared disk its inputs are one figure of each rule: each further input makes the
# plan of a large catalogue longer.

from aia_sequence import versions


rule write_audit:
    input:
        unpack(of_job("audited_lists")),
        brought_to_audit,
        record_list=committed_records,
        drawn=of_job("drawn_figures"),
        snakefile=workflow.source_path("../Snakefile"),
    output:
        csv="<results>/{event}/audit.csv",
        html=report(
            "<results>/{event}/audit.html",
            caption="../captions/audit.rst",
            category="{event}",
            subcategory="all channels",
            labels={"channel": "all", "product": "audit"},
        ),
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
        files=located("files"),
        tables=located("tables"),
        config=of_job("config_as_used"),
        version=[versions.AUDIT, versions.CRATE],
    message:
        "Accounting for every record and file of {wildcards.event}"
    script:
        "../scripts/write_audit.py"
