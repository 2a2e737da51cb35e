"""Passes runs on to other experiment trackers, while they train or later.

A tracker reads what the run's folder records, and nothing else: training does not know of it.
"""
