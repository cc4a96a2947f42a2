"""What people call by hand, beside the workflow: verify, repair, compare, freeze, bundle, archive."""
