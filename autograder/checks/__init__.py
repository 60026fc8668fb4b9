"""What a suite is made of, and how one check is run and judged."""
