"""Which archives a configuration names, and how those are reached that are no archive of our own."""

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from aia_sequence.errors import ConfigError
from aia_sequence.privacy import VARIABLE

BETWEEN = "+"  # between the names of archives that stand in for each other
PLAIN = ("synthetic", "jsoc", "files")  # need no address
KEPT = (*PLAIN, "ssw", "own", "archive")  # names of folders that mean something else
REGISTER = "Register at http://jsoc.stanford.edu/ajax/register_email.html, then"
ANY_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,63}", re.ASCII)
ADDRESS = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,6}", re.ASCII)


@dataclass(frozen=True)
class ServerOptions:
    """How a NetDRMS server is reached.

    Attributes
    ----------
    name
        As paths, audit and headers name it.
    url
        Address below which its programs and files lie; empty for an archive's own.
    email_variable
        Variable of the environment with the address that its exports are for.
    hosts
        Further hosts to which its answers may lead.
    programs
        Paths of its programs below the address, by drms's names; those that are left out are JSOC's.
    """

    name: str
    url: str = ""
    email_variable: str = VARIABLE
    hosts: tuple[str, ...] = ()
    programs: Mapping[str, str] = field(default_factory=dict)


def named(config: Any) -> tuple[ServerOptions, ...]:
    """The archives of a configuration's `archive`: a name, a mapping, or a list of these, in their order."""
    entries = config if isinstance(config, list) else [config]
    options = [{"name": entry} if isinstance(entry, str) else dict(entry) for entry in entries]
    return tuple(ServerOptions(**{**one, "hosts": tuple(one.get("hosts", ()))}) for one in options)


def spoken(names: str) -> str:
    """Archives, by their names with `BETWEEN` between them, in words."""
    return "the files at hand" if names == "files" else f"the {names.replace(BETWEEN, ' or ')} archive"


def problems(archives: Iterable[ServerOptions]) -> list[str]:
    """What is wrong with names, a line each."""
    archives = list(archives)
    names = [one.name for one in archives]
    found = [f"archive: {name!r} is named twice" for name in dict.fromkeys(names) if names.count(name) > 1]
    for one in archives:
        if one.url and one.name in KEPT and one.name != "jsoc":
            found.append(f"archive: name: {one.name!r} means something else here; choose another name for {one.url}")
        if len(archives) > 1 and one.name in ("synthetic", "files"):
            found.append(f"archive: {one.name!r} stands in for no other archive, and none for it; write it alone")
    return found


def dumped(archives: Iterable[ServerOptions]) -> str:
    """How archives are reached, as jobs are told; empty for archives at their own addresses."""
    others = [asdict(one) for one in archives if one != ServerOptions(one.name)]
    return json.dumps(others) if others else ""


def loaded(text: str) -> dict[str, ServerOptions]:
    """The same, read again, by name."""
    return {one["name"]: ServerOptions(**{**one, "hosts": tuple(one["hosts"])}) for one in json.loads(text or "[]")}


def plain(archives: Iterable[ServerOptions]) -> Any:
    """Archives as a configuration names them, without addresses of archives that have one of their own."""
    entries: list[Any] = [
        one.name if one.name in PLAIN else {key: value for key, value in _listed(one).items() if value}
        for one in archives
    ]
    return entries[0] if len(entries) == 1 else entries


def _listed(one: ServerOptions) -> dict[str, Any]:
    return {**asdict(one), "hosts": list(one.hosts), "programs": dict(one.programs)}


def check_email(archives: Iterable[ServerOptions], environment: Mapping[str, str] = os.environ) -> None:
    """Make sure that archives can be asked: they want to know a registered address.

    Raises
    ------
    ConfigError
        If an archive's variable is not set, or holds no address. The address itself is never shown.
    """
    for one in archives:
        if one.name in ("synthetic", "files"):
            continue
        address = environment.get(one.email_variable, "")
        if (ADDRESS if one.name == "jsoc" else ANY_ADDRESS).fullmatch(address):
            continue
        found = "is not an e-mail address" if address else "is not set"
        register = REGISTER if one.name == "jsoc" else "Then"
        raise ConfigError(
            f"archive: {one.name!r} needs an e-mail address that is registered there, and {one.email_variable} "
            f"{found}. {register}: export {one.email_variable}=you@your.institute"
        )
