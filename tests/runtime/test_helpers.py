"""Processes that compile at the same time fill the cache, and nothing depends on them."""

import subprocess
import sys

import pytest

from mnistlab.blocks.activations import ACTIVATIONS
from mnistlab.blocks.layers.dense import sparse_hidden_ops, sparse_input_ops
from mnistlab.runtime.kernel import kernel, kernel_at

COMPILE = """
import os, pathlib, signal, sys, time
import numpy as np
from mnistlab.blocks.activations import ACTIVATIONS
from mnistlab.blocks.activations._ops import forward_types
from mnistlab.runtime import compiler, helpers

functions = [
    (block.forward, forward_types(np.dtype(np.float32)))
    for block in (ACTIVATIONS.blocks[name] for name in ("identity", "relu", "relu6"))
]
helpers.OPS_WORTH_A_HELPER = 1
folder = compiler.kernel_cache_dir() / compiler.BY_ADDRESS


def children():
    listed = pathlib.Path("/proc/self/task", str(os.getpid()), "children").read_text()
    return [int(pid) for pid in listed.split()]


def first():
    if sys.argv[1] == "killed":
        for child in children():
            os.kill(child, signal.SIGKILL)
        return
    until = time.monotonic() + 100
    while len(list(folder.rglob("*.nbi"))) < len(functions) and time.monotonic() < until:
        time.sleep(0.02)


with compiler.compile_lock() as lock:
    helpers.compile_all(functions, 2, lock, first)
    assert children() == []
for function, types in functions:
    compiler.address_of(function, types)
stats = [compiler._called_by_address(function).stats for function, _ in functions]
print(sum(sum(one.cache_misses.values()) for one in stats))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks for children in /proc")
@pytest.mark.parametrize(("helper", "compiled_here"), [("alive", 0), ("killed", 3)])
def test_what_a_helper_has_compiled_is_loaded_and_what_it_has_not_is_compiled_here(
    tmp_path, monkeypatch, helper, compiled_here
):
    monkeypatch.setenv("MNISTLAB_CACHE_DIR", str(tmp_path))
    found = subprocess.run(
        [sys.executable, "-c", COMPILE, helper], capture_output=True, text=True, check=False
    )
    assert found.stderr == ""
    assert int(found.stdout) == compiled_here


@pytest.mark.parametrize(
    "one",
    [
        *(block.forward for block in ACTIVATIONS.blocks.values() if hasattr(block, "forward")),
        sparse_input_ops.forward_of(16),
        sparse_input_ops.backward_weights_of(128),
        sparse_hidden_ops.forward_of(64),
    ],
    ids=repr,
)
def test_a_kernel_of_the_package_is_found_at_its_place(one):
    assert kernel_at(*one.place) is one


def test_a_kernel_made_within_a_function_is_found_nowhere():
    @kernel
    def double(x):
        return 2 * x

    assert kernel_at(*double.place) is None
