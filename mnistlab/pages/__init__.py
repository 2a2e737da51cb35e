"""report.html: a run or a sweep on one self-contained page."""
