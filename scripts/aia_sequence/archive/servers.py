"""NetDRMS servers: their programs, their hosts, and which one is asked when another is down."""

import logging
from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

import drms

from aia_sequence.archive.retries import AwayError
from aia_sequence.config.archives import BETWEEN, ServerOptions

logger = logging.getLogger(__name__)

PROGRAMS = {  # JSOC's
    "cgi_show_series": "show_series",
    "cgi_jsoc_info": "jsoc_info",
    "cgi_jsoc_fetch": "jsoc_fetch",
    "cgi_check_address": "checkAddress.sh",
    "cgi_show_series_wrapper": "showextseries",
    "show_series_wrapper_dbhost": "hmidb2",
}
CHECKED = ("jsoc_info", "jsoc_fetch")  # whose answers are looked at, by JSOC's names
JSOC_HOSTS = {"jsoc.stanford.edu", "jsoc1.stanford.edu", "jsoc2.stanford.edu"}


def drms_config(address: str, options: ServerOptions) -> drms.ServerConfig:
    """A server at an address, for drms."""
    base = options.programs.get("base", "cgi-bin/ajax/").rstrip("/") + "/"
    programs = PROGRAMS | {f"cgi_{key}": path for key, path in options.programs.items() if key != "base"}
    if "show_series" in options.programs:  # and not the one that JSOC has in front of it
        programs = {key: value for key, value in programs.items() if "wrapper" not in key}
    return drms.ServerConfig(
        name=options.name.upper(), cgi_baseurl=urljoin(address, base), http_download_baseurl=address, **programs
    )


def hosts(address: str, options: ServerOptions) -> set[str]:
    """Hosts that may be asked for what an archive has: its own, and those to which its answers may lead."""
    own = {urlsplit(address).hostname or "", *options.hosts}
    return own | JSOC_HOSTS if options.name == "jsoc" else own


def names_of(options: ServerOptions) -> dict[str, str]:
    """JSOC's names of programs that are called otherwise."""
    return {path.rpartition("/")[2]: name for name, path in options.programs.items() if name in CHECKED}


def programs_instead(there: str, here: str, options: ServerOptions) -> dict[str, str]:
    """Addresses of a server's programs by those of JSOC's."""
    theirs, ours = drms_config(there, ServerOptions("jsoc")), drms_config(here, options)
    return {getattr(theirs, f"url_{name}"): getattr(ours, f"url_{name}") for name in CHECKED}


def first_of[Answer](names: str, ask: Callable[[str], Answer]) -> Answer:
    """What the first of several archives says that is not down; each has its own patience.

    Parameters
    ----------
    names
        Names of archives, with `aia_sequence.config.archives.BETWEEN` between them.
    ask
        Asks the one of a name.

    Raises
    ------
    AwayError
        If all are down: with what became of each.
    """
    away = []
    for name in names.split(BETWEEN):
        try:
            return ask(name)
        except AwayError as error:
            away.append((name, error))
            if len(away) <= names.count(BETWEEN):  # of the last one the error itself tells
                logger.warning("%s is down: %s", name, error)
    if len(away) == 1:
        raise away[0][1]
    raise AwayError("no archive answers:\n" + "\n".join(f"  {name}: {error}" for name, error in away))
