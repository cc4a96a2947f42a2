"""`python -m aia_sequence` is `aia-sequence`."""

import sys

from aia_sequence.commands.main import main

if __name__ == "__main__":
    sys.exit(main())
