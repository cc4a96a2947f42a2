"""Where products come from, for readers and for machines: citations, inventory, RO-Crate."""
