# In: the lists that every stage of an event leaves (metadata, records, exports, manifests), its tables and figures.
# Out: what became of every record (audit.csv, audit.html), and how the products came about (a Workflow Run RO-Crate).
# Order: write_audit, write_provenance.

from aia import versions


rule write_audit:
    input:
        metadata=all_blocks_all_series("<results>/{event}/metadata/{series}/{block}.csv"),
        records=all_blocks_all_channels("<results>/{event}/records/{channel}/{block}.csv"),
        recordsets=all_blocks_all_channels("<results>/{event}/records/{channel}/{block}.recordset.txt"),
        exports=all_blocks_all_channels("<results>/{event}/export/{channel}/{block}.json"),
        level1=all_blocks_all_channels("<results>/{event}/level1/{channel}/{block}.csv"),
        level15=all_blocks_all_channels("<results>/{event}/level1.5/{channel}/{block}.csv"),
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
    localrule: True
    conda:
        "../envs/audit.yaml"
    params:
        window=event_window,
        channels=event_channels,
        where=option("where"),
        version=versions.AUDIT,
    message:
        "Accounting for every record of {wildcards.event}"
    script:
        "../scripts/write_audit.py"


rule write_provenance:
    input:
        metadata=rules.write_audit.input.metadata,
        keywords=all_blocks_all_series("<results>/{event}/metadata/{series}/{block}.keywords.csv"),
        records=rules.write_audit.input.records,
        recordsets=rules.write_audit.input.recordsets,
        exports=rules.write_audit.input.exports,
        corrections=event_corrections,
        level1=rules.write_audit.input.level1,
        level15=rules.write_audit.input.level15,
        tables=event_tables,
        figures=figure_files,
        audit=rules.write_audit.output,
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
    localrule: True
    conda:
        "../envs/audit.yaml"
    params:
        config=config_as_used,
        version=versions.CRATE,
    message:
        "Describing how the files of {wildcards.event} came about"
    script:
        "../scripts/write_provenance.py"
