"""Early stopping: what an improvement is, and whose metrics are kept."""

import json

import pytest

from mnistlab.config import run_config_from_mapping
from mnistlab.experiment.artefacts import Artefacts
from mnistlab.experiment.best import BestSoFar
from mnistlab.experiment.run_facts import metrics_of
from mnistlab.python.commands.check import check
from mnistlab.python.commands.evaluate import evaluate
from mnistlab.store.metrics import MetricsRow, read_metrics
from mnistlab.store.run_dir import RunDir
from mnistlab.support.errors import ConfigError, UsageError
from mnistlab.sweeps.trials import Datasets, check_all
from tools.short_runs import resume, train

# Losses rise after a few epochs: the best weights are not the last.
OVERSHOOTING = {
    "optimizer": {"type": "sgd", "lr": 2.0},
    "training": {"epochs": 12, "early_stopping": {"monitor": "val_loss", "patience": 3}},
}


def watching(**early_stopping) -> BestSoFar:
    training = {"early_stopping": {"patience": 2, **early_stopping}}
    best = BestSoFar.watching(run_config_from_mapping({"training": training}), True)
    assert best is not None
    return best


def improvements(best: BestSoFar, *rows: tuple[float, float]) -> list[bool]:
    """Which of the rows, (val_accuracy, val_loss) each, are improvements."""
    made = [MetricsRow(n, n, val_accuracy=a, val_loss=loss) for n, (a, loss) in enumerate(rows)]
    return [best.update(row) for row in made]


def overshooting(folder, **training):
    sections = {**OVERSHOOTING, "training": {**OVERSHOOTING["training"], **training}}
    result = train(folder, sections)
    record = json.loads((result.run_dir / "run.json").read_text())
    return result, record, read_metrics(result.run_dir / "metrics.csv")


def test_a_lower_loss_at_equal_accuracy_is_no_improvement_of_the_accuracy():
    best = watching(monitor="val_accuracy")
    assert improvements(best, (1.0, 0.5), (1.0, 0.4), (1.0, 0.3)) == [True, False, False]
    assert best.should_stop


def test_without_early_stopping_the_loss_breaks_ties_of_the_best_accuracy():
    best = BestSoFar.watching(run_config_from_mapping({}), True)
    rows = ((0.9, 0.5), (0.9, 0.4), (0.9, 0.4), (0.8, 0.1), (0.95, 0.9))
    assert improvements(best, *rows) == [True, True, False, False, True]
    assert not best.should_stop


@pytest.mark.parametrize(
    ("monitor", "rows"),
    [
        ("val_loss", ((0, 0.5), (0, 0.25), (0, 0.125), (0, 0.12))),
        ("val_accuracy", ((0.25, 0), (0.5, 0), (0.625, 0), (0.63, 0))),
    ],
)
def test_an_improvement_is_larger_than_min_delta(monitor, rows):
    best = watching(monitor=monitor, min_delta=0.125)
    # 0.125 exactly is none: the distance from the last improvement counts.
    assert improvements(best, *rows) == [True, True, False, True]


def test_a_metric_that_is_not_finite_never_improves():
    best = watching(monitor="val_loss")
    nan = float("nan")
    assert improvements(best, (0, nan), (0, nan), (0, 3.0), (0, nan)) == [True, False, True, False]


@pytest.mark.parametrize("test", ["end", "every"])
def test_the_figures_of_run_json_are_those_of_the_weights_that_are_kept(tmp_path, test):
    result, record, rows = overshooting(tmp_path, test=test)
    assert result.status == "stopped_early"
    kept = record["best"]
    assert kept["step"] < rows[-1].step
    for split, key in (("test", "test"), ("validation", "val")):
        scores = evaluate(result.run_dir, split=split, data_dir=tmp_path / "data")
        assert record["metrics"][f"{key}_loss"] == scores.loss == kept[f"{key}_loss"]
        assert record["metrics"][f"{key}_accuracy"] == scores.accuracy == kept[f"{key}_accuracy"]


def test_no_row_has_the_test_figures_of_another_rows_weights(tmp_path):
    result, record, rows = overshooting(tmp_path)
    assert [row.test_loss for row in rows] == [None] * len(rows)
    # The learning curves show them where those weights were.
    drawn = Artefacts(RunDir(result.run_dir)).evaluations
    tested = {row.step: row.test_loss for row in drawn if row.test_loss is not None}
    assert tested == {record["best"]["step"]: record["metrics"]["test_loss"]}


def test_a_share_of_no_validation_image_is_refused_where_early_stopping_watches_them(tmp_path):
    """Otherwise the first weights would be kept as the best."""
    sections = {"data": {"validation": 0.0001}, "training": OVERSHOOTING["training"]}
    with pytest.raises(UsageError, match=r"monitor: val_loss is never measured.*0\.0001 leaves"):
        train(tmp_path, sections)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    "training",
    [{"early_stopping": {"monitor": "val_loss"}}, {"drop_last": True, "batch_size": 5000}],
)
def test_a_sweep_and_a_check_refuse_what_a_run_refuses(tmp_path, training):
    mapping = {
        "data": {"source": "digits", "validation": 0.0001},
        "model": {"type": "softmax"},
        "training": training,
    }
    config = run_config_from_mapping(mapping)
    with pytest.raises(UsageError, match=r"never measured|no batch would be left"):
        check(config, data_dir=tmp_path / "data")
    with pytest.raises(ConfigError, match=r"never measured|no batch would be left"):
        check_all([config], Datasets(tmp_path / "data"), ["train_loss"])


def test_the_last_row_is_tested_where_its_weights_are_kept(tmp_path):
    _, record, rows = overshooting(tmp_path, epochs=1)
    assert rows[-1].test_loss == record["metrics"]["test_loss"] is not None
    assert record["best"]["step"] == rows[-1].step


def test_tested_at_every_evaluation_the_last_row_is_of_the_last_weights(tmp_path):
    _, record, rows = overshooting(tmp_path / "stopped", test="every")
    longer = train(
        tmp_path / "whole",
        {"optimizer": OVERSHOOTING["optimizer"], "training": {"epochs": 12, "test": "every"}},
    )
    whole = read_metrics(longer.run_dir / "metrics.csv")
    assert [row.test_loss for row in rows] == [row.test_loss for row in whole[: len(rows)]]
    assert record["metrics"]["test_loss"] != rows[-1].test_loss


def test_a_run_that_diverged_has_the_metrics_of_its_last_row_with_early_stopping_too(tmp_path):
    training = {"early_stopping": {"patience": 3}}
    result = train(tmp_path, {"optimizer": {"type": "sgd", "lr": 1e30}, "training": training})
    assert result.status == "diverged"
    assert result.metrics["val_loss"] is None
    assert resume(result.run_dir).metrics["val_loss"] is None


def test_test_figures_that_an_earlier_version_put_in_the_last_row_are_found():
    kept, last = MetricsRow(1, 5, val_loss=0.5), MetricsRow(3, 15, val_loss=0.9, test_loss=0.6)
    found = metrics_of(kept, last)
    assert (found["val_loss"], found["test_loss"]) == (0.5, 0.6)
