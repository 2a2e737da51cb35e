"""What holds for every test: numba makes one pool of threads in a process, so it is made once."""

import os

# As many as the test that asks for most; numba refuses another number once the pool is there.
os.environ["NUMBA_NUM_THREADS"] = "4"
