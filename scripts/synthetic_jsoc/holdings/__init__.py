"""What the archive holds: its series, records, frames, and what it remembers of requests."""
