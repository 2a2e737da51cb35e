"""report.html: a run or a sweep as one self-contained page."""
