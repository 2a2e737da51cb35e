"""docs/add-activation.md, done to a copy of mnistlab as the page says."""

import importlib.util
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from docs_helpers import REPOSITORY, blocks, patched, text_of

from mnistlab.config import run_config_from_mapping
from mnistlab.config.base import BareSection
from mnistlab.data import open_source, split
from mnistlab.engine.gradcheck import check_gradients
from mnistlab.engine.initializers import initial_params
from mnistlab.engine.trainer import Trainer
from mnistlab.kernels.activations import ACTIVATIONS, Activation

PAGE = text_of("add-activation.md")
FUNCTIONS, SECTION = blocks(PAGE, "python")
NAME, UNION, EQUATION = blocks(PAGE, "diff")
# Interpreted, which spares a compilation, a step takes a thousand times as long.
SMALL = {
    "train": [
        "data.train_limit=200",
        "training.epochs=12",
        "model.hidden=[8]",
        "--no-plots",
    ],
    "check": ["model.hidden=[1]"],
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the sources with the new activation in them."""
    root = tmp_path_factory.mktemp("copy")
    for folder in ("mnistlab", "configs", "tests/kernels"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / folder, root / folder, ignore=ignored)
    for name in ("pyproject.toml", "tests/conftest.py"):
        shutil.copy(REPOSITORY / name, root / name)

    def edit(name, change):
        path = root / name
        path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")

    def above(place, code):
        return lambda text: text.replace(place, f"{code}\n\n{place}", 1)

    edit("mnistlab/kernels/activations.py", above("class Activation(", FUNCTIONS))
    edit("mnistlab/kernels/activations.py", lambda text: patched(text, NAME))
    edit("mnistlab/config/activations.py", above("class SoftmaxActivation(", SECTION))
    edit("mnistlab/config/activations.py", lambda text: patched(text, UNION))
    edit("tests/kernels/test_activations.py", lambda text: patched(text, EQUATION))
    return root


def run(copy: Path, *command: str) -> subprocess.CompletedProcess:
    environment = {
        **os.environ,
        "PYTHONPATH": str(copy),
        "NUMBA_DISABLE_JIT": "1",
        "MNISTLAB_CACHE_DIR": str(copy / "cache"),
        "MNISTLAB_RUNS_DIR": str(copy / "runs"),
    }
    return subprocess.run(
        [sys.executable, *command], cwd=copy, env=environment, capture_output=True, text=True
    )


@pytest.mark.slow
def test_the_page_s_commands_train_and_check(copy):
    commands = blocks(PAGE, "bash")[0].splitlines()
    assert len(commands) == 3
    for command in commands:
        program, *words = shlex.split(command)
        assert program == "mnistlab"
        done = run(copy, "-m", "mnistlab", *words, *SMALL[words[0]], "--json")
        assert done.returncode == 0, done.stderr
        result = json.loads(done.stdout)
        if words[0] == "train":
            assert result["metrics"]["train_accuracy"] > 0.6


@pytest.mark.slow
@pytest.mark.parametrize("format", ["onnx", "safetensors"])
def test_an_export_refuses_it_and_writes_nothing(copy, format):
    trained = run(
        copy, "-m", "mnistlab", "train", "configs/quickstart.yaml", "model.activation=swish",
        *SMALL["train"], "training.epochs=1", "--json",
    )  # fmt: skip
    folder = Path(json.loads(trained.stdout)["run_dir"])
    before = sorted(folder.rglob("*"))
    done = run(copy, "-m", "mnistlab", "export", str(folder), "--format", format)
    assert done.returncode == 2
    assert f"--format {format} knows no activation 'swish': nothing was written" in done.stderr
    assert done.stdout == ""
    assert sorted(folder.rglob("*")) == before


@pytest.mark.slow
def test_the_page_s_equation_is_that_of_its_functions(copy):
    file = "tests/kernels/test_activations.py"
    # Interpreted, numpy warns where compiled code goes on with an infinite number.
    lenient = ["-W", "ignore:overflow:RuntimeWarning"]
    done = run(copy, "-m", "pytest", "-q", "-k", "swish", *lenient, file)
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout


def test_a_misspelt_activation_is_told_the_new_name(copy):
    done = run(
        copy, "-m", "mnistlab", "check", "configs/quickstart.yaml", "model.activation=swisch"
    )
    assert done.returncode == 2
    assert "did you mean 'swish'?" in done.stderr


class Swish(NamedTuple):
    """What the engine asks of an activation's section."""

    type: str = "swish"
    beta: float = 1.5


def test_compiled_it_learns_digits_and_its_gradient_is_right(tmp_path, monkeypatch):
    source = tmp_path / "swish.py"
    imports = (
        "import numpy as np\n"
        "from mnistlab.kernels.exponential import exp\n"
        "from mnistlab.kernels.jit import kernel\n"
    )
    source.write_text(imports + FUNCTIONS, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("swish", source)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "swish", module)
    spec.loader.exec_module(module)
    added = Activation(module.swish_forward, module.swish_backward, "beta")
    monkeypatch.setitem(ACTIVATIONS, "swish", added)

    config = run_config_from_mapping(
        {
            "model": {"type": "mlp", "hidden": [32]},
            "optimizer": {"lr": 0.05, "momentum": 0.9},
            "training": {"epochs": 3},
        }
    )
    model = config.model.model_copy(update={"activation": Swish()})
    config = config.model_copy(update={"model": model})
    digits = split(open_source("digits", data_dir=tmp_path), validation=0.1)
    for tensor in check_gradients(config, digits):
        assert tensor.passed, tensor
    trainer = Trainer(config, digits)
    program = trainer.program
    trainer.params[:] = initial_params(config.init, program.tensors, program.size, 0, np.float32)
    trainer.compile()
    for epoch in range(1, trainer.plan.epochs + 1):
        assert trainer.train_to(epoch * trainer.plan.steps_per_epoch)
    assert trainer.evaluate(digits.validation).accuracy > 0.85


def test_what_the_page_says_of_sections_without_parameters_holds():
    assert "`BareSection`" in PAGE
    for name, rule in ACTIVATIONS.items():
        config = run_config_from_mapping({"model": {"type": "mlp", "activation": name}})
        section = config.model.activation
        assert isinstance(section, BareSection) == (rule.parameter is None)
        assert rule.parameter is None or hasattr(section, rule.parameter)
