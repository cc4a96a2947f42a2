"""From record sets to verified level-1 files: export, direct paths, cache, download."""
