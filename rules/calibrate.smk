# In: the level-1 frames of a block with their manifest, and the archive's tables.
# Out: frozen tables and point spread functions for all events; the level-1.5 frames of a block with their manifest.
# Order: fetch_pointing, fetch_degradation, fetch_errors and calculate_psf as far as the options ask, calibrate_level15.

from aia_sequence import versions

# Tables at hand: their path, and the files there; the embedded archive's state, as it may be asked for tables alone.
OWN_TABLES = PLAN.settings.tables if PLAN.settings.tables_name == "own" else ""
OWN_FILES = [path for path in (Path(OWN_TABLES), *Path(OWN_TABLES).rglob("*")) if path.is_file()] if OWN_TABLES else []
TABLES_STATE = f"{RESOURCES}/synthetic/archive"


rule fetch_pointing:
    input:
        refresh_marker("pointing/{day}"),
        [local(str(path)) for path in OWN_FILES],
    output:
        table="<resources>/{archive}/calibration/pointing/{day}.ecsv",
    log:
        "<logs>/calibration/fetch_pointing/{archive}-{day}.log",
    benchmark:
        "<benchmarks>/calibration/fetch_pointing/{archive}-{day}.tsv"
    priority: PRIORITY["table"]
    retries: 0
    localrule: True
    conda:
        "../envs/acquire.yaml"
    resources:
        servers=PLAN.settings.servers,
    params:
        own=OWN_TABLES,
        state=TABLES_STATE,
        version=versions.TABLES,
    message:
        "Fetching the pointing of {wildcards.day} from {wildcards.archive}"
    script:
        "../scripts/fetch_pointing.py"


rule fetch_degradation:
    input:
        refresh_marker("degradation"),
        [local(str(path)) for path in OWN_FILES],
    output:
        table="<resources>/{archive}/calibration/degradation.ecsv",
    log:
        "<logs>/calibration/fetch_degradation/{archive}.log",
    benchmark:
        "<benchmarks>/calibration/fetch_degradation/{archive}.tsv"
    priority: PRIORITY["table"]
    retries: 0
    localrule: True
    conda:
        "../envs/acquire.yaml"
    resources:
        servers=PLAN.settings.servers,
    params:
        own=OWN_TABLES,
        state=TABLES_STATE,
        version=versions.TABLES,
    message:
        "Fetching the effective areas from {wildcards.archive}"
    script:
        "../scripts/fetch_degradation.py"


rule fetch_errors:
    input:
        refresh_marker("errors"),
        [local(str(path)) for path in OWN_FILES],
    output:
        table="<resources>/{archive}/calibration/errors.ecsv",
    log:
        "<logs>/calibration/fetch_errors/{archive}.log",
    benchmark:
        "<benchmarks>/calibration/fetch_errors/{archive}.tsv"
    priority: PRIORITY["table"]
    retries: 0
    localrule: True
    conda:
        "../envs/acquire.yaml"
    params:
        own=OWN_TABLES,
        version=versions.TABLES,
    message:
        "Fetching the photometric errors of {wildcards.archive}"
    script:
        "../scripts/fetch_errors.py"


rule calculate_psf:
    output:
        psf="<resources>/{archive}/psf/{channel}.fits",
    log:
        "<logs>/calibration/calculate_psf/{archive}-{channel}.log",
    benchmark:
        "<benchmarks>/calibration/calculate_psf/{archive}-{channel}.tsv"
    priority: PRIORITY["table"]
    conda:
        "../envs/calibrate.yaml"
    resources:
        mem_mb=1500,
        runtime=10,
    params:
        version=versions.PSF,
    message:
        "Calculating the point spread function at {wildcards.channel} Å"
    script:
        "../scripts/calculate_psf.py"


rule calibrate_level15:
    input:
        unpack(of_job("calibration_tables")),
        frames=rules.download_level1.output.frames,
        manifest=rules.download_level1.output.manifest,
    output:
        frames=directory("<results>/{event}/level1.5/{channel}/{block}"),
        manifest="<results>/{event}/level1.5/{channel}/{block}.csv",
    log:
        "<logs>/{event}/calibrate_level15/{channel}/{block}.log",
    benchmark:
        "<benchmarks>/{event}/calibrate_level15/{channel}/{block}.tsv"
    priority: PRIORITY["calibrate_level15"]
    conda:
        "../envs/calibrate.yaml"
    threads: of_job("threads")
    resources:
        mem_mb=calibrate_memory,
        runtime=calibrate_runtime,
    params:
        archive=ARCHIVE,
        calibration=of_job("calibration"),
        version=of_job("calibration_version"),
    message:
        "Calibrating {wildcards.event} at {wildcards.channel} Å, block {wildcards.block}"
    script:
        "../scripts/calibrate_level15.py"
