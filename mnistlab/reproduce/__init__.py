"""Reproduction of a report: run its experiments, compare stated and measured results."""
