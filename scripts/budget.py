"""Print the estimate of what the configured events will cost."""

import sys
from pathlib import Path

from aia_sequence.joblog import job_log
from aia_sequence.planning.budget import as_text


def main(*, table: Path) -> None:
    """Print an estimate as a table, with what its columns mean."""
    sys.stdout.write(f"\n{as_text(table.read_text(encoding='utf-8'))}\n\n")
    sys.stdout.write("Estimated, within a factor of two; frames that the level-1 cache has are not fetched again.\n")
    sys.stdout.write(f"Nothing but metadata has been fetched. The same as CSV: {table}\n")


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(table=Path(snakemake.input.table))
