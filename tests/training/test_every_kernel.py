"""What `mnistlab warmup` compiles is all that configurations need."""

import inspect
import re

import numpy as np
import pytest
from drawn_networks import drawn

import mnistlab.blocks
from mnistlab.runtime.compiling import announcement, kinds_of, told_end
from mnistlab.runtime.kernel import Kernel
from mnistlab.support.modules import modules_of
from mnistlab.training.every_kernel import every_kernel
from mnistlab.training.inference import evaluation_programs
from mnistlab.training.lower import lower

FLOAT32 = np.dtype(np.float32)
ARGUMENTS = ["op", "m", "lane", "step", "first", "rows"]


@pytest.fixture(scope="module")
def functions():
    return every_kernel([FLOAT32])[1]


def blocks(package):
    """The modules of a package and of the packages in it."""
    for module in modules_of(package):
        yield module
        if hasattr(module, "__path__"):
            yield from blocks(module.__name__)


def test_every_op_of_every_block_is_compiled_in_advance(functions):
    ops = {
        value.place
        for family in modules_of(mnistlab.blocks.__name__)
        if hasattr(family, "__path__")
        for module in blocks(family.__name__)
        for value in vars(module).values()
        if isinstance(value, Kernel)
        and list(inspect.signature(value.py_func).parameters) == ARGUMENTS
    }
    assert len(ops) > 50
    assert ops - {kernel.place for kernel, _ in functions} == set()


@pytest.mark.parametrize("number", range(12))
def test_what_drawn_networks_need_is_compiled_in_advance(functions, number):
    config, dataset = drawn(number)
    shape, classes = dataset.image_shape, len(dataset.class_names)
    lists = [*lower(config, shape, classes, 32).training.values()]
    lists += evaluation_programs(config, shape, classes).lists.values()
    needed = {one for ops in lists for op in ops for one in op.functions(FLOAT32)}
    assert needed - set(functions) == set()


def test_a_compilation_names_each_kind_once_and_warmup_once(functions, monkeypatch):
    monkeypatch.setattr("mnistlab.runtime.compiling._told", set())
    chosen = [one for one in functions if kinds_of([one]) in (["adam"], ["pool2d"])]
    assert announcement(chosen, FLOAT32) == (
        f"compiling {len(chosen)} kernels of adam, pool2d in float32, kept for later runs …"
    )
    assert announcement(chosen[:2], FLOAT32) == "compiling 2 more of these kernels …"
    assert re.fullmatch(
        r"compiling 1 kernel of (adam|pool2d) in float64, kept for later runs …",
        announcement(chosen[:1], np.dtype(np.float64)),
    )
    assert [told_end(8.2), told_end(1.7)] == [
        "compiled in 8 s; `mnistlab warmup` compiles all kernels in advance",
        "compiled in 2 s",
    ]
