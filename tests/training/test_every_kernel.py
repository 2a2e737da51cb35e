"""What `mnistlab warmup` compiles is all that configurations need."""

import inspect
import re

import numpy as np
import pytest
from drawn_networks import drawn

import mnistlab.blocks
from mnistlab.blocks.layers.conv2d import choice
from mnistlab.config import run_config_from_mapping
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
    """With the kernels that are chosen with AVX-512 only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choice, "GRADIENT_SQUARES", 0.1)
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


CONVOLUTIONS = [
    {"conv": {"filters": 8, "kernel": 3, "padding": 1}},
    "batch_norm",
    {"activation": "relu"},
    {"pool": {"type": "max", "size": 2, "stride": 2}},
    {"conv": {"filters": 16, "kernel": 5}},
    {"activation": "relu"},
    {"pool": {"type": "average", "size": 2, "stride": 2}},
    {"dropout": 0.25},
    "flatten",
    {"dense": {"units": 100}},
    {"activation": "relu"},
]
USUAL = {
    "softmax": {"model": "softmax", "regularization": {"l2": 1e-4}},
    "mlp": {
        "model": {"type": "mlp", "hidden": [256, 100], "dropout": 0.3},
        "optimizer": "adam",
        "lr_schedule": "cosine",
    },
    "cnn": {
        "model": {"type": "cnn", "layers": CONVOLUTIONS},
        "optimizer": {"type": "sgd", "momentum": 0.9},
        "data": {"augment": [{"shift": 2}]},
    },
}


@pytest.fixture(scope="module")
def in_both_dtypes():
    return set(every_kernel(list(map(np.dtype, (np.float32, np.float64))))[1])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", USUAL)
def test_usual_networks_compile_nothing_after_warmup(in_both_dtypes, name, dtype):
    config = run_config_from_mapping({**USUAL[name], "training": {"dtype": dtype}})
    programs = [lower(config, (28, 28), 10, rows, nonzero_share=0.19) for rows in (32, 64, 128)]
    lists = [ops for program in programs for ops in program.training.values()]
    lists += [program.loss for program in programs] + [program.augment for program in programs]
    evaluation = evaluation_programs(config, (28, 28), 10)
    lists += [*evaluation.lists.values(), evaluation.plain.deltas]
    kind = np.dtype(dtype)
    needed = {one for ops in lists for op in ops for one in op.functions(kind)}
    assert len(needed) > 5
    assert needed - in_both_dtypes == set()


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
