"""Machine code is made of what runs, not of what is inlined into it."""

import numpy as np
import pytest
from numba.core.codegen import JITCPUCodegen

from mnistlab.runtime.compiler import generic_kernel, kernel_cache_dir
from mnistlab.runtime.kernel import kernel


@generic_kernel
def scaled(values, by):
    for i in range(values.size):
        values[i] *= by


@kernel
def add_first(values):
    for i in range(values.size):
        values[i] += values[0]


@kernel
def outer(values):
    scaled(values, 3)
    if values.size > 1:
        add_first(values[1:])


@pytest.fixture
def modules(monkeypatch, tmp_path):
    """The names of the modules that become machine code, in a new cache."""
    found = []
    real = JITCPUCodegen._add_module

    def add(self, module):
        found.append(module.name)
        return real(self, module)

    monkeypatch.setattr(JITCPUCodegen, "_add_module", add)
    monkeypatch.setenv("MNISTLAB_CACHE_DIR", str(tmp_path))
    kernel_cache_dir.cache_clear()
    yield found
    kernel_cache_dir.cache_clear()


def test_an_inlined_kernel_has_no_machine_code_of_its_own(modules):
    values = np.array([1.0, 2.0, 3.0])
    outer(values)
    assert values.tolist() == [3.0, 12.0, 21.0]
    assert len([name for name in modules if "outer" in name]) == 1
    assert not [name for name in modules if "scaled" in name or "add_first" in name]
    assert "inlined" not in modules


def test_an_inlined_kernel_can_also_be_called(modules):
    outer(np.array([1.0, 2.0]))
    values = np.array([5.0, 6.0])
    add_first(values)
    assert values.tolist() == [10.0, 16.0]
    assert len([name for name in modules if "add_first" in name]) == 1


@kernel
def stepped(values, step):
    for i in range(0, values.size, step):
        values[i] = 0


@kernel
def stepped_by(values, step):
    stepped(values, step)


def test_an_error_in_an_inlined_kernel_reaches_python(modules):
    with pytest.raises(ValueError, match="arg 3 must not be zero"):
        stepped_by(np.ones(3), 0)
