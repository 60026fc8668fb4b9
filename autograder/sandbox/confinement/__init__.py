"""What a child may not do, a file for each feature of the kernel."""
