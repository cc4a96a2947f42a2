# In: the level-1.5 frames of all blocks of an event and channel, and the tables of their records.
# Out: what people look at, under figures/{channel}/: light curve, sequence figure, movie, viewer, differences;
# figures/channels.png.
# Order: plot_sequence (one pass over the frames to measure them, then what is drawn of them), then the others, none of
# which waits for another.
#
# Frames are read, but on a shared disk the inputs are their manifests, which are written last and hold every frame's
# hash: each further input of these rules makes the plan of a large catalogue longer.

from aia_sequence import versions

# Cores that other sequences would leave idle draw one: a process for each of two figures.
FEW_SEQUENCES = sum(len(event.channels) for event in PLAN.events.values()) < 4


rule plot_sequence:
    input:
        brought_frames("level1.5"),
        manifests=each("<results>/{event}/level1.5/{channel}/{block}.csv"),
        records=each("<results>/{event}/records/{channel}/{block}.csv"),
    output:
        lightcurve=report(
            "<results>/{event}/figures/{channel}/lightcurve.csv",
            caption="../captions/lightcurve_table.rst",
            category="{event}",
            subcategory="{channel} Å",
            labels={"channel": "{channel} Å", "product": "light curve (table)"},
        ),
        statistics="<results>/{event}/figures/{channel}/statistics.json",
        lightcurve_png=report(
            "<results>/{event}/figures/{channel}/lightcurve.png",
            caption="../captions/lightcurve.rst",
            category="{event}",
            subcategory="{channel} Å",
            labels={"channel": "{channel} Å", "product": "light curve"},
        ),
        lightcurve_pdf="<results>/{event}/figures/{channel}/lightcurve.pdf",
        png=report(
            "<results>/{event}/figures/{channel}/sequence.png",
            caption="../captions/sequence.rst",
            category="{event}",
            subcategory="{channel} Å",
            labels={"channel": "{channel} Å", "product": "sequence figure"},
        ),
        pdf="<results>/{event}/figures/{channel}/sequence.pdf",
        caption="<results>/{event}/figures/{channel}/sequence.txt",
        mp4=report(
            "<results>/{event}/figures/{channel}/movie.mp4",
            caption="../captions/movie.rst",
            category="{event}",
            subcategory="{channel} Å",
            labels={"channel": "{channel} Å", "product": "movie"},
        ),
        html=report(
            "<results>/{event}/figures/{channel}/viewer.html",
            caption="../captions/viewer.rst",
            category="{event}",
            subcategory="{channel} Å",
            labels={"channel": "{channel} Å", "product": "viewer"},
        ),
    log:
        "<logs>/{event}/plot_sequence/{channel}.log",
    benchmark:
        "<benchmarks>/{event}/plot_sequence/{channel}.tsv"
    priority: PRIORITY["plot_sequence"]
    conda:
        "../envs/figures.yaml"
    threads: 2 if FEW_SEQUENCES else 1
    resources:
        mem_mb=figure_memory,
        runtime=figure_runtime,
    params:
        region=option("region"),
        channels=of_job("channels"),
        figure=figure_options(
            *("percentiles", "limits", "panels", "select", "size", "dpi", "stretch", "power", "limb", "grid", "marks"),
            *("fps", "viewer_mb"),
        ),
        version=versions.FIGURES,
    message:
        "Measuring and drawing the sequence of {wildcards.event} at {wildcards.channel} Å"
    script:
        "../scripts/plot_sequence.py"


rule plot_difference:
    input:
        brought_frames("level1.5"),
        manifests=each("<results>/{event}/level1.5/{channel}/{block}.csv"),
        lightcurve=rules.plot_sequence.output.lightcurve,
        statistics=rules.plot_sequence.output.statistics,
    output:
        png=report(
            "<results>/{event}/figures/{channel}/difference-{difference}.png",
            caption="../captions/difference.rst",
            category="{event}",
            subcategory="{channel} Å",
            labels={"channel": "{channel} Å", "product": "difference ({difference})"},
        ),
        pdf="<results>/{event}/figures/{channel}/difference-{difference}.pdf",
        caption="<results>/{event}/figures/{channel}/difference-{difference}.txt",
        mp4=report(
            "<results>/{event}/figures/{channel}/difference-{difference}.mp4",
            caption="../captions/difference.rst",
            category="{event}",
            subcategory="{channel} Å",
            labels={"channel": "{channel} Å", "product": "difference ({difference}), movie"},
        ),
    log:
        "<logs>/{event}/plot_difference/{channel}-{difference}.log",
    benchmark:
        "<benchmarks>/{event}/plot_difference/{channel}-{difference}.tsv"
    priority: PRIORITY["figure"]
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=figure_memory,
        runtime=figure_runtime,
    params:
        region=option("region"),
        figure=figure_options("panels", "select", "size", "dpi", "limb", "grid", "marks", "fps", "lag", "base"),
        version=versions.FIGURES,
    message:
        "Plotting the difference ({wildcards.difference}) of {wildcards.event} at {wildcards.channel} Å"
    script:
        "../scripts/plot_difference.py"


rule render_gif:
    input:
        mp4=rules.plot_sequence.output.mp4,
    output:
        gif="<results>/{event}/figures/{channel}/movie.gif",
    log:
        "<logs>/{event}/render_gif/{channel}.log",
    benchmark:
        "<benchmarks>/{event}/render_gif/{channel}.tsv"
    priority: PRIORITY["figure"]
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=figure_memory,
        runtime=figure_runtime,
    params:
        version=versions.FIGURES,
    message:
        "Rendering the GIF of {wildcards.event} at {wildcards.channel} Å"
    script:
        "../scripts/render_gif.py"


rule plot_channels:
    input:
        brought_frames("level1.5"),
        manifests=each("<results>/{event}/level1.5/{channel}/{block}.csv"),
        lightcurves=each("<results>/{event}/figures/{channel}/lightcurve.csv"),
        statistics=each("<results>/{event}/figures/{channel}/statistics.json"),
    output:
        png=report(
            "<results>/{event}/figures/channels.png",
            caption="../captions/channels.rst",
            category="{event}",
            subcategory="all channels",
            labels={"channel": "all", "product": "channel panel"},
        ),
        pdf="<results>/{event}/figures/channels.pdf",
        caption="<results>/{event}/figures/channels.txt",
    log:
        "<logs>/{event}/plot_channels.log",
    benchmark:
        "<benchmarks>/{event}/plot_channels.tsv"
    priority: PRIORITY["figure"]
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=figure_memory,
        runtime=figure_runtime,
    params:
        region=option("region"),
        channels=of_job("channels"),
        figure=figure_options("size", "dpi", "stretch", "power", "limb", "grid", "rgb"),
        version=versions.FIGURES,
    message:
        "Plotting the channels of {wildcards.event}"
    script:
        "../scripts/plot_channels.py"
