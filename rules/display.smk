# What a run says on the terminal: what it may cost, how far it is, what there is in the end. Snakemake's own lines end
# where this is included: the configuration is known to be good.

from aia_sequence.config.archives import spoken
from aia_sequence.overview.events import look
from aia_sequence.overview.page import write as write_page
from aia_sequence import software
from aia_sequence.planning import budget, finished
from aia_sequence.planning.estimates import at_most
from aia_sequence.terminal import ending
from aia_sequence.terminal.catalogue import Catalogue
from aia_sequence.terminal.display import install


def opening(progress):
    """What a run may cost, by the share of blocks that are still to be calibrated; it is known of the first batch."""
    if RUN and not RUN.first:
        return RUN.opening if workflow.dryrun else ""
    here, later = planned_events(), RUN.rest if RUN else []
    works = {work.event: work for work in at_most(PLAN)}
    work, rest = (budget.total([works[event] for event in events]) for events in (here, later))
    share = progress.planned["calibrate_level15"] / max(1, len(all_events("{event}/{channel}/{block}", here)))
    kept = min(1.0, share) * work.kept + rest.kept
    work.add(rest)
    text = ending.opening(work, kept / max(1, work.kept), spoken(ARCHIVE))
    if RUN:
        RUN.opening = text
    return text


def what_there_is(progress):
    """Write the page of results and say what there is, whatever way the run has ended; or print the budget."""
    if "budget" in progress.targets:
        if not progress.unfinished:
            print(budget.report(Path(RESULTS, "budget.csv")))
        return ""
    if progress.planned and not progress.started:
        return ""
    if STORAGE:
        return f"\nResults: {workflow.storage_settings.default_storage_prefix}/{RESULTS}"
    page = Path(RESULTS, "index.html")
    found = [look(event, Path(RESULTS), Path(LOGS)) for event in PLAN.events.values()]
    write_page(page, found, synthetic=ARCHIVE == "synthetic", version=__version__)
    told = {failure.reason for failure in progress.failed.values()}
    return ending.summary(found, page.absolute(), told)


def log_here(path):
    """Where the log of a job lies on this machine, by how Snakemake names it."""
    _, stored, key = path.removesuffix(" (send to storage)").partition("://")
    return str(Path(workflow.storage_settings.local_storage_prefix, STORAGE, key)) if STORAGE and stored else path


def sources():
    """Digest of what decides for all events alike: rules, library, environments, and how Snakemake goes about it."""
    rules = [Path(path) for path in workflow.linemaps]
    environments = SCRIPTS.parent.glob("envs/*.yaml")
    ways = [*workflow.dag_settings.rerun_triggers, *workflow.deployment_settings.deployment_method]
    return finished.digest([software.code_digest(), OWN_LISTING, *sorted(map(str, ways))], [*rules, *environments])


def shared_files():
    """Files that jobs of any event may read, and that none of them is said to make."""
    return [f"{FILES}/files.csv", *map(str, OWN_FILES)]


def marks_of_files():
    """Marks of blocks that were made of other files than there are now."""
    folder = Path(RESOURCES, ARCHIVE, "refresh")
    return set(folder.glob("*/*/*/*.txt")) if ARCHIVE == "files" and workflow.is_main_process else set()


def made_of_other_files():
    """Events of which this run has found, by the headers of files, that blocks must be made anew."""
    return {mark.parts[-4] for mark in marks_of_files() - MARKS}


def what_is_left(progress):
    """Say what the next run makes anew; `aia-sequence run` goes on with it by itself."""
    events = sorted(made_of_other_files()) if not workflow.dryrun else []
    return f"Files have changed: the next run makes blocks of {', '.join(events)} anew." if events else ""


MARKS = marks_of_files()
DISPLAY, CATALOGUE = install(workflow), None
if DISPLAY is not None:
    DISPLAY.log_path = log_here
    DISPLAY.openings.append(opening)
    DISPLAY.endings += [what_there_is, what_is_left]
    if DISPLAY.catalogue is not None:
        # The workflow is taken as a module twice: what is planned is not one catalogue's.
        DISPLAY.catalogue.alone = False
    elif RUN is not None and not DISPLAY.own_words:
        stamps = finished.Stamps(PLAN, RESULTS, RESOURCES, sources, shared_files)
        CATALOGUE = DISPLAY.catalogue = Catalogue(RUN, workflow, stamps, Path(RESULTS, finished.NAME))
        CATALOGUE.again = made_of_other_files
        CATALOGUE.resume(DISPLAY.progress)
