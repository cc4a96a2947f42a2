"""Committed record lists: the records of a paper, compared with what the archive answers today.

`config/records/{event}.csv` holds the kept records of all channels and blocks. Where it exists, a block whose kept
records differ from it in any value fails. `aia-sequence freeze EVENT` writes it from a finished run.
"""

from pathlib import Path

import pandas as pd

from aia_sequence.archive import metadata
from aia_sequence.errors import ArchiveError, ConfigError
from aia_sequence.lists.records import RECORD_LIST, RECORDS
from aia_sequence.lists.table import ListError

FOLDER = Path("config", "records")


def collect(folder: Path) -> pd.DataFrame:
    """
    List the kept records of an event's folder.

    Returns
    -------
    pandas.DataFrame
        As `RECORD_LIST` has it, sorted by slot and channel.

    Raises
    ------
    ConfigError
        If the folder holds no records.
    """
    parts = [RECORDS.frame(path) for path in sorted(folder.glob("records/*/*.csv"))]
    if not parts:
        raise ConfigError(f"{folder} holds no records; run the workflow first")
    table = pd.concat(parts, ignore_index=True)
    return table.loc[table["kept"], RECORD_LIST.names()].sort_values(["T_REC", "WAVELNTH"]).reset_index(drop=True)


def read(path: Path) -> pd.DataFrame:
    """
    Read a committed record list.

    Raises
    ------
    ConfigError
        If it is none.
    """
    try:
        return RECORD_LIST.frame(path)[RECORD_LIST.names()]
    except ListError as error:
        raise ConfigError(str(error)) from None


def check(path: Path, kept: pd.DataFrame, *, channel: int, start: str, end: str) -> None:
    """
    Make sure that a block's kept records are the committed ones.

    Parameters
    ----------
    path
        The committed list.
    kept
        Metadata of the records that the conditions keep.
    channel
        Their channel.
    start, end
        T_REC of the block's first and last slot.

    Raises
    ------
    ArchiveError
        With the differences.
    """
    listed = read(path)
    listed = listed[(listed["WAVELNTH"] == channel) & (listed["T_REC"] >= start) & (listed["T_REC"] <= end)]
    different = metadata.differences(listed, kept[RECORD_LIST.names()])
    if different:
        shown = "\n  ".join(different[:10])
        raise ArchiveError(
            f"{path}: the records of {channel} Å from {start} to {end} are not the committed ones "
            f"(differences: {len(different)}; first is what is committed, second what is kept now):\n  {shown}\n"
            "The archive or the conditions have changed. To accept that, delete the list, run, and freeze it again."
        )
