"""Terminal output: progress of running work, and printed lines."""
