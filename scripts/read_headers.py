"""List the files at hand with what their headers say; of those that have not changed, as an earlier list has it."""

from pathlib import Path

from aia_sequence.acquisition.file_list import listed
from aia_sequence.joblog import job_log
from aia_sequence.lists.own_files import FILES

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        table = Path(snakemake.output.table)
        FILES.write(table, listed(snakemake.params.files, table, snakemake.threads))
