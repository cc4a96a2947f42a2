"""BibTeX of what an event was made with: instrument, software with its versions, and calibration tables."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from aia_sequence.provenance.crate import Table
from aia_sequence.software import Workflow

NO_KEY = re.compile(r"[^A-Za-z0-9:./_+-]")
# No braces, not even escaped ones: BibTeX counts them all.
LATEX = {letter: f"\\{letter}" for letter in "_&%#$"} | {
    "\\": r"\textbackslash ",
    "{": r"\textbraceleft ",
    "}": r"\textbraceright ",
    "~": r"\textasciitilde ",
    "^": r"\textasciicircum ",
    '"': "''",
    "@": r"\char64 ",
}
TEMPLATE = Path(__file__).with_name("templates") / "references.bib"


def references(*, versions: Mapping[str, str], tables: Iterable[Table], workflow: Workflow) -> str:
    """
    Select and complete the references of an event.

    Parameters
    ----------
    versions
        Versions of packages, by name; the entry of a package that is not among them is left out.
    tables
        Calibration tables that were used. The one of the degradation brings the paper on it.
    workflow
        The workflow's own version.

    Returns
    -------
    str
        BibTeX, entries in the order of the template, then tables by name, then the workflow.
    """
    tables = sorted(tables, key=lambda table: table.path)
    parts = []
    for block in TEMPLATE.read_text(encoding="utf-8").split("\n\n"):
        key = block.partition("{")[2].partition(",")[0]
        package = key.removeprefix("package:")
        if key == "aia-degradation" and not any("degradation" in table.path for table in tables):
            continue
        if package == key or package in versions:
            parts.append(block.strip().replace("VERSION", versions.get(package, "")))
    for table in tables:
        title = f"Calibration table {table.path}"
        note = f"{table.source}; sha256 of its rows {table.rows_sha256}"
        parts.append(_misc(f"table:{re.sub(NO_KEY, '-', table.path)}", latex(title), latex(note)))
    title = "{aia-sequence}: a {Snakemake} workflow for {SDO/AIA} image sequences"
    parts.append(_misc("aia-sequence", title, latex(str(workflow))))
    return "\n\n".join(parts) + "\n"


def latex(text: str) -> str:
    """Write text so that BibTeX and LaTeX print it: names of tables and what their headers say can hold anything."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return "".join(LATEX.get(letter, letter) for letter in " ".join(printable.split()))


def _misc(key: str, title: str, note: str) -> str:
    """An entry of its own; its title and note are LaTeX."""
    fields = {"author": "{{The aia-sequence developers}}"} if key == "aia-sequence" else {}
    fields |= {"title": f"{{{title}}}", "note": f"{{{note}}}"}
    lines = "".join(f"  {name} = {value},\n" for name, value in fields.items())
    return f"@misc{{{key},\n{lines}}}"
