"""What became of every record, as a table and as a page."""
