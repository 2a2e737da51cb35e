"""How kernels are compiled and run. It knows no block by name."""
