"""A sweep's file and its short form on the command line: the result, and every error's position."""

import jsonschema
import pytest

from mnistlab.config.load_sweep import load_sweep, parse_sweep, sweep_from_mapping
from mnistlab.config.schema import sweep_json_schema
from mnistlab.search import METHODS
from mnistlab.support.errors import ConfigError
from mnistlab.sweeps.space import checked_points

PLAIN = """\
name: s
run: {data: {source: digits}}
parameters:
  optimizer.lr: [0.1, 1e-2]
  regularization.l2: {logspace: [1e-5, 1e-3, 3]}
"""
STAGED = """\
run: {data: {source: digits}}
stages:
  - {name: lr, parameters: {optimizer.lr: [0.1, 0.2]}}
  - name: l1
    from: lr
    set: {training.epochs: 3}
    parameters: {regularization.l1: [0, 1e-4]}
refit: [l1]
"""


SCHEMA = jsonschema.Draft202012Validator(sweep_json_schema())


def refused(text: str, *arguments: str) -> list[str]:
    """The messages of everything wrong with a sweep and its points."""
    with pytest.raises(ConfigError) as caught:
        checked_points(parse_sweep(text, "s.yaml", arguments))
    return list(caught.value.messages)


def points(text: str, *arguments: str) -> list[dict]:
    return [point.parameters for _, point, _ in checked_points(parse_sweep(text, "s", arguments))]


def test_a_file_says_what_to_try_and_keeps_its_defaults():
    config = parse_sweep(PLAIN, "s.yaml").config
    assert config.parameters["optimizer.lr"] == [0.1, 0.01]
    assert (config.method.type, config.seeds, config.metric.goal) == ("grid", 1, "maximize")


def test_the_goal_of_a_loss_is_to_be_small():
    assert parse_sweep(PLAIN, "s", ["metric.name=val_loss"]).config.metric.goal == "minimize"


def test_logspace_gives_the_numbers_that_a_person_would_write():
    values = [p["regularization.l2"] for p in points(PLAIN, "optimizer.lr=0.1")]
    assert values == [1e-5, 1e-4, 1e-3]


@pytest.mark.parametrize("swapped", [False, True])
def test_a_section_and_a_key_in_it_are_both_tried_whatever_their_order(swapped):
    lines = ["  optimizer: [adam, {type: sgd, momentum: 0.9}]", "  optimizer.lr: [0.01, 0.02]"]
    text = "run: {data: {source: digits}}\nparameters:\n" + "\n".join(
        reversed(lines) if swapped else lines
    )
    found = [config.optimizer for _, _, config in checked_points(parse_sweep(text, "s"))]
    assert {(one.type, one.lr) for one in found} == {
        *(("adam", 0.01), ("adam", 0.02), ("sgd", 0.01), ("sgd", 0.02)),
    }


def test_base_is_relative_to_the_sweep_and_its_paths_to_itself(tmp_path):
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "run.yaml").write_text("data: {source: idx, path: images}")
    (tmp_path / "s.yaml").write_text(
        "base: base/run.yaml\nparameters: {data.path: [images, ../other]}"
    )
    found = checked_points(load_sweep(tmp_path / "s.yaml"))
    assert [str(config.data.path) for _, _, config in found] == [
        str(tmp_path / "images"),
        str(tmp_path.parent / "other"),
    ]
    text = load_sweep(tmp_path / "s.yaml", ["data.path=null", "seed=1,2"]).text()
    # The sweep's own folder later needs neither of the files.
    again = parse_sweep(text, "sweep.yaml")
    assert again.config.run["data"]["path"] == str(tmp_path / "base" / "images")


def test_the_short_form_makes_a_sweep_of_a_run():
    source = parse_sweep("name: soft\n", "run.yaml", ["model.hidden=[256,128],[128]", "seeds=3"])
    assert source.config.parameters == {"model.hidden": [[256, 128], [128]]}
    assert (source.config.seeds, source.config.name) == (3, "soft-sweep")


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("optimizer.lr=1e-2,1e-3", [0.01, 0.001]),
        ("optimizer={type: sgd, lr: 1},{type: adam}", [{"type": "sgd", "lr": 1}, {"type": "adam"}]),
        ("optimizer.lr={logspace: [1e-3, 1, 4]}", {"logspace": [0.001, 1, 4]}),
        ("optimizer.lr_scale.*.bias=1,2", [1, 2]),
    ],
)
def test_values_are_the_items_of_a_flow_list(argument, expected):
    config = parse_sweep("seed: 1", "run.yaml", [argument]).config
    assert next(iter(config.parameters.values())) == expected


def test_one_value_alone_is_set_in_every_trial_and_is_no_parameter():
    source = parse_sweep(PLAIN, "s", ["training.epochs=2"])
    assert "training.epochs" not in source.config.parameters
    assert all(c.training.epochs == 2 for _, _, c in checked_points(source))
    staged = parse_sweep(STAGED, "s", ["optimizer.momentum=0.5"])
    assert all(c.optimizer.momentum == 0.5 for _, _, c in checked_points(staged))


def test_a_parameter_of_the_file_is_replaced_from_the_command_line():
    assert {p["optimizer.lr"] for p in points(PLAIN, "optimizer.lr=3")} == {3}


def test_a_later_stage_is_checked_on_top_of_each_point_that_may_win():
    text = STAGED.replace("[0.1, 0.2]", "[0.1, 0.2]").replace("optimizer.lr:", "model.type:")
    text = text.replace("[0.1, 0.2]", "[softmax, mlp]").replace("regularization.l1", "model.hidden")
    text = text.replace("[0, 1e-4]", "[[3]]")
    messages = refused(text)
    assert len(messages) == 1
    assert "hidden belongs to model.type mlp, not softmax" in messages[0]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["optimizer.lr=0.1,fast"], "command line: optimizer.lr=0.1,fast: optimizer.lr: found"),
        (["optimizer.lr=1,["], "command line: optimizer.lr=1,[: not valid YAML"),
        (["optimizer.lr="], "command line: optimizer.lr=: optimizer.lr: needs at least one value"),
        (["lr"], "command line: lr: must be KEY=V1,V2"),
        (["optimizer..lr=1,2"], "command line: optimizer..lr=1,2: the key before '='"),
        (["optimizer.lrr=1,2"], "command line: optimizer.lrr=1,2: optimizer.lrr: unknown key"),
        (["seed=1,2", "seeds=0"], "command line: seeds=0: seeds: found 0, must be at least 1"),
        (["seed=1,2", "seeds=2"], "command line: seed=1,2: parameters.seed: is a parameter"),
        ([], "run.yaml: is the configuration of one run; give the values to try"),
        (
            ["optimizer.lr={uniform: [0, 1]}"],
            "command line: optimizer.lr={uniform: [0, 1]}: parameters.optimizer.lr: uniform is",
        ),
        (["seed={logspace: [1, 9, 99999]}"], "command line: seed={logspace: [1, 9, 99999]}: param"),
    ],
)
def test_what_is_wrong_on_the_command_line_is_named_as_it_was_typed(arguments, expected):
    with pytest.raises(ConfigError) as caught:
        checked_points(parse_sweep("name: x", "run.yaml", arguments))
    assert any(message.startswith(expected) for message in caught.value.messages), str(caught.value)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "  optimizer.lrr: [1]",
            "s.yaml:6:3: optimizer.lrr: unknown key 'lrr'; allowed here: type",
        ),
        ("  optimizer.momentum: [0, 2]", "s.yaml:6:27: optimizer.momentum: found 2, must be below"),
        ("  data.sauce: [a]", "s.yaml:6:3: data.sauce: unknown key 'sauce'"),
        ("  seed: 3", "s.yaml:6:9: parameters.seed: found 3, must be a list of the values to try"),
        ("  seed: {logspace: [0, 1, 2]}", "s.yaml:6:9: parameters.seed: found a mapping, must be"),
        ("zipp: []", "s.yaml:6:1: zipp: unknown key 'zipp'; allowed here: name, base, run"),
        (
            "zip: [[optimizer.lr, seed]]",
            "s.yaml:6:22: zip.0.1: found 'seed', which is not a parameter",
        ),
        (
            "zip: [[optimizer.lr, regularization.l2]]",
            "s.yaml:6:7: zip.0: moves values together, but optimizer.lr has 2, regularization.l2 h",
        ),
        (
            "method: randm",
            f"s.yaml:6:9: method: found 'randm', must be one of {', '.join(METHODS.blocks)}",
        ),
        ("method: {type: random}", "s.yaml:6:9: method.trials: must be given"),
        ("base: x.yaml", "s.yaml:2:6: run: cannot be combined with base"),
        ("metric: {name: val_acc}", "s.yaml:6:16: metric.name: found 'val_acc', must be one of"),
        ("refit: [a]", "s.yaml:6:8: refit: names stages, and there are none"),
        ("stages: []", "s.yaml:6:9: stages: found an empty list, must be a list of at least 1"),
        ("reference: [{val_accuracy: 2}]", "s.yaml:6:28: reference.0.val_accuracy: found 2, must"),
    ],
)
def test_what_is_wrong_in_the_file_is_named_at_its_place(line, expected):
    messages = refused(f"{PLAIN}{line}\n")
    assert any(message.startswith(expected) for message in messages), messages


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("from: lr", "from: lrr"), "s.yaml:5:11: stages.1.from: found 'lrr', must be an earlier"),
        (
            ("name: l1", "name: lr"),
            "s.yaml:4:11: stages.1.name: found 'lr', the name of an earlier",
        ),
        (("[l1]", "[l2]"), "s.yaml:8:9: refit.0: found 'l2', must be a stage: lr, l1"),
        (
            ("    from", "    form"),
            "s.yaml:5:5: stages.1.form: unknown key 'form'; allowed here: na",
        ),
        (("epochs: 3", "epoch: 3"), "s.yaml:6:11: training.epoch: unknown key 'epoch'"),
        (("refit: [l1]", "metric: {name: test_loss}"), "s.yaml:8:16: metric.name: found test_loss"),
    ],
)
def test_what_is_wrong_with_stages_is_named_at_its_place(change, expected):
    messages = refused(STAGED.replace(*change))
    assert messages[0].startswith(expected), messages


def test_errors_of_the_base_and_of_the_sweep_are_reported_at_their_positions(
    tmp_path,
):
    (tmp_path / "run.yaml").write_text("seed: -1\ndata: {source: digits}\n")
    path = tmp_path / "s.yaml"
    path.write_text("base: run.yaml\nparameters: {optimizer.lr: [1, -1], optimizer.lrr: [2]}\n")
    with pytest.raises(ConfigError) as caught:
        checked_points(load_sweep(path))
    places = [message.split(": ")[0] for message in caught.value.messages]
    base = tmp_path / "run.yaml"
    assert set(places) == {f"{base}:1:7", f"{path}:2:32", f"{path}:2:37"}


def test_a_base_that_is_missing_or_a_sweep_is_refused_where_it_is_named(tmp_path):
    (tmp_path / "a.yaml").write_text("base: b.yaml\nparameters: {seed: [1]}\nseeds: 0\n")
    with pytest.raises(ConfigError) as caught:
        load_sweep(tmp_path / "a.yaml")
    missing, seeds = caught.value.messages
    assert missing.startswith(f"{tmp_path}/a.yaml:1:7: base: {tmp_path}/b.yaml: no such file")
    assert "seeds" in seeds
    (tmp_path / "b.yaml").write_text("parameters: {}")
    with pytest.raises(ConfigError, match="is the file of a sweep"):
        load_sweep(tmp_path / "a.yaml")


@pytest.mark.parametrize(
    "text", [PLAIN, STAGED, f"{PLAIN}zip: []\nmethod: {{type: random, trials: 3}}"]
)
def test_the_sweeps_own_text_is_read_back_as_the_same_sweep_and_fits_the_schema(text):
    source = parse_sweep(text, "s")
    again = parse_sweep(source.text(), "s")
    assert again.config == source.config
    settings = [(p.parameters, c) for _, p, c in checked_points(again)]
    assert settings == [(p.parameters, c) for _, p, c in checked_points(source)]
    SCHEMA.validate(source.root.plain())


def test_the_schema_is_one_and_knows_the_keys_of_a_run_inside_a_sweep():
    SCHEMA.check_schema(SCHEMA.schema)
    with pytest.raises(jsonschema.ValidationError):
        SCHEMA.validate({"run": {"optimiser": {}}, "parameters": {"seed": [1]}})


def test_a_mapping_is_a_sweep_as_its_yaml_would_be():
    source = sweep_from_mapping({"run": {}, "parameters": {"optimizer.lr": [1, 2]}})
    assert len(checked_points(source)) == 2


def test_a_bare_name_is_a_value_to_try_and_can_get_other_keys():
    found = checked_points(
        parse_sweep("model: softmax", "s", ["optimizer=adam,sgd", "optimizer.lr=1,2"])
    )
    assert [(c.optimizer.type, c.optimizer.lr) for _, _, c in found] == [
        *(("adam", 1), ("adam", 2), ("sgd", 1), ("sgd", 2)),
    ]
    assert all(c.model.type == "softmax" for _, _, c in found)


def test_a_sweep_overrides_inside_a_list_of_phases():
    text = """\
run:
  lr_schedule:
    type: phases
    phases: [{epochs: 2, type: step, factor: 0.5, every: 1}, cosine]
parameters:
  lr_schedule.phases.0.type: [step, constant]
  lr_schedule.phases.1.scale: [0.5, 1]
"""
    found = checked_points(parse_sweep(text, "s"))
    assert [tuple((p.type, p.scale) for p in c.lr_schedule.phases) for _, _, c in found] == [
        ((first, 1.0), ("cosine", scale)) for first in ("step", "constant") for scale in (0.5, 1.0)
    ]


def test_the_method_may_be_a_bare_name_that_the_command_line_completes():
    text = "run: {}\nmethod: random\nparameters: {seed: [1, 2, 3]}"
    (message,) = refused(text)
    assert message.startswith("s.yaml:2:9: method.trials: must be given")
    assert parse_sweep(text, "s", ["method.trials=2"]).config.method.trials == 2


@pytest.mark.parametrize(
    ("values", "culprit"),
    [
        ("{range: [1, 2]}", "range: [start, stop, step]"),
        ("{range: [1, 2, 0]}", "step not 0"),
        ("{range: [1, 2, -1]}", "leading from start towards stop"),
        ("{range: [0, 1, 1e-9]}", "at most 20,000 values"),
        ("{range: [8, 16, 2.5]}", "found 10.5, must be 'full' or a whole number"),
        ("{logspace: [1, 2, 1000000]}", "at most 20,000 values"),
        ("{uniform: [8.2, 8.7]}", "needs whole numbers, and there is none from 8.2 to 8.7"),
    ],
)
def test_a_range_without_the_values_that_its_key_needs_is_refused(values, culprit):
    text = "run: {}\nmethod: {type: random, trials: 3}\nparameters:\n  training.batch_size: "
    found = refused(f"{text}{values}")
    assert all(message.startswith("s.yaml:4:") for message in found)
    assert any(culprit in message for message in found)


def test_a_seed_that_no_run_may_have_is_refused_by_a_random_search_too():
    method = "method: {type: random, trials: 1}"
    (message,) = refused(f"run: {{seed: -1}}\n{method}\nparameters: {{optimizer.lr: [1]}}")
    assert message.startswith("s.yaml:1:13: seed: found -1")
