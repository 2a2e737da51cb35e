"""The folders of runs, sweeps and reports: safe to write, safe to read."""
