"""mnistlab beside PyTorch and JAX on the same work; see docs/benchmarks.md."""
