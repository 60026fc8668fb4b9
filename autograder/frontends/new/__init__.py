"""`autograder new`: what a topic or a task consists of, with a TODO wherever its author has to decide something."""

from autograder.frontends.new.scaffold import new

__all__ = ["new"]
