"""Every figure of a sweep: of each stage, of the refits, of the best models side by side."""
