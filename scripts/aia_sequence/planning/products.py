"""The files of an event, by the stages that make them: names and patterns below `results/{event}/`."""

CHANNEL_FIGURES = (
    "lightcurve.csv",
    "lightcurve.png",
    "lightcurve.pdf",
    "statistics.json",
    "sequence.png",
    "sequence.pdf",
    "sequence.txt",
    "movie.mp4",
    "viewer.html",
)
SLIT = ("nc", "png", "pdf", "txt")  # of figures/{channel}/slits/{slit}
DIFFERENCE = ("png", "pdf", "txt", "mp4")  # of figures/{channel}/difference-{kind}
CHANNEL_PANEL = ("channels.png", "channels.pdf", "channels.txt")
# One figure of each rule that draws.
DRAWN = (
    "sequence.png", "movie.gif", "channels.png",
    "difference-running.png", "difference-base.png", "difference-ratio.png",
)  # fmt: skip
# The lists that the stages of an event leave, by kind of `aia_sequence.provenance.inventory`.
LISTS = {
    "metadata": "metadata/{series}/{block}.csv",
    "keywords": "metadata/{series}/{block}.keywords.csv",
    "records": "records/{channel}/{block}.csv",
    "recordsets": "records/{channel}/{block}.recordset.txt",
    "exports": "export/{channel}/{block}.json",
    "level1": "level1/{channel}/{block}.csv",
    "level15": "level1.5/{channel}/{block}.csv",
}
AUDITED = ("metadata", "records", "recordsets", "exports", "level1", "level15")  # what says what became of records
# What says how an event's products came about.
DESCRIPTION = (
    "ro-crate-metadata.json",
    "SHA256SUMS",
    "references.bib",
    "README.md",
    "workflow/config.yaml",
    "workflow/Snakefile",
)
