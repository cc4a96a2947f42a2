# What works around Snakemake where a plan is large or jobs are short. Each piece says what it gains;
# tests/workflow/test_planning.py fails when one of those about plans is no longer needed.

import atexit
import gc
import inspect

from aia_sequence import jobhost

# Half of what a short event takes is Python's start and its imports, in each of its jobs.
jobhost.install(workflow, SCRIPTS)

# A plan is millions of objects that live to its end. Python would look through them for garbage again and again, and once
# more before it exits: a third of the time of planning 1,000 events, for nothing.
gc.set_threshold(100_000, 50, 100)
atexit.register(gc.freeze)


def for_rules(function):
    """Give a function that rules name its signature ready made: Snakemake works it out three times for each job.

    It is a tenth of the time of planning 1,000 events (snakemake.common.get_function_params).
    """
    function.__signature__ = inspect.signature(function)
    return function


def if_missing(paths):
    """Those that do not exist, of paths that the plan comes upon in any case: what is there need not be asked for.

    Asked for by name they would be a fifth of all inputs, each of which Snakemake traces to its rule
    (https://github.com/snakemake/snakemake/issues/1575).
    """
    if not workflow.is_main_process:
        return []
    if STORAGE:
        return paths
    return [path for path in paths if not os.path.exists(path.replace("<results>", RESULTS))]


def planned_events():
    """Events that are planned: all, or those that `aia-sequence run` has found to be unfinished, a batch of them."""
    events = list(PLAN.events)
    return CATALOGUE.events(events, refresh=PLAN.settings.options["refresh"]) if CATALOGUE else events


@for_rules
def everything(wildcards):
    """All that is made of the events that are planned; paths as they are, for rules of others that ask for the same.

    A crate describes all that is made of its event, so it plans all of it. Products are made again when they are gone.
    """
    events = planned_events()
    jobs = [Job(PLAN, event) for event in events]
    products = [
        *all_events("<results>/{event}/level1.5/{channel}/{block}", events),
        *all_events("<results>/{event}/level1.5/{channel}/{block}.csv", events),
        *(path for one in jobs for path in (*one.figures, *one.cubes, *one.sets)),
        *all_events("<results>/{event}/audit.html", events),
    ]
    paths = all_events("<results>/{event}/ro-crate-metadata.json", events) + if_missing(products)
    return [path.replace("<results>", RESULTS) for path in paths]


# Snakemake starts no more than 100 jobs a second unless told otherwise (https://github.com/snakemake/snakemake/pull/3067),
# and for that looks at all that are ready again a second after each time it has looked, once more for every job that has
# ended. Of a catalogue it soon does nothing else. Nobody's jobs end that fast; who asks for a slower rate gets it.
onstart:
    rate = workflow.scheduling_settings.max_jobs_per_timespan
    if rate and rate.max_jobs >= 100 * rate.timespan:
        workflow.scheduler.job_rate_limiter = None
