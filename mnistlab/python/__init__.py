"""What `import mnistlab` offers: the commands as functions, runs and sweeps as objects."""
