"""The last steps of a run that diverged: those that it took, one by one."""

import dataclasses
import math

import numpy as np
import pytest
from figure_helpers import faults

from mnistlab.config import run_config_from_mapping
from mnistlab.experiment.artefacts import Artefacts
from mnistlab.experiment.run_options import RunOptions
from mnistlab.figures import style
from mnistlab.figures.gallery import Drawn, run_figures
from mnistlab.figures.run.last_steps import last_steps
from mnistlab.python.commands.train import train
from mnistlab.store.metrics import StepRow, blow_up, read_last_steps, read_metrics
from mnistlab.store.run_dir import RunDir
from mnistlab.store.run_json import read_run_json

DIVERGES = {
    "data": {"source": "digits", "train_limit": 200, "validation": 0.2},
    "model": {
        "type": "mlp",
        "hidden": [16],
        "activation": "identity",
        "output_activation": "identity",
        "dropout": 0.1,
    },
    "loss": {"type": "mse"},
    "optimizer": {"type": "sgd", "lr": 3.0, "momentum": 0.9},
    "training": {"epochs": 20, "batch_size": 32},
}


def trained(folder, **training) -> RunDir:
    mapping = {**DIVERGES, "training": {**DIVERGES["training"], **training}}
    options = RunOptions(data_dir=folder / "data")
    config = run_config_from_mapping(mapping)
    return RunDir(train(config, folder / "runs", options, plots=False).run_dir)


@pytest.fixture(scope="module")
def diverged(tmp_path_factory) -> RunDir:
    return trained(tmp_path_factory.mktemp("diverged"))


def test_the_losses_are_those_of_the_same_steps_taken_one_by_one(diverged, tmp_path):
    by_step = read_metrics(trained(tmp_path, evaluate_every=1, train_metrics="batch").metrics)
    expected = {row.step: row.train_loss for row in by_step}
    rows = read_last_steps(diverged.last_steps)
    found = {row.step: row.loss for row in rows}
    finite = [step for step in found if math.isfinite(found[step])]
    assert len(finite) >= 2
    np.testing.assert_array_equal([found[s] for s in finite], [expected[s] for s in finite])
    record = read_run_json(diverged)
    assert max(found) == record["steps"]
    assert {row.layer for row in rows} == {"dense1", "dense2"}
    assert record["files"]["last_steps.csv"]["bytes"] == diverged.last_steps.stat().st_size


def test_the_update_that_is_as_large_as_its_weights_comes_before_the_end(diverged):
    rows = read_last_steps(diverged.last_steps)
    broke = blow_up(rows)
    assert broke is not None
    assert broke.update >= 1
    assert all(row.update < 1 for row in rows if row.step < broke.step)
    end = min(row.step for row in rows if not math.isfinite(row.loss) or row.update is None)
    assert broke.step <= end


def test_a_run_that_finishes_has_no_such_file(tmp_path):
    mapping = {**DIVERGES, "optimizer": {"lr": 0.01}, "training": {"epochs": 1}}
    config = run_config_from_mapping(mapping)
    result = train(config, tmp_path, RunOptions(data_dir=tmp_path), plots=False)
    assert not RunDir(result.run_dir).last_steps.exists()


def test_the_figure_of_the_divergence_is_drawn_and_no_gallery_of_an_untrained_network(tmp_path):
    mapping = {**DIVERGES, "optimizer": {"lr": 1e6}}
    config = run_config_from_mapping(mapping)
    result = train(config, tmp_path, RunOptions(data_dir=tmp_path), plots=False)
    found = list(run_figures(Artefacts(RunDir(result.run_dir))))
    assert [one.name for one in found if isinstance(one, Drawn)] == ["last_steps"]


def rows(*updates: float) -> list[StepRow]:
    made = [
        StepRow(step, layer, 10.0**step, update / scale)
        for step, update in enumerate(updates, start=7)
        for layer, scale in (("dense1", 1.0), ("dense2", 3.0))
    ]
    return [*made, StepRow(7 + len(updates), "dense1", math.inf, math.nan)]


def test_losses_and_updates_are_drawn_to_the_end_and_the_first_large_update_is_ringed():
    made = rows(1e-3, 0.5, 40.0, 900.0)
    with style.drawing():
        figure = last_steps(made, "run")
    canvas, loss, update = figure.axes
    drawn = {line.get_label(): np.asarray(line.get_xydata()) for line in loss.get_lines()}
    np.testing.assert_allclose(drawn["loss"][:4], [[7, 1e7], [8, 1e8], [9, 1e9], [10, 1e10]])
    assert drawn["diverged"][:, 0].tolist() == [11, 11]
    marks = {line.get_label(): np.asarray(line.get_xydata()) for line in update.get_lines()}
    np.testing.assert_allclose(marks["blow-up"], [[9, 40]])
    note = " ".join(text.get_text() for text in canvas.texts)
    assert "in step 9 the update of dense1 is 40 times as large as its weights" in note
    assert faults(figure) == []


def test_a_divergence_of_which_nothing_is_finite_is_drawn():
    made = [dataclasses.replace(row, loss=math.nan, update=math.inf) for row in rows(1.0)]
    with style.drawing():
        assert faults(last_steps(made, "run")) == []


def test_the_names_of_layers_beside_the_updates_are_whole():
    made = [dataclasses.replace(row, layer=f"batch_norm_{row.layer}") for row in rows(0.1, 0.5)]
    with style.drawing():
        assert faults(last_steps(made, "run")) == []
