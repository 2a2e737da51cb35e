"""What is compiled serves every architecture, and is made again once a source is edited.

That a later process compiles nothing is seen in tests/reliability/test_crowd.py.
"""

import numpy as np
import pytest
from engine_helpers import config_of, toy_dataset

from mnistlab.runtime import compiler
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.table import compile_tables
from mnistlab.training.lower import lower


def test_another_architecture_compiles_nothing():
    """Hyperparameters and shapes are values that compiled code is given."""
    dataset = toy_dataset()

    def tables(hidden, **sections):
        told = []
        config = config_of(model={"hidden": hidden}, **sections)
        program = lower(config, dataset.image_shape, 4, 10)
        compile_tables({**program.training, **program.evaluation}, program.dtype, told.append)
        return told

    tables([5, 6])
    assert tables([7, 6, 5], optimizer={"lr": 0.7}) == []
    assert tables([]) == []


@pytest.mark.parametrize("folder", ["runtime", "blocks"])
def test_the_cache_is_another_once_a_source_is_edited(tmp_path, monkeypatch, folder):
    monkeypatch.setenv("MNISTLAB_CACHE_DIR", str(tmp_path / "cache"))
    package = tmp_path / "mnistlab"
    for name in ("runtime", "blocks"):
        (package / name).mkdir(parents=True)
        (package / name / "maths.py").write_text("x = 1\n")
    monkeypatch.setattr(compiler, "__file__", str(package / "runtime" / "compiler.py"))
    folder_of = compiler.kernel_cache_dir.__wrapped__
    before = folder_of()
    assert before == folder_of()
    assert before.is_relative_to(tmp_path / "cache")
    (package / folder / "maths.py").write_text("x = 2\n")
    assert folder_of() != before


def test_a_compiled_function_keeps_nan_though_compiled_fast():
    @kernel
    def is_number(x):
        return x == x

    assert not is_number(np.nan)
    assert is_number(1.0)
