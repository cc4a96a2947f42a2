"""The log of a job: one file per job, which also holds the reason of a failure."""

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aia.errors import AIAError
from aia.privacy import redact

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class _Redacted(logging.Formatter):
    """Whatever is logged, the e-mail address that the archive wants is not in it."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


@contextmanager
def job_log(path: str | Path) -> Iterator[logging.Logger]:
    """Send logging to the job's log file, and its warnings to the terminal, while the job runs.

    An `AIAError` is written as one message, without a traceback, and ends the process with status 1. Any other
    exception is written with its traceback: `snakemake --show-failed-logs` prints the file, so nobody has to look for
    the reason.

    Parameters
    ----------
    path
        The rule's log file; its folder is made.

    Yields
    ------
    logging.Logger
        The root logger.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    file = logging.FileHandler(path, mode="w", encoding="utf-8")
    file.setFormatter(_Redacted(FORMAT, datefmt="%H:%M:%S"))
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setLevel(logging.WARNING)
    terminal.setFormatter(_Redacted("%(levelname)s: %(message)s"))
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    # drms sends everything to the terminal as soon as it is imported.
    others = [handler for handler in root.handlers if type(handler) is logging.StreamHandler]
    for handler in others:
        root.removeHandler(handler)
    root.addHandler(file)
    root.addHandler(terminal)
    try:
        yield root
    except AIAError as error:
        root.error("%s", error)
        sys.exit(1)
    except Exception:  # noqa: BLE001 - whatever it is belongs into the log, with its traceback
        # The traceback goes to the log that Snakemake shows; the terminal gets it from there, once.
        root.removeHandler(terminal)
        root.error("%s", traceback.format_exc())
        sys.exit(1)
    finally:
        root.removeHandler(file)
        root.removeHandler(terminal)
        file.close()
        logging.captureWarnings(False)
