"""Write the record list of a finished event, to be committed: `aia-sequence freeze EVENT`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from aia_sequence.acquisition import record_list
from aia_sequence.errors import AIAError
from aia_sequence.lists.records import RECORD_LIST


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the record list of each named event."""
    parser = argparse.ArgumentParser(
        prog="aia-sequence freeze",
        description=__doc__,
        epilog="Example: aia-sequence freeze x1.5-2021-07-03",
    )
    parser.add_argument("events", nargs="+", help="names of events that were run")
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of the products")
    parser.add_argument("--output", type=Path, default=record_list.FOLDER, help="folder of the record lists")
    options = parser.parse_args(arguments)
    try:
        for event in options.events:
            table = record_list.collect(options.results / event)
            path = options.output / f"{event}.csv"
            RECORD_LIST.write_frame(path, table)
            print(f"{path}: {len(table):,} records")
    except AIAError as error:
        print(error, file=sys.stderr)
        return 1
    return 0
