"""Grades submissions with a hidden suite, and proves a suite sound."""
