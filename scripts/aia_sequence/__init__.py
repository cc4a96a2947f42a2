"""SDO/AIA image sequences: record sets, acquisition, level 1.5, figures and provenance."""

__version__ = "0.2.0"
