# What a run says on the terminal: what it may cost, how far it is, what there is in the end. Snakemake's own lines end
# where this is included: the configuration is known to be good.

from aia_sequence.overview.events import look
from aia_sequence.overview.page import write as write_page
from aia_sequence.planning import budget
from aia_sequence.planning.estimates import at_most
from aia_sequence.terminal import ending
from aia_sequence.terminal.display import install


def opening(progress):
    """What a run may cost, by the share of blocks that are still to be calibrated."""
    blocks = len(all_events("{event}/{channel}/{block}"))
    share = progress.planned["calibrate_level15"] / max(1, blocks)
    return ending.opening(budget.total(at_most(PLAN)), min(1.0, share), ARCHIVE)


def what_there_is(progress):
    """Write the page of results and say what there is, whatever way the run has ended; or print the budget."""
    if "budget" in progress.targets:
        if not progress.unfinished:
            print(budget.report(Path(RESULTS, "budget.csv")))
        return ""
    if progress.planned and not progress.started:
        return ""
    page = Path(RESULTS, "index.html")
    found = [look(event, Path(RESULTS), Path(LOGS)) for event in PLAN.events.values()]
    write_page(page, found, synthetic=ARCHIVE == "synthetic", version=__version__)
    told = {failure.reason for failure in progress.failed.values()}
    return ending.summary(found, page.absolute(), told)


DISPLAY = install(workflow)
if DISPLAY is not None:
    DISPLAY.openings.append(opening)
    DISPLAY.endings.append(what_there_is)
