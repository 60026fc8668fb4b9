"""What was handed in, as files in memory; nothing here imports or runs any of it."""
