"""The course in an instructor's nbgrader: its notebooks, grading in the sandbox, scores in the gradebook.

The only package that imports nbgrader.
"""
