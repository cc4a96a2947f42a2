"""Questions to an archive, whichever it is, and the metadata that it answers with."""
