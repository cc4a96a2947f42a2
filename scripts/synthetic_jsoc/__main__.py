"""Run the embedded archive alone: ``python -m synthetic_jsoc serve --port 8000``."""

import argparse
import signal
import sys
import threading
from pathlib import Path

from synthetic_jsoc.protocol import faults, server

_DESCRIPTION = """\
Serve a synthetic archive that speaks JSOC's protocol, on this machine alone. Nothing in it is an observation of the
Sun. Example:

  {prog} serve --port 8000
  http_proxy=http://127.0.0.1:8000 HTTP_PROXY=http://127.0.0.1:8000 python my_drms_or_sunpy_script.py

drms, sunpy and aiapy need no change: through these variables the archive answers for jsoc.stanford.edu, and refuses all
other hosts. A line per request goes to the terminal; Ctrl-C ends the server.
"""


def main(arguments=None, prog="python -m synthetic_jsoc"):
    """Read the command line and serve until a signal ends it; returns the exit status."""
    options = _parser(prog).parse_args(arguments)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    try:
        with server.running(
            options.state,
            port=options.port,
            faults=options.faults,
            registered=options.register,
            log=lambda line: print(line, flush=True),
            frames=options.frames,
            staging=options.staging,
            strict=options.strict_jsoc,
        ) as running:
            print(f"Synthetic archive at {running.url} (state in {options.state}); Ctrl-C ends it.", flush=True)
            ended.wait()
    except (faults.FaultsError, OSError) as error:
        print(f"synthetic archive: {error}", file=sys.stderr)
        return 1
    print("Synthetic archive ended.", flush=True)
    return 0


def _parser(prog):
    parser = argparse.ArgumentParser(prog=prog, description="The embedded synthetic archive.")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser(
        "serve",
        help="serve the archive over HTTP until interrupted",
        description=_DESCRIPTION.format(prog=prog),
        epilog=f"Faults (--faults):\n\n{faults.__doc__}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    serve.add_argument("--port", type=int, required=True, help="port on 127.0.0.1; 0 takes a free one")
    serve.add_argument(
        "--state",
        type=Path,
        default=Path("resources/synthetic/archive"),
        metavar="DIR",
        help="folder of requests, log and made files (%(default)s)",
    )
    serve.add_argument(
        "--frames",
        type=Path,
        metavar="DIR",
        help="folder of made frames, which archives with other states may share (by default a part of the state)",
    )
    serve.add_argument("--faults", type=Path, metavar="FILE", help="YAML or JSON file of faults to show, see below")
    serve.add_argument(
        "--register",
        action="append",
        default=[],
        metavar="ADDR",
        help="an e-mail address that may export, besides all in .example; repeatable",
    )
    serve.add_argument(
        "--staging", type=float, default=0.0, metavar="S", help="seconds that an export takes (%(default)s)"
    )
    serve.add_argument(
        "--strict-jsoc",
        action="store_true",
        help="refuse the time texts that the real archive misreads: ISO ranges without a zone, lists of ISO dates",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
