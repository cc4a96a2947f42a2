"""Says what is wrong with a file that `--configfile` names: the file, the line, the line itself.

Snakemake reads such a file before any rule of ours, and says of one that is no YAML only that it is none; it waits for
ever for a pipe, and copies a value that lies within itself until its stack is full. Still earlier, with its command
line, it imports whatever is named as a plugin. This one logs nothing: it looks at the files first, in an environment
that has this folder on its path. Elsewhere Snakemake's own words remain.
"""

import snakemake.settings.types as settings
from snakemake_interface_logger_plugins.base import LogHandlerBase as LogHandler  # what makes it a plugin

from aia_sequence.config.file import check_file, refuse
from aia_sequence.errors import ConfigError

__all__ = ["LogHandler"]

_load = settings.load_configfile


def load_configfile(path):
    """Read a configuration file as Snakemake does, or end with a sentence."""
    try:
        check_file(path)
    except ConfigError as error:
        refuse(error)
    return _load(path)


settings.load_configfile = load_configfile
