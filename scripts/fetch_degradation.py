"""Fetch the table of effective areas, all versions of it, from the archive through aiapy, and freeze it."""

import logging
from pathlib import Path

from astropy.table import QTable

from aia_sequence.archive.client import open_archive
from aia_sequence.archive.servers import first_of
from aia_sequence.calibration import fetch, own_tables, tables
from aia_sequence.joblog import job_log

logger = logging.getLogger(__name__)


def main(*, archive: str, state: Path, servers: str, output: Path, own: str = "") -> None:
    """Write the rows of `aia.response`, from which the degradation is calculated."""
    if archive == "own":
        table, source, archive = own_tables.degradation(Path(own))
    elif archive == "ssw":
        table, source = fetch.ssw_degradation()
    else:

        def ask(name: str) -> tuple[QTable, str, str]:
            with open_archive(name, state, reached=servers) as opened, opened.as_jsoc():
                return *fetch.degradation(opened.patience), name

        table, source, archive = first_of(archive, ask)
    tables.freeze(output, table, archive, source)
    logger.info("%s: %d rows", source, len(table))


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            archive=snakemake.wildcards.archive,
            state=Path(snakemake.params.state),
            servers=snakemake.resources.servers,
            output=Path(snakemake.output.table),
            own=snakemake.params.own,
        )
