"""The exercise and grading kit for "Deep Learning with PyTorch: a 60-minute blitz"."""
