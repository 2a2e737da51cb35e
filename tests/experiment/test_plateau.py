"""A learning rate that falls when a metric is at rest: in the run's rows, and when resumed."""

from itertools import pairwise

import pytest

from mnistlab.config import run_config_from_mapping
from mnistlab.experiment.artefacts import Artefacts
from mnistlab.figures.run_data import rates_by_step
from mnistlab.store.metrics import read_metrics
from mnistlab.store.run_dir import RunDir
from mnistlab.support.errors import ConfigError
from tools.short_runs import train

PLATEAU = {"type": "plateau", "factor": 0.5, "patience": 2, "min_delta": 0.02, "min_lr": 0.03}


def trained(tmp_path, **keys):
    sections = {
        "optimizer": {"lr": 0.4},
        "lr_schedule": {**PLATEAU, **keys},
        "training": {"epochs": 12},
    }
    run = train(tmp_path, sections)
    return run, read_metrics(run.run_dir / "metrics.csv")


@pytest.mark.parametrize("monitor", ["train_loss", "val_loss", "val_accuracy"])
def test_the_rows_have_the_rates_of_pytorch_s_reduce_lr_on_plateau(tmp_path, monitor):
    torch = pytest.importorskip("torch")
    _, rows = trained(tmp_path, monitor=monitor)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.4)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer,
        mode="max" if monitor == "val_accuracy" else "min",
        factor=0.5,
        patience=PLATEAU["patience"] - 1,  # of the rows that it lets pass
        threshold=PLATEAU["min_delta"],
        threshold_mode="abs",
        min_lr=PLATEAU["min_lr"],
        eps=0.0,
    )
    for row in rows:
        assert row.lr == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)
        theirs.step(getattr(row, monitor))
    assert any(after.lr < row.lr for row, after in pairwise(rows))


def test_the_figure_s_rates_fall_right_after_the_row_that_made_them_fall(tmp_path):
    run, rows = trained(tmp_path, monitor="train_loss", min_delta=10.0)
    rates = rates_by_step(Artefacts(RunDir(run.run_dir)))
    assert rates is not None
    found = dict(zip(rates.steps.tolist(), rates.values.tolist(), strict=True))
    falls = [(row, after) for row, after in pairwise(rows) if after.lr != row.lr]
    assert len(falls) >= 3
    for row, after in falls:
        assert found[row.step] == row.lr
        assert found[row.step + 1] == after.lr


def test_a_metric_that_is_never_measured_is_refused_at_its_key():
    with pytest.raises(ConfigError, match=r"lr_schedule\.monitor: val_loss is never measured"):
        run_config_from_mapping(
            {
                "data": {"validation": 0},
                "lr_schedule": {"type": "plateau", "monitor": "val_loss"},
            }
        )
