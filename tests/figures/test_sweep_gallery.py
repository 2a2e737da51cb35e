"""Every figure of a sweep in stages, from its folder; and the effect of a damaged trial."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from figure_helpers import faults

from mnistlab.config.load_sweep import load_sweep
from mnistlab.experiment.model import load_model
from mnistlab.figures.gallery import Drawn, LeftOut
from mnistlab.figures.sweep_figures import sweep_figures
from mnistlab.python.commands.sweep import sweep
from mnistlab.python.commands.visualize import visualize
from mnistlab.store.sweep_dir import SweepDir
from mnistlab.sweeps.sweep_options import SweepOptions
from tools.here_executor import trials_in_this_process

SWEEP = """\
name: stages
run:
  data: {source: digits, train_limit: 100}
  model: {type: softmax}
  training: {epochs: 1}
stages:
  - {name: lr, parameters: {optimizer.lr: [0.1, 1e-6]}}
  - {name: l1, from: lr, parameters: {regularization.l1: [1e-3, 1e-4]}}
refit: [l1]
metric: {name: val_accuracy, goal: maximize}
reference:
  - {stage: lr, parameters: {optimizer.lr: 0.1}, val_accuracy: 0.9}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    home = tmp_path_factory.mktemp("sweep")
    (home / "sweep.yaml").write_text(SWEEP)
    source = load_sweep(home / "sweep.yaml", ())
    options = SweepOptions(data_dir=home / "data")
    with trials_in_this_process():
        return sweep(source, home / "runs", options, plots=False).sweep_dir


def drawn(folder: Path, *only: str) -> dict[str, Drawn | LeftOut]:
    return {one.name: one for one in sweep_figures(SweepDir(folder), only)}


def test_every_stage_and_the_winners_are_drawn_legibly(folder):
    found = drawn(folder)
    of_searches = ("best_so_far", "parallel_coordinates", "importance", "contour")
    by_stage = (
        *("pareto", "metric_by_parameter", "heat_map", "learning_curves", "bars"),
        *of_searches,
    )
    of_stages = [f"{stage}-{name}" for stage in ("lr", "l1") for name in by_stage]
    assert list(found) == [*of_stages, "refit-bars", "models_weights", "models_feature_maps"]
    left_out = {name for name, one in found.items() if isinstance(one, LeftOut)}
    few = {f"{stage}-{name}" for stage in ("lr", "l1") for name in ("pareto", *of_searches)}
    assert left_out == {"lr-heat_map", "l1-heat_map", "models_feature_maps", *few}
    assert all(found[name].error is None for name in left_out)
    for name in ("models_weights", "lr-bars"):
        assert faults(found[name].figure) == []


def test_the_models_are_the_winners_and_those_trained_again(folder):
    with (folder / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    winner = max((r for r in rows if "lr" in r["stage"].split()), key=lambda r: r["val_accuracy"])
    (refit,) = [row for row in rows if "refit:l1" in row["stage"]]
    expected = []
    for row in (winner, refit):
        weight = load_model(folder / row["run_dir"]).tensors["dense1.weight"]
        expected += list(weight.T.reshape(10, 28, 28))
    pictures = drawn(folder, "models_weights")["models_weights"].figure.axes[0].get_images()
    np.testing.assert_array_equal([picture.get_array() for picture in pictures], expected)


def test_a_damaged_trial_is_named_and_spoils_no_other_figure(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy", symlinks=True)
    for weights in copy.glob("trials/*/weights.safetensors"):
        weights.write_bytes(weights.read_bytes()[:100])
    found = drawn(copy)
    damaged = {n for n, one in found.items() if isinstance(one, LeftOut) and one.error is not None}
    assert damaged == {"models_weights", "models_feature_maps"}
    assert "weights.safetensors" in found["models_weights"].why


def test_the_command_draws_a_sweep_as_it_draws_a_run(folder):
    saved = visualize(folder, only=["models_weights", "lr-bars"], format="svg")
    assert set(saved.figures) == {"models_weights", "lr-bars"}
    assert saved.figures["lr-bars"] == folder / "plots" / "lr-bars.svg"
    assert saved.exit_code == 0
