"""Describe how an event's files came about: a Workflow Run RO-Crate, checksums, references, the configuration used."""

from pathlib import Path

from aia_sequence.joblog import job_log
from aia_sequence.provenance.run import describe_run

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        describe_run(
            config=snakemake.params.config,
            files={kind: [Path(path) for path in paths] for kind, paths in snakemake.params.files.items()},
            tables=[Path(path) for path in snakemake.params.tables],
            snakefile=Path(snakemake.input.snakefile),
            output=Path(snakemake.output.crate),
            sums=Path(snakemake.output.sums),
            references=Path(snakemake.output.references),
            readme=Path(snakemake.output.readme),
            config_output=Path(snakemake.output.config),
            snakefile_output=Path(snakemake.output.snakefile),
        )
