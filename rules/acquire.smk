# In: the configuration's windows and conditions.
# Out: verified level-1 frames under level1/{channel}/{block}/, each named with its record in the manifest beside them.
# Order: read_headers where frames are files at hand, query_metadata, filter_records, download_level1. All on this machine:
# they wait; of export requests one at a time.
# What a repetition can mend is repeated within the job, with growing pauses; so a profile's `retries` are not for them.
#
# What decides products is a parameter. What does not (the cache's place, patience, connections) is handed over as a
# resource, because a changed parameter would repeat every finished job.

from aia_sequence import versions
from aia_sequence.acquisition.places import listing
from aia_sequence.config import conditions
from aia_sequence.times import duration

FILES = f"{RESOURCES}/files"
STATE = FILES if ARCHIVE == "files" else f"{RESOURCES}/synthetic/archive"
JOURNAL = f"{RESOURCES}/{ARCHIVE}/requests/{{channel}}/{{block}}"  # of export requests, for all events
QUARANTINE = workflow.pathvars.apply("<results>/{event}/quarantine/{channel}/{block}")
EXPORT = PLAN.settings.options["export"]
# A file that is new, has changed or is gone is seen by the folders' lists. Contents are read by jobs alone.
OWN_LISTING = listing(PLAN.settings.options["files"]) if ARCHIVE == "files" and workflow.is_main_process else ""
PATIENCE = int(duration(EXPORT["timeout"]).total_seconds())


rule mark_refresh:
    output:
        # Plans look for it on this machine.
        local("<resources>/{archive}/refresh/{asked}/{time}.txt"),
    log:
        "<logs>/mark_refresh/{archive}/{asked}/{time}.log",
    benchmark:
        "<benchmarks>/mark_refresh/{archive}/{asked}/{time}.tsv"
    retries: 0
    localrule: True
    conda:
        "../envs/acquire.yaml"
    message:
        "Asking again: {wildcards.asked}"
    shell:
        "(rm -f $(dirname {output:q})/*.txt && echo 'asked again' > {output:q}) 2> {log:q}"


rule read_headers:
    input:
        refresh_marker("headers"),
    output:
        # What it says of a file holds until the file changes, so the script finds it as it was.
        table=update("<resources>/files/files.csv"),
    log:
        "<logs>/read_headers.log",
    benchmark:
        "<benchmarks>/read_headers.tsv"
    retries: 0
    localrule: True
    conda:
        "../envs/acquire.yaml"
    threads: 4
    params:
        files=PLAN.settings.options.get("files"),
        listing=OWN_LISTING,
        # With `refresh` all of them are made anew in any case.
        blocks=PLAN.marked_blocks() if ARCHIVE == "files" and not PLAN.settings.options["refresh"] else [],
        version=versions.FILES,
    message:
        "Reading the headers of the files at hand"
    script:
        "../scripts/read_headers.py"


rule query_metadata:
    input:
        refresh_marker("{event}/{series}/{block}"),
        # A new list does not repeat what was made of an earlier one: marks do, of the blocks whose files have changed.
        [ancient(f"{FILES}/files.csv")] if ARCHIVE == "files" else [],
    output:
        table="<results>/{event}/metadata/{series}/{block}.csv",
        keywords="<results>/{event}/metadata/{series}/{block}.keywords.csv",
    log:
        "<logs>/{event}/query_metadata/{series}/{block}.log",
    benchmark:
        "<benchmarks>/{event}/query_metadata/{series}/{block}.tsv"
    priority: PRIORITY["query_metadata"]
    retries: 0
    localrule: True
    conda:
        "../envs/acquire.yaml"
    resources:
        servers=PLAN.settings.servers,
    params:
        archive=ARCHIVE,
        state=STATE,
        span=of_job("span"),
        keywords=of_job("extra_keywords"),
        version=versions.METADATA,
    message:
        "Querying the metadata of {wildcards.event}, {wildcards.series}, block {wildcards.block}"
    script:
        "../scripts/query_metadata.py"


rule filter_records:
    input:
        table=of_job("metadata_table"),
    output:
        records="<results>/{event}/records/{channel}/{block}.csv",
        recordset="<results>/{event}/records/{channel}/{block}.recordset.txt",
    log:
        "<logs>/{event}/filter_records/{channel}/{block}.log",
    benchmark:
        "<benchmarks>/{event}/filter_records/{channel}/{block}.tsv"
    priority: PRIORITY["filter_records"]
    retries: 0
    localrule: True
    conda:
        "../envs/acquire.yaml"
    resources:
        servers=PLAN.settings.servers,
        record_list=record_list,
    params:
        archive=ARCHIVE,
        state=STATE,
        span=of_job("span"),
        frames=of_job("frames_wanted"),
        version=conditions.VERSION,
    message:
        "Filtering the records of {wildcards.event} at {wildcards.channel} Å, block {wildcards.block}"
    script:
        "../scripts/filter_records.py"


# Who waits for an archive takes no core from those who calibrate, as long as no more than a few wait (profiles/); frames at
# hand are read and checked instead.
WAITS = ARCHIVE != "files" and "jsoc_export" in workflow.global_resources


rule download_level1:
    input:
        records=rules.filter_records.output.records,
        recordset=rules.filter_records.output.recordset,
    output:
        export="<results>/{event}/export/{channel}/{block}.json",
        frames=directory("<results>/{event}/level1/{channel}/{block}"),
        manifest="<results>/{event}/level1/{channel}/{block}.csv",
    log:
        "<logs>/{event}/download_level1/{channel}/{block}.log",
    benchmark:
        "<benchmarks>/{event}/download_level1/{channel}/{block}.tsv"
    priority: PRIORITY["local_level1" if ARCHIVE == "files" else "download_level1"]
    retries: 0
    localrule: True
    conda:
        "../envs/acquire.yaml"
    threads: 0 if WAITS else 1
    resources:
        servers=PLAN.settings.servers,
        jsoc_export=0 if ARCHIVE == "files" else 1,
        level1_cache=PLAN.settings.level1_cache,
        most_records=EXPORT["records"],
        patience_s=PATIENCE,
        connections=EXPORT["connections"],
    params:
        archive=ARCHIVE,
        state=STATE,
        journal=JOURNAL,
        quarantine=QUARANTINE,
        frames=of_job("frames_wanted"),
        method=EXPORT["method"],
        on_missing=EXPORT["on_missing"],
        version=[versions.EXPORT, versions.LEVEL1],
    message:
        "Exporting and downloading the level-1 frames of {wildcards.event} at {wildcards.channel} Å, block {wildcards.block}"
    script:
        "../scripts/download_level1.py"
