# In: the level-1.5 frames of all blocks of an event and channel, and the tables of their records.
# Out: what people look at, under figures/{channel}/: light curve, sequence figure, movie, viewer.
# Order: measure_sequence (one pass over the frames), then the others, none of which waits for another.

from aia import figures


rule measure_sequence:
    input:
        manifests=all_blocks("<results>/{event}/level1.5/{channel}/{block}.csv"),
        frames=all_blocks("<results>/{event}/level1.5/{channel}/{block}"),
        records=all_blocks("<results>/{event}/records/{channel}/{block}.csv"),
    output:
        lightcurve="<results>/{event}/figures/{channel}/lightcurve.csv",
        statistics="<results>/{event}/figures/{channel}/statistics.json",
    log:
        "<logs>/{event}/measure_sequence/{channel}.log",
    benchmark:
        "<benchmarks>/{event}/measure_sequence/{channel}.tsv"
    resources:
        mem_mb=figure_memory,
        runtime=figure_runtime,
    params:
        region=option("region"),
        figure=figure_options("percentiles", "limits"),
        version=figures.VERSION,
    message:
        "Measuring the light curve of {wildcards.event} at {wildcards.channel} Å"
    script:
        "../scripts/measure_sequence.py"


rule plot_sequence:
    input:
        manifests=all_blocks("<results>/{event}/level1.5/{channel}/{block}.csv"),
        frames=all_blocks("<results>/{event}/level1.5/{channel}/{block}"),
        lightcurve=rules.measure_sequence.output.lightcurve,
        statistics=rules.measure_sequence.output.statistics,
    output:
        png="<results>/{event}/figures/{channel}/sequence.png",
        pdf="<results>/{event}/figures/{channel}/sequence.pdf",
        caption="<results>/{event}/figures/{channel}/sequence.txt",
    log:
        "<logs>/{event}/plot_sequence/{channel}.log",
    benchmark:
        "<benchmarks>/{event}/plot_sequence/{channel}.tsv"
    resources:
        mem_mb=figure_memory,
        runtime=figure_runtime,
    params:
        region=option("region"),
        figure=figure_options("panels", "select", "size", "dpi", "stretch", "power", "limb", "grid", "marks"),
        version=figures.VERSION,
    message:
        "Plotting the sequence of {wildcards.event} at {wildcards.channel} Å"
    script:
        "../scripts/plot_sequence.py"
