"""Ask the archive for the metadata of one block, all channels of the series, and write it as typed, sorted CSV.

Beside it stands the series' own description of every keyword: name, type, units, note.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from aia_sequence.acquisition.sources import Source, ask_first
from aia_sequence.archive import metadata
from aia_sequence.archive.recordsets import block_set
from aia_sequence.joblog import job_log
from aia_sequence.lists.records import DESCRIPTION, METADATA

logger = logging.getLogger(__name__)


def main(
    *,
    archive: str,
    state: Path,
    servers: str,
    series: str,
    span: Sequence[str],
    extra: list[str],
    table: Path,
    keywords: Path,
) -> None:
    """Write the metadata of the records between the slots of `span`, both included, and what each keyword means."""

    def ask(source: Source) -> tuple[pd.DataFrame, pd.DataFrame]:
        described = source.describe(series)
        metadata.check_described(described, series, extra)
        return described, source.block(series, *span, extra).assign(archive=source.name)

    described, records = ask_first(archive, state, servers, ask)
    metadata.check_complete(records, series, *span)
    METADATA.write_frame(table, records)
    DESCRIPTION.write_frame(keywords, described)
    logger.info("%s: %d records", block_set(series, *span), len(records))


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            archive=snakemake.params.archive,
            state=Path(snakemake.params.state),
            servers=snakemake.resources.servers,
            series=snakemake.wildcards.series,
            span=snakemake.params.span,
            extra=snakemake.params.keywords,
            table=Path(snakemake.output.table),
            keywords=Path(snakemake.output.keywords),
        )
