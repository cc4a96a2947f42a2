"""The embedded archive: a synthetic Sun and instrument behind a server that speaks JSOC's protocol."""
