"""Say of every record that an event's queries returned what became of it, as a table and as a page."""

from pathlib import Path

from aia_sequence.audit.account import audit_event
from aia_sequence.files import write_text
from aia_sequence.joblog import job_log
from aia_sequence.lists.audit import AUDIT

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        output = Path(snakemake.output.csv)
        table, html = audit_event(
            output.parent,
            event=snakemake.wildcards.event,
            **snakemake.params.event,
            metadata=snakemake.input.metadata,
            records=snakemake.input.records,
            recordsets=snakemake.input.recordsets,
            exports=snakemake.input.exports,
            level1=snakemake.input.level1,
            level15=snakemake.input.level15,
            record_list=snakemake.input.record_list,
        )
        AUDIT.write_frame(output, table)
        write_text(snakemake.output.html, html)
