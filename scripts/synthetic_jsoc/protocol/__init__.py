"""How the archive speaks: record sets, queries, exports, files over HTTP, and its faults."""
