# In: the level-1.5 frames of all blocks of an event and channel; for derotated cubes their level-1 frames and tables.
# Out: cubes/{channel}.nc, which frames of the channels belong together, cubes/sets.csv, and brightness along slits,
# figures/{channel}/slits/{slit}, where the configuration asks for them.
#
# Frames are read, but on a shared disk the inputs are their manifests, which are written last and hold every frame's hash.

from aia_sequence import versions


rule write_cube:
    input:
        unpack(of_job("cube_sources")),
        brought_to_cube,
    output:
        cube="<results>/{event}/cubes/{channel}.nc",
    log:
        "<logs>/{event}/write_cube/{channel}.log",
    benchmark:
        "<benchmarks>/{event}/write_cube/{channel}.tsv"
    priority: PRIORITY["figure"]
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=figure_memory,
        runtime=figure_runtime,
    params:
        cube=of_job("cube"),
        version=versions.CUBE,
    message:
        "Writing the cube of {wildcards.event} at {wildcards.channel} Å"
    script:
        "../scripts/write_cube.py"


rule write_sets:
    input:
        manifests=each("<results>/{event}/level1.5/{channel}/{block}.csv"),
    output:
        sets="<results>/{event}/cubes/sets.csv",
    log:
        "<logs>/{event}/write_sets.log",
    benchmark:
        "<benchmarks>/{event}/write_sets.tsv"
    priority: PRIORITY["figure"]
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        channels=of_job("channels"),
        within=of_job("sets_within"),
        version=versions.SETS,
    message:
        "Listing which frames of {wildcards.event} belong together"
    script:
        "../scripts/write_sets.py"


rule trace_slit:
    input:
        brought_frames("level1.5"),
        manifests=each("<results>/{event}/level1.5/{channel}/{block}.csv"),
    output:
        data="<results>/{event}/figures/{channel}/slits/{slit}.nc",
        png=report(
            "<results>/{event}/figures/{channel}/slits/{slit}.png",
            caption="../captions/slit.rst",
            category="{event}",
            subcategory="{channel} Å",
            labels={"channel": "{channel} Å", "product": "slit {slit}"},
        ),
        pdf="<results>/{event}/figures/{channel}/slits/{slit}.pdf",
        caption="<results>/{event}/figures/{channel}/slits/{slit}.txt",
    log:
        "<logs>/{event}/trace_slit/{channel}-{slit}.log",
    benchmark:
        "<benchmarks>/{event}/trace_slit/{channel}-{slit}.tsv"
    priority: PRIORITY["figure"]
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=figure_memory,
        runtime=figure_runtime,
    params:
        slit=slit_options,
        figure=figure_options("size", "dpi", "stretch", "power", "percentiles", "limits", "limb", "grid", "marks"),
        version=versions.SLIT,
    message:
        "Following the slit {wildcards.slit} of {wildcards.event} at {wildcards.channel} Å"
    script:
        "../scripts/trace_slit.py"
