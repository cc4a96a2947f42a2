"""Lists that one stage writes and another reads: columns, types, units and words, their readers and writers."""
