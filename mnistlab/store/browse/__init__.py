"""Runs and sweeps found and read for lists: JSON and CSV alone, so that hundreds take no time."""
