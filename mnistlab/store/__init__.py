"""A run, a sweep, a report on disk: files written so that nothing is lost, read with care."""
