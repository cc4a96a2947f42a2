"""What a run shows a person: a live display on a terminal, a line per stage elsewhere, and an ending.

The one part of the library that knows Snakemake: it takes the place of Snakemake's own lines.
"""

STOPPED = "Stopped; what is done is kept; run again to go on."  # after Ctrl-C
