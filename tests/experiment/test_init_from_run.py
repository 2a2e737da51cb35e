"""`init: {type: run}`: training starts from the weights of another run."""

import shutil

import numpy as np
import pytest

from mnistlab.config import load_run_config
from mnistlab.experiment.artefacts import Artefacts
from mnistlab.store.run_dir import RunDir
from mnistlab.support.errors import ConfigError, UsageError
from mnistlab.support.tensor_file import load_tensors
from tools.short_runs import StopAt, fingerprint, resume, train

# The best weights are not the last.
FIRST = {"optimizer": {"type": "sgd", "lr": 2.0}, "training": {"epochs": 8}}


def weights_at_the_start(run_dir):
    return Artefacts(RunDir(run_dir)).initial_tensors


@pytest.mark.parametrize(
    ("weights", "file"),
    [({}, "weights.safetensors"), ({"weights": "best"}, "checkpoints/best.safetensors")],
)
def test_training_starts_from_the_weights_of_the_run(tmp_path, weights, file):
    first = train(tmp_path, FIRST).run_dir
    result = train(tmp_path, {"init": {"type": "run", "path": str(first), **weights}})
    stored = load_tensors(first / file)[0]
    start = weights_at_the_start(result.run_dir)
    assert start.keys() == stored.keys()
    for name, tensor in stored.items():
        np.testing.assert_array_equal(start[name], tensor)


def test_one_layer_alone_may_start_from_a_run(tmp_path):
    first = train(tmp_path, FIRST).run_dir
    layers = {"dense1": {"type": "run", "path": str(first)}}
    result = train(tmp_path, {"init": {"type": "zeros", "layers": layers}})
    start = weights_at_the_start(result.run_dir)
    stored = load_tensors(first / "weights.safetensors")[0]
    np.testing.assert_array_equal(start["dense1.weight"], stored["dense1.weight"])
    np.testing.assert_array_equal(start["dense1.bias"], stored["dense1.bias"])
    assert not start["dense2.weight"].any()


@pytest.mark.usefixtures("look_after_every_step")
def test_it_is_resumed_without_the_run_that_it_started_from(tmp_path):
    first = train(tmp_path, FIRST).run_dir
    init = {"init": {"type": "run", "path": str(first)}}
    wanted = fingerprint(train(tmp_path, init).run_dir)
    stopped = train(tmp_path, init, StopAt(7)).run_dir
    shutil.rmtree(first)
    resume(stopped)
    assert fingerprint(stopped) == wanted


def test_all_shapes_that_do_not_fit_are_named(tmp_path):
    first = train(tmp_path, FIRST).run_dir
    with pytest.raises(UsageError) as caught:
        train(
            tmp_path,
            {"init": {"type": "run", "path": str(first)}, "model": {"hidden": [5, 4]}},
        )
    file = first / "weights.safetensors"
    assert [message.removeprefix("configuration: ") for message in caught.value.messages] == [
        f"init.path: {file}: dense1.weight has shape (784, 6), expected (784, 5)",
        f"init.path: {file}: dense1.bias has shape (6,), expected (5,)",
        f"init.path: {file}: dense2.weight has shape (6, 10), expected (5, 4)",
        f"init.path: {file}: dense2.bias has shape (10,), expected (4,)",
        f"init.path: {file}: no tensor dense3.weight; it holds dense1.bias, dense1.weight, "
        "dense2.bias, dense2.weight",
        f"init.path: {file}: no tensor dense3.bias; it holds dense1.bias, dense1.weight, "
        "dense2.bias, dense2.weight",
    ]


def test_a_run_without_the_weights_is_refused_with_those_that_it_has(tmp_path):
    first = train(tmp_path, {"data": {"validation": 0}}).run_dir
    for weights in ("best", "epoch-2"):
        init = {"type": "run", "path": str(first), "weights": weights}
        with pytest.raises(UsageError) as caught:
            train(tmp_path, {"init": init})
        said = f"init.path: {first}: has no {weights} weights; it has final"
        assert str(caught.value).removeprefix("configuration: ") == said
    shutil.rmtree(first)
    with pytest.raises(UsageError, match="no such run folder"):
        train(tmp_path, {"init": {"type": "run", "path": str(first)}})


@pytest.mark.usefixtures("look_after_every_step")
def test_a_run_that_has_not_ended_has_no_final_weights(tmp_path):
    stopped = train(tmp_path, {"data": {"validation": 0}}, StopAt(3)).run_dir
    with pytest.raises(UsageError, match="it may not have ended"):
        train(tmp_path, {"init": {"type": "run", "path": str(stopped)}})


def test_the_path_is_relative_to_the_file_and_a_link_is_followed(tmp_path):
    (tmp_path / "runs" / "a").mkdir(parents=True)
    (tmp_path / "runs" / "latest").symlink_to("a")
    path = tmp_path / "run.yaml"
    path.write_text("init: {type: run, path: runs/latest, weights: epoch-3}")
    init = load_run_config(path).init
    assert (init.path, init.weights) == (tmp_path / "runs" / "a", "epoch-3")


@pytest.mark.parametrize("weights", ["last", "epoch-0", "epoch-", "3", "[final]"])
def test_weights_that_no_run_has_are_refused(tmp_path, weights):
    path = tmp_path / "run.yaml"
    path.write_text(f"init: {{type: run, path: a, weights: {weights}}}")
    with pytest.raises(ConfigError, match=r"run.yaml:1:\d+: init.weights: found .*, must be final"):
        load_run_config(path)
