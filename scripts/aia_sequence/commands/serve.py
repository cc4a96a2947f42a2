"""The embedded archive alone: `aia-sequence serve --port 8080` is `python -m synthetic_jsoc serve --port 8080`."""

from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Serve until interrupted."""
    from synthetic_jsoc.__main__ import main as command  # brings the model of the Sun, which no other command needs

    return command(["serve", *arguments], prog="aia-sequence")
