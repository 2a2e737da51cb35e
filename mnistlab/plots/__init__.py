"""Figures: a function takes data and returns a Figure."""
