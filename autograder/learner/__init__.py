"""Runs a learner's module and explains what it does wrong: in a self-check and in the sandboxed child alike."""
