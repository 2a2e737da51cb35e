"""Finds and reads runs and sweeps for lists: JSON and CSV only, so that hundreds
are read quickly.
"""
