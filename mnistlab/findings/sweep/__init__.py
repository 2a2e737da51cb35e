"""Every finding of a stage of a sweep, or of a sweep without stages: each module is one."""
