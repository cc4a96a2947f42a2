"""The synthetic instrument: from a scene to counts, their statistics, and the file as the archive packs it."""
