# In: the lists that every stage of an event leaves (metadata, records, exports, manifests), its tables and figures.
# Out: what became of every record (audit.csv, audit.html), and how the products came about (a Workflow Run RO-Crate).
# Order: write_audit, write_provenance.

from aia import outcomes


rule write_audit:
    input:
        metadata=all_blocks_all_series("<results>/{event}/metadata/{series}/{block}.csv"),
        records=all_blocks_all_channels("<results>/{event}/records/{channel}/{block}.csv"),
        recordsets=all_blocks_all_channels("<results>/{event}/records/{channel}/{block}.recordset.txt"),
        exports=all_blocks_all_channels("<results>/{event}/export/{channel}/{block}.json"),
        level1=all_blocks_all_channels("<results>/{event}/level1/{channel}/{block}.csv"),
        level15=all_blocks_all_channels("<results>/{event}/level1.5/{channel}/{block}.csv"),
    output:
        csv="<results>/{event}/audit.csv",
        html="<results>/{event}/audit.html",
    log:
        "<logs>/{event}/write_audit.log",
    benchmark:
        "<benchmarks>/{event}/write_audit.tsv"
    localrule: True
    params:
        window=event_window,
        channels=event_channels,
        where=option("where"),
        version=outcomes.VERSION,
    message:
        "Accounting for every record of {wildcards.event}"
    script:
        "../scripts/write_audit.py"
