"""A submission's processes: a warm server forks confined children, which answer requests."""
