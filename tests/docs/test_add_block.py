"""docs/add-activation.md and docs/add-optimizer.md, applied to a copy of mnistlab.

Each adds one file to the package, and changes nothing else.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from docs_helpers import REPOSITORY, blocks, commands, generated, patched, text_of

from mnistlab.blocks.activations import ELEMENTWISE
from mnistlab.blocks.section import BareSection

ACTIVATION, OPTIMIZER = text_of("add-activation.md"), text_of("add-optimizer.md")
# The fast kernels do not know a new block, and take longest to compile.
PLAIN = "training.kernels=plain"
# Interpreted, which needs no compilation, a step takes a thousand times as long.
SMALL = {
    "train": [
        "data.train_limit=200",
        "training.epochs=12",
        "training.test=never",
        "model.hidden=[8]",
        PLAIN,
        "--no-plots",
    ],
    "check": ["model.hidden=[1]"],
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the sources with both new files in it."""
    root = tmp_path_factory.mktemp("copy")
    for folder in ("mnistlab", "configs", "tests/blocks"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / folder, root / folder, ignore=ignored)
    for name in ("pyproject.toml", "tests/conftest.py", "tests/kernel_helpers.py"):
        shutil.copy(REPOSITORY / name, root / name)
    for page, file in ((ACTIVATION, "activations/swish.py"), (OPTIMIZER, "optimizers/adamax.py")):
        assert f"`mnistlab/blocks/{file}`" in page
        (code,) = blocks(page, "python")
        (root / "mnistlab" / "blocks" / file).write_text(code, encoding="utf-8")
    equation = root / "tests/blocks/test_activations.py"
    (line,) = blocks(ACTIVATION, "diff")
    equation.write_text(patched(equation.read_text(encoding="utf-8"), line), encoding="utf-8")
    return root


def run(copy: Path, *command: str, compiled: bool = False) -> subprocess.CompletedProcess:
    environment = {
        **os.environ,
        "PYTHONPATH": str(copy),
        "PYTEST_ADDOPTS": "",
        "NUMBA_DISABLE_JIT": str(int(not compiled)),
        "MNISTLAB_CACHE_DIR": str(copy / "cache"),
        "MNISTLAB_RUNS_DIR": str(copy / "runs"),
    }
    return subprocess.run(
        [sys.executable, *command], cwd=copy, env=environment, capture_output=True, text=True
    )


@pytest.mark.long
@pytest.mark.parametrize(
    ("page", "accuracy"), [(ACTIVATION, 0.6), (OPTIMIZER, 0.4)], ids=["activation", "optimizer"]
)
def test_the_page_s_commands_train_and_check(copy, page, accuracy):
    for kind, *words in commands(page, "mnistlab"):
        done = run(copy, "-m", "mnistlab", kind, *words, *SMALL[kind], "--json")
        assert done.returncode == 0, done.stderr
        result = json.loads(done.stdout)
        if kind == "train":
            assert result["status"] == "finished"
            assert result["metrics"]["train_accuracy"] > accuracy


@pytest.mark.slow
def test_compiled_the_activation_learns_and_is_exported_right(copy):
    done = run(
        copy, "-m", "mnistlab", "train", "configs/quickstart.yaml",
        "optimizer={type: adamax, lr: 0.02}",
        "model.activation={type: swish, beta: 1.5}", PLAIN, "--no-plots", "--json",
        compiled=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["metrics"]["val_accuracy"] > 0.9
    for format in ("onnx", "safetensors"):
        # The export compares ONNX's outputs with the network's own.
        done = run(copy, "-m", "mnistlab", "export", result["run_dir"], "--format", format)
        assert done.returncode == 0, done.stderr
    assert "Swish(1.5)" in done.stdout


@pytest.mark.long
def test_the_page_s_equation_is_that_of_its_functions(copy):
    file = "tests/blocks/test_activations.py"
    # Interpreted, numpy warns where compiled code continues with infinity.
    lenient = ["-W", "ignore:overflow:RuntimeWarning"]
    done = run(copy, "-m", "pytest", "-q", "-k", "swish", *lenient, file)
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout


UPDATE = """
import numpy as np
from mnistlab.blocks.optimizers.adamax import adamax_update

rng = np.random.default_rng(0)
W, m, u = rng.standard_normal(20), np.zeros(20), np.zeros(20)
expected, so_far = W.copy(), []
for t in range(1, 6):
    so_far.append(rng.standard_normal(20))
    adamax_update(W, so_far[-1], m, u, 0.1, 0.9, 0.99, 1e-8, t)
    mean = sum(0.1 * 0.9 ** (t - i) * g for i, g in enumerate(so_far, 1))
    largest = np.max([0.99 ** (t - i) * (abs(g) + 1e-8) for i, g in enumerate(so_far, 1)], axis=0)
    expected -= 0.1 / (1 - 0.9**t) * mean / largest
np.testing.assert_allclose(W, expected, rtol=1e-13)
"""


def test_the_page_s_update_is_its_equation(copy):
    done = run(copy, "-c", UPDATE)
    assert done.returncode == 0, done.stderr


def test_a_misspelt_activation_is_answered_with_the_new_name(copy):
    done = run(
        copy, "-m", "mnistlab", "check", "configs/quickstart.yaml", "model.activation=swisch"
    )
    assert done.returncode == 2
    assert "did you mean 'swish'?" in done.stderr


def test_the_schema_has_both(copy):
    done = run(copy, "-m", "mnistlab", "schema", "run")
    definitions = json.loads(done.stdout)["$defs"]
    assert {"Swish", "AdaMax"} <= definitions.keys()


def test_what_the_page_says_of_sections_without_parameters_holds():
    assert "`BareSection`" in ACTIVATION
    for block in ELEMENTWISE.blocks.values():
        assert issubclass(block, BareSection) == (not block.parameter_names)
        assert np.isfinite(block().parameters).all()


@pytest.mark.parametrize(
    ("page", "key", "name"),
    [
        (ACTIVATION, "model.activation.type", "swish"),
        (OPTIMIZER, "optimizer.type", "adamax"),
    ],
)
def test_the_page_s_last_command_puts_the_block_into_completion_and_the_reference(
    copy, page, key, name
):
    keys, reference = generated(copy, page)
    assert name in keys["run"][key]
    assert f"| `{name}` |" in reference
