"""Versions of the acquisition steps; raise one when its products change, so that finished jobs are repeated.

They stand apart from the code so that planning need not import it. The version of the conditions is `filters.VERSION`.
"""

METADATA = "1"  # columns and values of a block's metadata
EXPORT = "1"  # what is asked for, and what is written down about it
LEVEL1 = "1"  # level-1 files and their manifest
