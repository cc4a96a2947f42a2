"""Estimate what the configured events will cost, from their queried records alone."""

import logging
from collections import defaultdict
from pathlib import Path

from aia_sequence.files import write_text
from aia_sequence.joblog import job_log
from aia_sequence.planning import budget

logger = logging.getLogger(__name__)


def main(*, records: list[str], events: dict[str, dict], most_records: int | None, table: Path) -> None:
    """Write the estimate of each event and of all.

    Parameters
    ----------
    records
        Record tables of all events, `…/{event}/records/{channel}/{block}.csv`.
    events
        Of each event its options, and under `metadata_tables` how many blocks and series it has.
    most_records
        Largest number of records in one export request; None where files are fetched without one.
    table
        The CSV to write.
    """
    of_event = defaultdict(list)
    for path in map(Path, records):
        of_event[path.parts[-4]].append(budget.count(path))
    works = [
        budget.estimate(name, options, of_event[name], options["metadata_tables"], most_records)
        for name, options in events.items()
    ]
    text = budget.as_csv(works)
    write_text(table, text)
    logger.info("%d events\n%s", len(works), budget.as_text(text))


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            records=snakemake.input.records,
            events=snakemake.params.events,
            most_records=snakemake.params.most_records,
            table=Path(snakemake.output.table),
        )
