"""What mnistlab does, as plain functions: the commands call these, and so can Python."""
