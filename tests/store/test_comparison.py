import json
import time

import pytest
from browse_helpers import make_run, make_sweep

from mnistlab.store.browse.comparison import compare
from mnistlab.store.browse.groups import grouped
from mnistlab.store.browse.values import flattened
from mnistlab.support.errors import UsageError
from mnistlab.support.expressions import parsed


def lines(comparison):
    """Each run's name with its differing keys."""
    return {one.run.path.name: one.parameters for one in comparison.runs}


def test_only_the_keys_that_differ_are_listed(tmp_path):
    make_run(tmp_path / "a", {"optimizer": {"lr": 0.1}, "seed": 3})
    make_run(tmp_path / "b", {"optimizer": {"lr": 0.2}, "seed": 3})
    assert lines(compare([tmp_path])) == {
        "a": {"optimizer.lr": 0.1},
        "b": {"optimizer.lr": 0.2},
    }


def with_data(folder, accuracy, content, **data):
    """A run's folder whose run.json has the facts of a run, with data of this content."""
    run = make_run(folder, {"data": data}, metrics={"val_accuracy": accuracy})
    record = json.loads((run / "run.json").read_text())
    record |= {
        "argv": [],
        "mnistlab": "0",
        "versions": {},
        "git": {"commit": None, "dirty": None},
        "platform": "",
        "processor": None,
        "cpus": 1,
        "threads": 1,
        "dataset": {
            "name": "csv",
            "sha256": content * 64,
            "images": {"train": 4, "validation": 1, "test": 1},
            "image_shape": [1, 1],
            "class_names": ["0", "1"],
            "scale": 1.0,
            "offset": 0.0,
        },
        "parameters": 4,
        "layers": [],
    }
    (run / "run.json").write_text(json.dumps(record))
    return run


def test_runs_of_files_that_were_changed_between_them_differ_in_the_digest_of_the_data(tmp_path):
    own = {"source": "csv", "path": str(tmp_path)}
    for name, accuracy, content in (("a", 0.5, "a"), ("b", 0.75, "b"), ("c", 0.75, "b")):
        with_data(tmp_path / "runs" / name, accuracy, content, **own)
    with_data(tmp_path / "runs" / "other", 0.9, "d", source="digits")
    found = compare([tmp_path / "runs" / name for name in "abc"])
    assert lines(found) == {
        name: {"data.sha256": content * 12} for name, content in zip("abc", "abb", strict=True)
    }
    groups = grouped(found, ["all"], "val_accuracy")
    assert [len(group.runs) for group in groups.groups] == [1, 1]
    assert [group.summaries["val_accuracy"].mean for group in groups.groups] == [0.75, 0.5]
    same_data = compare([tmp_path / "runs"], parsed("data.sha256 == 'bbbbbbbbbbbb'"))
    assert lines(same_data) == {"b": {}, "c": {}}
    assert "data.sha256" not in compare([tmp_path / "runs" / name for name in "bc"]).every_key
    assert "data.sha256" not in lines(compare([tmp_path / "runs"]))["other"]


def test_a_key_that_only_another_type_has_is_reported_as_implied(tmp_path):
    make_run(tmp_path / "a", {"optimizer": {"type": "sgd", "lr": 0.1}})
    make_run(tmp_path / "b", {"optimizer": {"type": "adam", "lr": 0.1}})
    found = compare([tmp_path])
    assert "optimizer.beta1" not in found.runs[0].parameters
    assert found.runs[1].parameters["optimizer.beta1"] == 0.9
    assert {"optimizer.beta1", "optimizer.momentum"} <= found.implied
    assert "optimizer.type" not in found.implied


def test_a_key_of_one_type_that_differs_within_it_is_not_implied(tmp_path):
    make_run(tmp_path / "a", {"optimizer": {"type": "sgd"}})
    make_run(tmp_path / "b", {"optimizer": {"type": "adam", "beta1": 0.8}})
    make_run(tmp_path / "c", {"optimizer": {"type": "adam", "beta1": 0.7}})
    assert "optimizer.beta1" not in compare([tmp_path]).implied


def test_a_type_that_only_some_runs_have_is_not_implied_by_itself(tmp_path):
    """`model.activation: {type: leaky_relu}` beside `relu`: neither key was shown with its name."""
    leaky = {"type": "leaky_relu", "alpha": 0.1}
    make_run(tmp_path / "a", {"model": {"type": "mlp", "activation": "relu"}})
    make_run(tmp_path / "b", {"model": {"type": "mlp", "activation": leaky}})
    found = compare([tmp_path])
    assert {"model.activation", "model.activation.type"} <= set(found.shown_keys)
    assert "model.activation.alpha" in found.implied


def test_layers_are_compared_one_by_one_and_plain_lists_whole():
    config = {"model": {"layers": [{"conv": {"filters": 3}}, "flatten"], "hidden": [8, 4]}}
    assert flattened(config) == {
        "model.layers.0.conv.filters": 3,
        "model.layers.1": "flatten",
        "model.hidden": [8, 4],
    }


def test_an_empty_section_is_a_value_too():
    assert flattened({"optimizer": {"lr_scale": {}}}) == {"optimizer.lr_scale": {}}


def test_a_path_may_be_a_run_a_sweep_or_a_folder_of_both_and_each_run_stands_once(tmp_path):
    runs = tmp_path / "runs"
    run = make_run(runs / "1-run")
    sweep = make_sweep(runs / "2-sweep", ["finished", "finished"])
    (runs / "latest").symlink_to("2-sweep")
    (runs / ".reserved").mkdir()
    trials = [one.run.path for one in compare([sweep]).runs]
    assert [path.name[:4] for path in trials] == ["0000", "0001"]
    everything = [one.run.path for one in compare([runs]).runs]
    assert everything == [run, *trials]
    again = compare([run, runs, runs / "latest", sweep / "best"])
    assert [one.run.path for one in again.runs] == everything


def test_accuracies_sort_downwards_all_else_upwards_and_a_minus_turns_it_round(tmp_path):
    for name, accuracy, rate in (("a", 0.5, 0.3), ("b", 0.7, 0.2), ("c", None, 0.1)):
        metrics = {"val_accuracy": accuracy}
        make_run(tmp_path / name, {"optimizer": {"lr": rate}}, metrics=metrics, best=None)
    found = compare([tmp_path])

    def order(key):
        return "".join(one.run.path.name for one in found.sorted_by(key).runs)

    assert order("val_accuracy") == "bac"
    assert order("-val_accuracy") == "abc"  # what has no value is last either way
    assert order("optimizer.lr") == "cba"
    assert order("-optimizer.lr") == "abc"


def test_values_of_different_kinds_can_be_sorted(tmp_path):
    for name, size in (("a", "full"), ("b", 64), ("c", 8)):
        make_run(tmp_path / name, {"training": {"epochs": 3, "batch_size": size}})
    found = compare([tmp_path]).sorted_by("training.batch_size")
    assert [one.parameters["training.batch_size"] for one in found.runs] == [8, 64, "full"]


def test_sorting_by_what_is_no_key_names_the_nearest(tmp_path):
    make_run(tmp_path / "a")
    with pytest.raises(UsageError, match=r"'val_acuracy'.*did you mean val_accuracy\?"):
        compare([tmp_path]).sorted_by("val_acuracy")


def test_metrics_that_no_run_has_get_no_column_nor_a_penalty_of_none(tmp_path):
    make_run(tmp_path / "a")
    assert compare([tmp_path]).metrics == ("val_loss", "val_accuracy", "seconds")
    make_run(tmp_path / "b", metrics={"penalty": 0.25, "test_accuracy": 0.5})
    found = compare([tmp_path])
    assert found.metrics == ("val_loss", "val_accuracy", "test_accuracy", "penalty", "seconds")
    assert found.runs[1].metrics["val_loss"] is None


def test_a_damaged_run_is_named_and_the_others_compared(tmp_path):
    make_run(tmp_path / "a")
    (make_run(tmp_path / "b") / "run.json").write_text('{"status": "fin')
    (make_run(tmp_path / "c") / "run.json").write_text('{"status": "finished"}')
    found = compare([tmp_path])
    assert [one.run.path.name for one in found.runs] == ["a"]
    assert len(found.faults) == 2
    assert f"{tmp_path / 'b' / 'run.json'}:1:12" in found.faults[0]
    assert f"{tmp_path / 'c' / 'run.json'}: started: is missing" in found.faults[1]


@pytest.mark.parametrize("name", ["nowhere", "empty", "file"])
def test_a_path_without_runs_says_what_it_is(tmp_path, name):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=str(tmp_path / name)):
        compare([tmp_path / name])


def test_hundreds_of_runs_are_compared_in_under_a_second_of_this_processor(tmp_path):
    first = make_run(tmp_path / "000", {"seed": 1000})
    for number in range(1, 300):
        folder = tmp_path / f"{number:03d}"
        folder.mkdir()
        (folder / "config.yaml").touch()
        record = (first / "run.json").read_text()
        (folder / "run.json").write_text(record.replace("1000", str(1000 + number)))
    began = time.process_time()
    found = compare([tmp_path]).sorted_by("-seed")
    assert time.process_time() - began < 1
    assert [one.parameters["seed"] for one in found.runs] == list(range(1299, 999, -1))
