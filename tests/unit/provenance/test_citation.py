"""The workflow says how it is to be cited, in a file that GitHub, Zenodo and Zotero can read."""

import jsonschema
import yaml

from aia_sequence.provenance import citations

TEXT = {"type": "string", "minLength": 1}

# What version 1.2.0 of the Citation File Format demands of the fields that are used here (its schema, by hand).
ENTITY = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {"name": {"minLength": 1}},
}
PERSON = {
    "type": "object",
    "additionalProperties": False,
    "minProperties": 1,
    "properties": {
        **{name: {"type": "string", "minLength": 1} for name in ("family-names", "given-names", "affiliation")},
        "orcid": {"pattern": r"^https://orcid\.org/\d{4}-\d{4}-\d{4}-\d{3}[\dX]$"},
    },
}
AUTHORS = {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"anyOf": [PERSON, ENTITY]}}
DOI = {"type": "string", "pattern": r"^10\.\d{4,9}(\.\d+)?/[A-Za-z0-9:/_;\-\.\(\)\[\]\\]+$"}
REFERENCE = {
    "type": "object",
    "required": ["authors", "title", "type"],
    "additionalProperties": False,
    "properties": {
        "type": {"enum": ["article", "software", "software-code", "data", "manual"]},
        "authors": AUTHORS,
        "doi": DOI,
        "year": {"type": ["integer", "string"]},
        "journal": TEXT,
        "title": TEXT,
        "url": TEXT,
        "version": TEXT,
    },
}
CITATION = {
    "type": "object",
    "required": ["authors", "cff-version", "message", "title"],
    "additionalProperties": False,
    "properties": {
        "cff-version": {"const": "1.2.0"},
        "type": {"enum": ["software", "dataset"]},
        "license": {"const": "BSD-3-Clause"},
        "version": {"type": "string"},
        "authors": AUTHORS,
        "references": {"type": "array", "minItems": 1, "items": REFERENCE},
        "keywords": {"type": "array", "minItems": 1, "uniqueItems": True, "items": TEXT},
        "date-released": {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
        "doi": DOI,
        **dict.fromkeys(("message", "title", "abstract", "repository-code"), TEXT),
    },
}


def test_the_workflows_own_citation_is_a_valid_citation_file(root):
    cited = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    jsonschema.validate(cited, CITATION)
    assert "Redistribution and use in source and binary forms" in (root / "LICENSE").read_text(encoding="utf-8")
    dois = {reference["doi"] for reference in cited["references"]}
    template = citations.TEMPLATE.read_text(encoding="utf-8")
    assert all(doi in template for doi in dois), "the papers are those of references.bib"
