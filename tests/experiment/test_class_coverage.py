"""The warnings about classes that a run's parts lack."""

import logging

import numpy as np
import pytest

from mnistlab.config import parse_run_config
from mnistlab.data.arrays import Arrays
from mnistlab.data.source import Source
from mnistlab.data.splits import split
from mnistlab.experiment.class_coverage import class_warnings
from tools.short_runs import StopAt, fingerprint, resume, train

TEN = np.repeat(np.arange(10), 100)


def told(train_labels, test_labels=range(10), data="{}"):
    """The warnings for a source with these labels, split by the keys of `data`."""
    arrays = []
    for labels in (train_labels, test_labels):
        labels = np.array(labels, np.uint8)
        arrays += [np.zeros((len(labels), 1, 1), np.uint8), labels]
    names = tuple(map(str, range(1 + max(arrays[1].max(), arrays[3].max()))))
    source = Source("toy", *Arrays(*arrays), class_names=names, sha256="0" * 64)
    text = f"data:\n  source: csv\n  path: own\n  {data}\n".replace("  {}\n", "")
    config = parse_run_config(text, "own.yaml")
    keys = config.data
    dataset = split(
        source,
        validation=keys.validation_images,
        choose=keys.validation_choice,
        train_limit=keys.train_limit,
        per_class_limit=keys.per_class_limit,
        classes=keys.classes,
        label_noise=keys.label_noise,
        shuffle_labels=keys.shuffle_labels,
        seed=config.seed,
    )
    return class_warnings(config, dataset)


def test_there_is_no_warning_if_every_part_has_every_class():
    assert told(np.tile(np.arange(10), 100), data="validation: 0.2") == []


def test_a_validation_off_the_end_of_sorted_data_names_the_classes_in_one_line():
    assert told(TEN, data="validation: 0.2") == [
        "own.yaml:4:15: data.validation: its 200 images hold none of classes 0, 1, 2, 3, 4, 5, 6, "
        "7; all of classes 8, 9: its metrics are unreliable; "
        "set it to {images: 0.2, choose: stratified}"
    ]


def test_a_class_with_few_validation_images_is_named():
    (line,) = told([0] * 500 + [1] * 500 + [0] * 99 + [1], [0, 1], "validation: 100")
    assert "images hold few of class 1: its" in line


@pytest.mark.parametrize("choose", ["random", "stratified"])
def test_a_drawn_validation_of_sorted_data_lacks_no_class(choose):
    assert told(TEN, data=f"validation: {{images: 0.2, choose: {choose}}}") == []


def test_a_limit_that_leaves_classes_unseen_is_named():
    assert told(TEN, data="validation: 0\n  train_limit: 250") == [
        "own.yaml:5:16: data.train_limit: the first 250 training images hold none of classes 3, 4, "
        "5, 6, 7, 8, 9; raise it, or limit each class by data.per_class_limit"
    ]


def test_a_class_that_only_the_test_set_has_is_named():
    assert told(np.tile([0, 1], 50), [0, 1, 3]) == [
        "own.yaml:3:9: data.path: only the test images hold class 3; the network is never trained "
        "on what it is tested on there"
    ]


def test_a_class_that_the_test_set_lacks_is_named():
    assert told(np.tile([0, 1, 2], 50), [0, 2]) == [
        "own.yaml:3:9: data.path: no test image is of class 1, so the test metrics do not cover "
        "them"
    ]


def test_only_the_classes_that_are_kept_count():
    assert told(np.tile(np.arange(10), 20), [1, 9], "classes: [1, 9]") == []


def test_of_many_classes_some_are_named_and_the_others_counted():
    (line,) = told(np.tile(np.arange(30), 20), [0])
    assert "of classes 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 19 more, so" in line


def test_a_run_warns_once_and_keeps_it_in_its_log(tmp_path, caplog):
    result = train(tmp_path, {"data": {"train_limit": 3}})
    warned = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert len(warned) == 1
    assert "data.train_limit: the first 3 training images hold none of classes 3, 4" in warned[0]
    log = (result.run_dir / "train.log").read_text()
    assert f"WARNING {warned[0]}\n" in log


@pytest.mark.parametrize("choose", ["random", "stratified"])
def test_a_run_with_a_drawn_validation_is_resumed_to_the_same_bits(
    choose,
    tmp_path,
    look_after_every_step,
):
    data = {"data": {"validation": {"images": 0.1, "choose": choose}}}
    whole = train(tmp_path / "whole", data)
    stopped = train(tmp_path / "stopped", data, StopAt(4))
    assert stopped.status == "interrupted"
    assert fingerprint(resume(stopped.run_dir).run_dir) == fingerprint(whole.run_dir)


def test_a_class_whose_last_label_noise_has_changed_is_named():
    """Two classes: noise on all images gives each the other's label."""
    data = "validation: 0\n  label_noise: 1.0"
    assert told([0, 1], [0, 1], data) == []
    (warning,) = told([0, 0, 1], [0, 1], "validation: 0\n  label_noise: 1.0\n  train_limit: 2")[:1]
    assert "data.label_noise: no training image keeps a label of class 0" in warning
