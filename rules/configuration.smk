"""Which configuration is used, and what is wrong with it: read first, as nothing else is worth doing without.

A configuration that is given, by --configfile or by the workflow that takes this one as a module, stands alone;
config/config.yaml is read where none is. `--config key=value` comes on top of either.
"""

import copy
import os
import re
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

VERSION = "0.2.0"  # of these rules: the library that they call must be of the same

# In a clone the library lies beside the rules. Rules that were fetched alone, by github("…"), take the installed one.
SCRIPTS = Path(str(workflow.current_basedir)).parent / "scripts"
if (SCRIPTS / "aia_sequence").is_dir() and str(SCRIPTS) not in sys.path:
    sys.path.insert(0, str(SCRIPTS))
try:
    from aia_sequence import __version__
except ImportError:
    raise WorkflowError(
        f"The library aia_sequence {VERSION} is neither beside the rules nor installed: take a clone or a git submodule "
        f'as the module, or install it: pip install "aia_sequence[snakemake]=={VERSION}"'
    ) from None
if __version__ != VERSION:
    raise WorkflowError(
        f"The rules are of version {VERSION}, and the installed library aia_sequence of {__version__}: take both of the "
        "same, by the tag of the module or by pip install"
    )

from aia_sequence.config.file import Lines, check_file, refuse
from aia_sequence.config.archives import check_email
from aia_sequence.config.settings import load
from aia_sequence.errors import ConfigError
from aia_sequence.planning.plan import Plan
from aia_sequence.terminal import batches

DEFAULT_CONFIG = "config/config.yaml"

# Snakemake hands this path to the shell as it is.
if re.search(r"[\s'\"\\$`&|;<>(){}\[\]*?!#~]", sys.executable):
    refuse(
        f"{sys.executable}: jobs are started through the shell, which takes a blank, a quote and the like in this path "
        "for something else; move the clone to a folder without them, and make .venv again there"
    )
if workflow.modifier.path_modifier.replace_prefix("results") != "results":
    refuse(
        "module: prefix and replace_prefix change the files of rules, but not the paths that their jobs get. Instead, "
        'write pathvars: results="mine/results", resources="mine/resources", logs="mine/logs", benchmarks="mine/benchmarks"'
    )


GIVEN = workflow.overwrite_configfiles
if workflow.modifier.skip_configfile:
    LINES = Lines([])  # the mapping of the workflow that takes this one as a module
elif GIVEN:
    LINES = Lines(GIVEN)
    config |= copy.deepcopy(workflow.config_settings.overwrite_config)
else:
    LINES = Lines([DEFAULT_CONFIG])
    try:
        check_file(DEFAULT_CONFIG)
    except ConfigError as error:
        refuse(error)

    configfile: DEFAULT_CONFIG


try:
    PLAN = Plan(load(config))
    if workflow.is_main_process:
        check_email(PLAN.settings.archives, os.environ)
        for line in PLAN.settings.warnings if batches.CURRENT is None or batches.CURRENT.first else ():
            print(f"warning: {LINES.located(line)}", file=sys.stderr)
except ConfigError as error:
    refuse("\n".join(map(LINES.located, str(error).splitlines())))
