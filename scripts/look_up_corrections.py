"""Look up, for every record of a block, what the frozen tables say of it: pointing and degradation, through aiapy."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aia_sequence.calibration import lookup, tables
from aia_sequence.config.calibration import CalibrationOptions
from aia_sequence.joblog import job_log
from aia_sequence.lists.manifests import CORRECTIONS
from aia_sequence.lists.records import METADATA

logger = logging.getLogger(__name__)


def main(
    *, records: Path, pointing: Sequence[Path], degradation: Path | None, options: Mapping[str, Any], output: Path
) -> None:
    """Write the list of corrections of the `records` that the archive answered with."""
    frozen = lookup.Tables(
        tables.join(map(tables.thaw, pointing)) if pointing else None,
        tables.thaw(degradation) if degradation else None,
    )
    rows = lookup.look_up(METADATA.read(records), frozen, CalibrationOptions(**options))
    CORRECTIONS.write(output, rows)
    logger.info("%d of %d records corrected", sum(not row["reason"] for row in rows), len(rows))


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        degradation = snakemake.input.get("degradation")
        main(
            records=Path(snakemake.input.metadata),
            pointing=[Path(path) for path in snakemake.input.get("pointing", [])],
            degradation=Path(degradation) if degradation else None,
            options=snakemake.params.calibration,
            output=Path(snakemake.output.corrections),
        )
