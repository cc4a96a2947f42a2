"""Say of every record of an event what became of it, as a table and as a page, and how the event's files came about.

A Workflow Run RO-Crate, checksums of every file, references, and the configuration as used.
"""

from pathlib import Path

from aia_sequence.audit.account import audit_event
from aia_sequence.files import write_text
from aia_sequence.joblog import job_log
from aia_sequence.lists.audit import AUDIT
from aia_sequence.provenance.run import describe_run

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        params, output = snakemake.params, {name: Path(path) for name, path in snakemake.output.items()}
        # Where storage has put what it has brought; nothing where files lie where they are named.
        root = str(snakemake.output.csv).removesuffix(params.files["audit"][0])
        table, html = audit_event(
            output["csv"].parent,
            event=snakemake.wildcards.event,
            **params.event,
            metadata=snakemake.input.metadata,
            records=snakemake.input.records,
            recordsets=snakemake.input.recordsets,
            exports=snakemake.input.exports,
            level1=snakemake.input.level1,
            level15=snakemake.input.level15,
            record_list=snakemake.input.record_list,
        )
        AUDIT.write_frame(output["csv"], table)
        write_text(output["html"], html)
        describe_run(
            config=params.config,
            files={kind: [Path(root + path) for path in paths] for kind, paths in params.files.items()},
            tables=[Path(root + path) for path in params.tables],
            snakefile=Path(snakemake.input.snakefile),
            output=output["crate"],
            sums=output["sums"],
            references=output["references"],
            readme=output["readme"],
            config_output=output["config"],
            snakefile_output=output["snakefile"],
            timed=not root,
        )
