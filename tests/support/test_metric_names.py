"""Parts of a dataset and their metrics: one name each, one set of words."""

import csv
import io
from dataclasses import fields
from typing import get_args

from mnistlab.config.training import EarlyStopping, Reference
from mnistlab.store.metrics import METRICS
from mnistlab.support.metric_names import (
    PARTS,
    RUN_METRICS,
    SPLIT_METRICS,
    StatedMetric,
    metric_words,
    part_named,
    part_of,
)
from mnistlab.support.text_format import metric


def test_metrics_csv_has_a_column_for_every_metric_of_a_run():
    columns = next(csv.reader(io.StringIO(METRICS.header)))
    assert [name for name in columns if name in RUN_METRICS] == list(RUN_METRICS)
    assert columns == [column.name for column in fields(METRICS.row_type)]


def test_every_metric_belongs_to_the_part_that_its_words_say():
    assert {part_of(name).loss for name in SPLIT_METRICS} == {part.loss for part in PARTS}
    assert metric_words("val_accuracy") == "validation accuracy"
    assert metric_words("train_objective") == "training loss + penalty"
    assert part_named("validation").images == "validation images"


def test_the_configuration_knows_the_same_metrics():
    monitored = set(get_args(EarlyStopping.model_fields["monitor"].annotation))
    assert monitored == {name for name in SPLIT_METRICS if not name.startswith("test")}
    stated = {name for name in Reference.model_fields if "_" in name}
    assert stated == set(get_args(StatedMetric))


def test_a_metric_is_written_with_its_unit_behind_its_deviation():
    assert metric("test_accuracy", 0.98214) == "98.21%"
    assert metric("test_accuracy", 0.98214, 0.001) == "98.21 ± 0.10%"
    assert metric("val_loss", 0.0612, 0.001) == "0.0612 ± 0.0010"
    assert metric("seconds", 12.34) == "12.3 s"
