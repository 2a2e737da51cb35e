"""Keeps a folder of runs in order: removes and renames runs, and measures what they take."""
