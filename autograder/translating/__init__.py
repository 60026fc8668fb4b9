"""Keeps the catalogues of sentences in step with what is said: `python -m autograder.translating [--check]`."""
