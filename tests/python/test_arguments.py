"""Arguments of another type are refused with their name, not by an error from inside."""

import numpy as np
import pytest
from library_helpers import TINY

import mnistlab


def set_note(run, value):
    run.note = value


def set_tags(run, value):
    run.tags = value


OF_A_RUN = {
    "note: found 5, must be a text": lambda run: set_note(run, 5),
    r"note: found \['a'\], must be a text": lambda run: set_note(run, ["a"]),
    "tags: found None, must be a text, or several": lambda run: set_tags(run, None),
    "tags: found 5, must be a text$": lambda run: set_tags(run, [5]),
    "only: found 5, must be a text, or several": lambda run: run.visualize(5),
    "only: found 7, must be a text$": lambda run: run.visualize(["weights", 7]),
    "name: found None, must be a text": lambda run: run.figure(None),
    r"name: found \['weights'\], must be a text": lambda run: run.figure(["weights"]),
    "name: found 5, must be a text": lambda run: mnistlab.mv(run, 5),
    "where: found 5, must be a text": lambda run: mnistlab.compare(run, where=5),
    "sort: found 5, must be a text": lambda run: mnistlab.compare(run, sort=5),
    "group_by: found 5, must be a text": lambda run: mnistlab.compare(run, group_by=5),
    "group_by: found 6, must be a text": lambda run: mnistlab.compare(run, group_by=[6]),
    "metric: found 5, must be a text": lambda run: mnistlab.compare(run, metric=[5]),
    "tag: found None, must be a text": lambda run: mnistlab.runs(run, tag=None),
    "sort: found 6, must be a text": lambda run: mnistlab.runs(run, sort=6),
    "overrides: found 5, must be a mapping": lambda run: mnistlab.resume(run, 5),
}


@pytest.mark.parametrize("message", OF_A_RUN)
def test_an_argument_of_a_run_is_named(trained, message):
    with pytest.raises(TypeError, match=message):
        OF_A_RUN[message](trained)
    assert trained.note is None
    assert trained.tags == ()


def test_no_figure_is_not_all_figures(trained):
    with pytest.raises(mnistlab.UsageError, match=r"^only: names no figure"):
        trained.visualize([])


OTHERS = {
    "paths: found 5, must be a path, or several": lambda: mnistlab.compare(5),
    "paths: found 6, must be a path, or several": lambda: mnistlab.rm(6),
    r"name: found \['digits'\], must be a text": lambda: mnistlab.load_dataset(["digits"]),
    "overrides: found 'a=1', must be a mapping": lambda: mnistlab.train(TINY, "a=1"),
    "overrides: a key: found 5, must be a text": lambda: mnistlab.check(TINY, {5: 1}),
    "config: found 5, must be a YAML file's path": lambda: mnistlab.sweep(5),
    "config: found 6, must be a YAML file's path": lambda: mnistlab.sweep(6, {"seed": [1]}),
    "callbacks: found None, must be a list": lambda: mnistlab.train(TINY, callbacks=None),
}


@pytest.mark.parametrize("message", OTHERS)
def test_an_argument_is_named_before_there_is_a_folder(home, message):
    with pytest.raises(TypeError, match=message):
        OTHERS[message]()
    assert not (home / "runs").exists()


@pytest.mark.parametrize("wrong", [0, -1, "auto", "2", 1.5, True])
def test_what_is_no_count_is_refused_before_there_is_a_folder(home, wrong):
    with pytest.raises(mnistlab.UsageError, match=r"^workers: found .*, must be a whole number"):
        mnistlab.sweep(TINY, {"seed": [1]}, workers=wrong)
    with pytest.raises(mnistlab.UsageError, match=r"^seeds: found .*, must be a whole number"):
        mnistlab.lr_find(TINY, seeds=wrong)
    assert not (home / "runs").exists()


@pytest.mark.parametrize("weights", [5, None, ["best"]])
def test_what_are_no_weights_is_refused(trained, weights):
    with pytest.raises(ValueError, match=r"weights: found .*, must be final, best or epoch-N"):
        trained.model(weights)


def test_what_are_no_numbers_is_refused_as_images(trained):
    with pytest.raises(ValueError, match="images: found a text; predict_files takes"):
        trained.predict("seven.png")
    for kind in (object, complex, "datetime64[D]"):
        with pytest.raises(ValueError, match="must be numbers from 0 to 255"):
            trained.predict(np.zeros((1, 28, 28), int).astype(kind))


def test_values_that_extend_a_sweep_or_a_run_may_be_numpys(home):
    silent = {"quiet": True, "plots": False}
    sweep = mnistlab.sweep(TINY, {"optimizer.lr": [0.1]}, **silent)
    more = mnistlab.resume(sweep, {"optimizer.lr": np.array([0.25, 0.5])}, **silent)
    assert sorted(more.trials["optimizer.lr"]) == [0.1, 0.25, 0.5]
    run = mnistlab.train(TINY, **silent)
    mnistlab.resume(run, {"training.epochs": np.int64(9)}, **silent)
    assert run.metrics["epoch"].max() == 9
