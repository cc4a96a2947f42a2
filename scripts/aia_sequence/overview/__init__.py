"""What there is of every event, and the page of results."""
