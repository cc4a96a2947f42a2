"""List the files at hand with what their headers say; of those that have not changed, as an earlier list has it.

Blocks that were made of other files than there are now are marked, so that the next run makes them anew.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from aia_sequence.acquisition.file_list import earlier, listed, marked
from aia_sequence.files import write_text
from aia_sequence.joblog import job_log
from aia_sequence.lists.own_files import FILES


def main(*, files: Sequence[str], table: Path, processes: int, blocks: Sequence[Sequence[str]], marks: Path) -> None:
    """Write the list, after the marks: a run that is stopped in between makes them again."""
    before = earlier(table).values()
    rows = listed(files, table, processes)
    for name in marked(before, rows, blocks):
        for old in (marks / name).glob("*.txt"):
            old.unlink()
        write_text(marks / name / f"{datetime.now(UTC):%Y%m%dT%H%M%S}.txt", "other files\n")
    FILES.write(table, rows)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            files=snakemake.params.files,
            table=Path(snakemake.output.table),
            processes=snakemake.threads,
            blocks=snakemake.params.blocks,
            marks=Path(snakemake.output.table).parent / "refresh",
        )
