"""The two halves of acquisition: have the archive export what the cache lacks, then fetch and verify it."""

import logging
from collections.abc import Sequence
from pathlib import Path

from aia_sequence.acquisition import direct, folder
from aia_sequence.acquisition.download import fetch
from aia_sequence.acquisition.export import obtain
from aia_sequence.acquisition.folder import PARTIAL
from aia_sequence.acquisition.queue import turn
from aia_sequence.acquisition.request import DIRECT, AcquisitionSettings, FrameRequest, Place
from aia_sequence.archive.client import Archive
from aia_sequence.errors import ArchiveError
from aia_sequence.lists.exports import Delivery
from aia_sequence.lists.manifests import LEVEL1

logger = logging.getLogger(__name__)


def request(archive: Archive, wanted: FrameRequest, settings: AcquisitionSettings) -> tuple[list[str], Delivery]:
    """Have the archive export the wanted records that the cache lacks.

    Returns
    -------
    cached : list of str
        Records that the cache holds.
    delivery : Delivery
        The others.
    """
    names, cached = wanted.names, folder.cached(archive, settings.cache, wanted)
    lacking = sorted(set(names).difference(cached), key=names.index)
    logger.info("%d of %d records are in the cache", len(cached), len(names))
    return cached, _deliver(archive, wanted, lacking, settings) if lacking else Delivery()


def download(
    archive: Archive, wanted: FrameRequest, delivery: Delivery, place: Place, settings: AcquisitionSettings
) -> None:
    """Fill a block's folder with verified frames and write its manifest.

    Parameters
    ----------
    archive, wanted, settings
        As for `request`.
    delivery
        What `request` got.
    place
        Where the frames and their manifest go.

    Raises
    ------
    ArchiveError
        If frames could not be fetched and none may be missing: naming them, with the reasons.
    """
    headers = direct.Headers(archive, wanted.series) if wanted.method == DIRECT else None
    block = folder.Block(archive, wanted, settings.cache, place, headers.complete if headers else None)
    block.lose(delivery.not_exported)
    block.take_cached()
    if headers:
        headers.load(wanted, block.missing)
    failed: dict[Path, str] = {}
    for last_try in (False, True):
        items = block.items(delivery.files)
        outcome = fetch(items, block.accept, block.reject, settings.connections, archive.patience)
        failed |= outcome.failed | (outcome.gone if last_try else {})
        block.note(failed)
        again = block.missing
        if not again or last_try:
            break
        # An export is kept for a week; and what the cache held a moment ago may have been removed.
        logger.warning("%d files are missing; they are asked for again", len(again))
        settings.journal.drop_all(file.request for file in delivery.files if file.record in set(again))
        delivery = _deliver(archive, wanted, again, settings)
        block.lose(delivery.not_exported)
    block.close()
    reasons = [f"{block.expected[path].record}: {reason}" for path, reason in sorted(failed.items())]
    # A record of which the archive has no image is named in the manifest; what came in part was not fetched.
    reasons += [f"{record}: {PARTIAL}" for record in block.missing]
    if reasons and settings.on_missing == "fail":
        lines = "\n  ".join(reasons)
        raise ArchiveError(
            f"{len(reasons)} of {len(wanted.kept)} frames could not be fetched:\n  {lines}\n"
            f"Refused files lie in {place.quarantine}. The others are in the cache: run again to fetch these, or set "
            "`export.on_missing: skip` to go on without them."
        )
    further = [column for segment in wanted.segments[1:] for column in (segment, f"{segment}_sha256")]
    LEVEL1.write(place.manifest, block.manifest_rows(), [*further, "archive"])


def _deliver(archive: Archive, wanted: FrameRequest, records: Sequence[str], settings: AcquisitionSettings) -> Delivery:
    if wanted.method == DIRECT:
        return direct.locate(archive, wanted, records)
    with turn(settings.journal.lock):
        return obtain(archive, wanted, records, settings.journal, settings.limits)
