"""The interface of `import mnistlab`: the commands as functions, runs and sweeps as objects."""
