"""Fetch the table of photometric errors that belongs to the archive, through aiapy, and freeze it."""

import logging
from pathlib import Path

from aia_sequence.calibration import fetch, own_tables, tables
from aia_sequence.joblog import job_log

logger = logging.getLogger(__name__)


def main(*, archive: str, output: Path, own: str = "") -> None:
    """Write the photometric errors of the instrument: SolarSoft's of AIA, or those of the synthetic one."""
    if archive == "own":
        table, source, archive = own_tables.errors(Path(own))
    else:
        table, source = fetch.errors(stated_errors() if archive == "synthetic" else None)
    tables.freeze(output, table, archive, source)
    logger.info("%s: %d rows", source, len(table))


def stated_errors() -> str:
    """The synthetic instrument's own statement of its errors."""
    from synthetic_jsoc.tables import error_table  # the real archive must not need the model of the Sun

    return error_table()


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(archive=snakemake.wildcards.archive, output=Path(snakemake.output.table), own=snakemake.params.own)
