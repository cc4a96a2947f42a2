"""The embedded archive alone: `aia-sequence serve --port 8080` is `python -m synthetic_jsoc serve --port 8080`."""

import subprocess
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Serve until interrupted."""
    return subprocess.run([sys.executable, "-m", "synthetic_jsoc", "serve", *arguments], check=False).returncode
