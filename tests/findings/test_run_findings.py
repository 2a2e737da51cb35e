"""What a run says: each finding where it is true, and none where it is not."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mnistlab.config import run_config_from_mapping
from mnistlab.findings.run import blown_up, chance, dead_units, overfitting, still_falling
from mnistlab.store.metrics import LayerRow, MetricsRow, StepRow
from mnistlab.store.predictions import Predictions
from mnistlab.store.status import Status

ROWS = [
    MetricsRow(e, 10 * e, lr=0.1, train_loss=1 / e, val_loss=0.5 + abs(e - 4) / 10)
    for e in range(1, 9)
]


DATASET = SimpleNamespace(images=SimpleNamespace(train=300))


def run(**values: Any) -> Any:
    """A finished run with these artefacts and a training section."""
    training = values.pop("training", {"epochs": 8})
    keys = {"training": training, "optimizer": {"lr": 0.1}, "data": values.pop("data", {})}
    config = run_config_from_mapping(keys)
    layers = [
        SimpleNamespace(name="dense1", kind="dense"),
        SimpleNamespace(name=values.pop("activation", "relu"), kind="activation"),
    ]
    made = {
        "config": config,
        "record": SimpleNamespace(status=Status.FINISHED),
        "facts": SimpleNamespace(layers=layers, dataset=DATASET),
        "metrics": ROWS,
        "layers": [],
        "class_names": list("0123456789"),
        "part": "test",
        **values,
    }
    return SimpleNamespace(**made)


def found(module: Any, of: Any) -> list[str]:
    return list(module.FINDING.find(of))


def test_a_validation_loss_that_rises_while_training_falls_is_overfitting_from_the_next_epoch():
    (text,) = found(overfitting, run())
    assert text.startswith(
        "The network overfits from epoch 5: the validation loss is lowest at epoch 4, 0.5000, and "
        "ends at 0.9000, while the training loss falls from 0.2500 to 0.1250."
    )


@pytest.mark.parametrize(
    "rows",
    [
        ROWS[:4],  # still falling
        [replace(row, train_loss=float(row.epoch)) for row in ROWS],  # training worsens, too
        [replace(row, val_loss=None) for row in ROWS],
        [*ROWS[:4], *(replace(row, val_loss=0.51) for row in ROWS[4:])],  # by less than noise
    ],
)
def test_no_overfitting_is_found_where_there_is_none(rows):
    assert found(overfitting, run(metrics=rows)) == []


def test_with_early_stopping_overfitting_is_not_reported():
    early = {"epochs": 8, "early_stopping": {"monitor": "val_loss", "mode": "min"}}
    assert found(overfitting, run(training=early)) == []


def test_a_loss_that_still_falls_at_a_full_rate_is_reported():
    rows = [replace(row, val_loss=0.9**row.epoch) for row in ROWS]
    (text,) = found(still_falling, run(metrics=rows))
    assert text == (
        "The validation loss still falls at the end: in the last 20 steps from 0.5314 to 0.4305. "
        "Try a larger optimizer.lr (now 0.1), or more training.epochs."
    )
    slow = [replace(row, val_loss=2.4 - 0.02 * row.epoch) for row in ROWS]
    assert "from 2.2800 to 2.2400" in found(still_falling, run(metrics=slow))[0]
    # A schedule that has run out its rate, a loss that stands, one that fell only once.
    annealed = [replace(row, lr=0.1 / row.epoch**2) for row in rows]
    flat = [replace(row, val_loss=0.5) for row in rows]
    settling = [replace(row, val_loss=1 + 0.6**row.epoch) for row in rows]
    once = [*flat[:-1], replace(flat[-1], val_loss=0.3)]
    for other in (annealed, flat, settling, once, rows[:2]):
        assert found(still_falling, run(metrics=other)) == []


HARDLY_LEARNED = [
    MetricsRow(e, 10 * e, lr=0.1, train_loss=2.31 - 0.01 * e, val_loss=2.295 - 0.01 * e)
    for e in range(1, 4)
]


@pytest.mark.parametrize("rows", [HARDLY_LEARNED, HARDLY_LEARNED[:1]])
def test_a_rate_that_is_too_low_is_reported_with_its_direction_also_after_one_epoch(rows):
    annealed = [replace(row, lr=0.1 / row.epoch**2) for row in rows]
    (text,) = found(still_falling, run(metrics=annealed))
    assert text == (
        "The learning rate is too low, or the run too short: the validation loss still falls, but "
        f"is {rows[-1].val_loss:.4f} after {rows[-1].step} steps; guessing gives 2.3026. Try a "
        "larger optimizer.lr (now 0.1), ten or a hundred times as large, or more training.epochs."
    )


@pytest.mark.parametrize(
    ("rows", "values"),
    [
        ([*HARDLY_LEARNED, replace(HARDLY_LEARNED[-1], val_loss=2.4)], {}),  # it rises
        ([replace(row, val_loss=0.9 - row.epoch / 100) for row in HARDLY_LEARNED], {}),
        ([replace(row, val_loss=9.0 - row.epoch, train_loss=9.0) for row in HARDLY_LEARNED], {}),
        (HARDLY_LEARNED, {"layers": [LayerRow(1, "dense1", inactive_share=0.9)]}),
        (HARDLY_LEARNED, {"layers": [LayerRow(1, "dense1", 0.0, 0.05, update_mean=0.01)]}),
        (HARDLY_LEARNED, {"data": {"label_noise": 0.5}}),
    ],
)
def test_a_rate_is_not_called_too_low_where_the_loss_has_another_reason(rows, values):
    assert not any("too low" in text for text in found(still_falling, run(metrics=rows, **values)))


@pytest.mark.parametrize(
    ("rows", "layers", "advice"),
    [
        (HARDLY_LEARNED, [], ""),  # the finding of a rate that is too low says what to do
        (ROWS, [], " Try another optimizer.lr (now 0.1)."),
        (
            ROWS,
            [LayerRow(1, "dense1", inactive_share=0.9)],
            " Try a smaller optimizer.lr (now 0.1).",
        ),
        (
            ROWS,
            [LayerRow(1, "dense1", 0.0, 0.1, update_mean=0.02)],
            " Try a smaller optimizer.lr (now 0.1).",
        ),
    ],
)
def test_at_chance_level_the_advice_has_a_direction_where_the_run_shows_it(rows, layers, advice):
    at_chance = predictions(np.full(1000, 3))
    (text,) = found(chance, run(metrics=rows, layers=layers, predictions=at_chance))
    assert text.endswith(f"It predicts 3 for 100.00% of them.{advice}")


def predictions(predicted: np.ndarray) -> Predictions:
    labels = np.repeat(np.arange(10), 100)
    return Predictions(labels, predicted, np.full(1000, 0.3))


def test_a_network_at_chance_level_is_reported_with_its_predicted_class():
    (text,) = found(chance, run(predictions=predictions(np.full(1000, 3))))
    assert "classifies 10.00% of the test images correctly" in text
    assert "It predicts 3 for 100.00% of them." in text
    learned = np.where(np.arange(1000) % 4 == 0, np.repeat(np.arange(10), 100), 3)
    assert found(chance, run(predictions=predictions(learned))) == []
    diverged = SimpleNamespace(status=Status.DIVERGED)
    assert found(chance, run(predictions=predictions(np.full(1000, 3)), record=diverged)) == []


@pytest.mark.parametrize(
    ("activation", "said"),
    [
        ("relu", "units of dense1 look dead: each gives the same output for all of the first 300 "),
        ("tanh2", "are saturated"),
    ],
)
def test_dead_and_saturated_units_of_the_last_epoch_are_reported(activation, said):
    layers = [LayerRow(1, "dense1", inactive_share=0.9), LayerRow(2, "dense1", inactive_share=0.35)]
    (text,) = found(dead_units, run(layers=layers, activation=activation))
    assert text.startswith("35.00% of the ")
    assert said in text
    alive = [LayerRow(1, "dense1", inactive_share=0.9), LayerRow(2, "dense1", inactive_share=0.1)]
    assert found(dead_units, run(layers=alive)) == []


def test_the_update_that_made_a_run_diverge_is_reported():
    steps = [StepRow(1, "dense1", 1.0, 0.5), StepRow(2, "dense1", 9.0, 40.0)]
    (text,) = found(blown_up, run(last_steps=steps))
    assert text.startswith("The run blew up in step 2: there the update of dense1 was 40 times")
    assert found(blown_up, run(last_steps=[])) == []
