"""The images that topics train on: found, drawn, kept, and the budget of one run of training."""
