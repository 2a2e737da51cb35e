"""docs/add-figure.md: the figure of its example, drawn by its code."""

import importlib.util
from types import SimpleNamespace

import numpy as np
import pytest
from docs_helpers import blocks, commands, text_of

import mnistlab
from mnistlab.experiment.artefacts import Artefacts
from mnistlab.figures import style
from mnistlab.figures.run import RUN_FIGURES
from mnistlab.store.run_dir import open_run
from mnistlab.support.errors import LackingError

PAGE = text_of("add-figure.md")
NAME = "class_accuracy"
CONFIG = {
    "data": {"source": "digits", "train_limit": 300},
    "model": "softmax",
    "training": {"epochs": 2},
}


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """The page's file as a module."""
    assert f"`mnistlab/figures/run/{NAME}.py`" in PAGE
    (code,) = blocks(PAGE, "python")
    file = tmp_path_factory.mktemp("example") / f"{NAME}.py"
    file.write_text(code, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(NAME, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return mnistlab.train(CONFIG, runs_dir=tmp_path_factory.mktemp("runs"), plots=False)


def test_the_bars_are_the_recall_of_each_class(example, run):
    with style.drawing():
        figure = example.FIGURE.draw(Artefacts(open_run(run.path)))
    heights = [bar.get_height() for bar in figure.axes[1].patches]
    recall = [100 * one.recall for one in run.evaluate("test").per_class]
    np.testing.assert_allclose(heights, recall)
    assert style.rendered(figure).startswith(b"\x89PNG")


def test_too_many_classes_for_bars_leave_it_out(example):
    many = SimpleNamespace(class_names=[str(label) for label in range(31)])
    with pytest.raises(LackingError, match="31 classes, too many for bars"):
        example.FIGURE.draw(many)


def test_the_page_s_places_and_command_are_those_of_the_program(example):
    assert RUN_FIGURES["learning_curves"].order == 10
    assert RUN_FIGURES["confusion_matrix"].order == 20
    assert 20 < example.FIGURE.order < min(one.order for one in list(RUN_FIGURES.values())[3:])
    assert commands(PAGE, "mnistlab") == [["visualize", "runs/latest", "--only", NAME]]
