"""`mnistlab view`: a read-only view of all runs in a browser, on this machine alone."""
