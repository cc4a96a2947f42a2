"""What a configuration may say, and what it means: schema, values, events, conditions, places."""
