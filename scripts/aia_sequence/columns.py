"""Tables of words and numbers for a terminal of 80 columns."""

from collections.abc import Sequence

from tabulate import SEPARATING_LINE, tabulate


def columns(head: Sequence[str], rows: Sequence[Sequence[str]], sides: str, total: Sequence[str] = ()) -> str:
    """Set rows below a head, in columns as wide as what they hold.

    Parameters
    ----------
    head
        A title for each column; it may have several lines.
    rows
        Texts.
    sides
        A letter for each column: `l` or `r`, the side to which it is flush.
    total
        A last row, below a line of its own.
    """
    # tabulate makes columns wider than their heads, so the head is a row here, and the outer lines are cut off.
    last = [SEPARATING_LINE, total] if total else []
    table = tabulate(
        [head, SEPARATING_LINE, *rows, *last],
        tablefmt="simple",
        colalign=["left" if side == "l" else "right" for side in sides],
        disable_numparse=True,
    )
    return "\n".join(line.rstrip() for line in table.splitlines()[1:-1])
