"""Sweeps: many runs from one configuration, their workers and their ranking."""
