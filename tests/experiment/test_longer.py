"""A run made longer has the bits of one that had its length from the start, or is refused."""

import json
import re

import pytest

from mnistlab.config import load_run_config
from mnistlab.experiment.model import load_model
from mnistlab.store.checksums import with_checksum
from mnistlab.store.tidy.prune import prune
from mnistlab.support.errors import ConfigError, UsageError
from tools.short_runs import StopAt, fingerprint, resume, train

STEPS = {"epochs": None, "steps": 8}
RUNS = {
    "epochs": ({}, "training.epochs=5"),
    "evaluations that the end alone asks for": (
        {"training": {"evaluate_every": 4, "test": "every", "train_metrics": "batch"}},
        "training.epochs=5",
    ),
    "an end in the midst of an epoch": (
        {"training": {**STEPS, "train_metrics": "running"}},
        "training.steps=17",
    ),
    "from steps to epochs": ({"training": STEPS}, "training.epochs=4"),
    "from epochs to steps": ({}, "training.steps=21"),
    "adam, dropout, replacement": (
        {
            "model": {"type": "mlp", "hidden": [6, 5], "dropout": 0.4},
            "optimizer": {"type": "adam", "lr": 0.01},
            "training": {"shuffle": "replacement", "train_metrics": "full"},
        },
        "training.epochs=5",
    ),
    "early stopping that has not stopped it": (
        {
            "optimizer": {"type": "sgd", "lr": 2.0},
            "training": {"epochs": 6, "early_stopping": {"patience": 4}},
        },
        "training.epochs=12",
    ),
    "a run of one step": ({"training": {**STEPS, "steps": 1}}, "training.steps=7"),
    "a schedule that counts steps": (
        {"lr_schedule": {"type": "inverse_time", "decay": 0.1}},
        "training.epochs=6",
    ),
    "phases with their own lengths": (
        {
            "lr_schedule": {
                "type": "phases",
                "phases": [{"epochs": 2, "type": "cosine"}, {"epochs": 4, "type": "one_cycle"}],
            }
        },
        "training.epochs=6",
    ),
}


def asked_for(folder, sections, value):
    """The run that has the greater length from the start."""
    key, _, number = value.removeprefix("training.").partition("=")
    length = {"epochs": None, "steps": None, key: int(number)}
    return train(folder, {**sections, "training": {**sections.get("training", {}), **length}})


@pytest.mark.parametrize(("sections", "value"), RUNS.values(), ids=list(RUNS))
def test_a_finished_run_made_longer_has_the_bits_of_one_that_was_begun_so(
    tmp_path, sections, value
):
    wanted = asked_for(tmp_path / "whole", sections, value)
    short = train(tmp_path, sections)
    assert short.status == "finished"
    longer = resume(short.run_dir, value)
    assert (longer.status, longer.metrics) == (wanted.status, wanted.metrics)
    assert fingerprint(short.run_dir) == fingerprint(wanted.run_dir)
    told = [json.loads((one.run_dir / "run.json").read_text()) for one in (longer, wanted)]
    assert told[0]["config"] == told[1]["config"]
    configs = [(one.run_dir / "config.yaml").read_bytes() for one in (longer, wanted)]
    assert configs[0] == configs[1]


@pytest.mark.usefixtures("look_after_every_step")
def test_a_run_killed_while_it_is_made_longer_is_resumed_to_the_same_bits(tmp_path):
    sections, value = RUNS["early stopping that has not stopped it"]
    wanted = fingerprint(asked_for(tmp_path / "whole", sections, value).run_dir)
    for step in (30, 31, 37):
        short = train(tmp_path / str(step), sections).run_dir
        stopped = resume(short, value, callbacks=[StopAt(step)])
        assert stopped.status == "interrupted"
        resume(short)
        assert fingerprint(short) == wanted


@pytest.mark.usefixtures("look_after_every_step")
def test_an_interrupted_run_is_made_longer_and_shorter(tmp_path):
    stopped = train(tmp_path, {"training": {"epochs": 4}}, StopAt(7)).run_dir
    for epochs in (6, 3):
        resume(stopped, f"training.epochs={epochs}", callbacks=[StopAt(8)])
    ended = resume(stopped)
    assert ended.epochs == 3
    assert fingerprint(stopped) == fingerprint(train(tmp_path / "whole").run_dir)


@pytest.mark.usefixtures("look_after_every_step")
def test_run_json_has_the_length_where_the_machine_stopped_before_config_yaml_had_it(tmp_path):
    short = train(tmp_path).run_dir
    config = (short / "config.yaml").read_bytes()
    resume(short, "training.epochs=5", callbacks=[StopAt(14)])
    (short / "config.yaml").write_bytes(config)
    assert resume(short).epochs == 5
    wanted = asked_for(tmp_path / "whole", {}, "training.epochs=5").run_dir
    assert fingerprint(short) == fingerprint(wanted)
    assert (short / "config.yaml").read_bytes() == (wanted / "config.yaml").read_bytes()


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_pruned_run_is_not_made_longer_and_says_what_is_missing(tmp_path):
    run = train(tmp_path, {"training": {"epochs": 2, "snapshots": 1}}).run_dir
    prune([run], "none")
    before = contents(run)
    assert resume(run).already_ended
    with pytest.raises(UsageError, match=r"cannot be made longer: it has no checkpoint, .*last\."):
        resume(run, "training.epochs=5")
    for weights in ("best", "epoch-1"):
        with pytest.raises(UsageError, match=f"no {weights} weights: .*`mnistlab prune` removed"):
            load_model(run, weights, data_dir=tmp_path / "data")
    assert load_model(run, data_dir=tmp_path / "data").step > 0
    assert contents(run) == before


@pytest.mark.parametrize(
    ("sections", "value", "said"),
    [
        (
            {"lr_schedule": {"type": "cosine"}},
            "training.epochs=5",
            "lr_schedule.type cosine: depends on the length of the run: step 2 had the learning "
            "rate 0.0989",
        ),
        (
            {"lr_schedule": {"type": "phases", "phases": ["cosine"]}},
            "training.epochs=5",
            "lr_schedule.type phases: depends on the length of the run: step 2 had",
        ),
        ({"lr_schedule": "one_cycle"}, "training.epochs=5", "lr_schedule.type one_cycle: depends"),
        ({}, "training.epochs=2", "training.epochs: found 2, must be at least 3: the run has"),
        ({"training": STEPS}, "training.steps=7", "training.steps: found 7, must be at least 8"),
        ({}, "optimizer.lr=0.5", "optimizer.lr: cannot change in a run that has begun; only"),
        ({}, "training.epoch=9", "command line: training.epoch=9: training.epoch: unknown key"),
        (
            {},
            "training.epochs=0",
            "command line: training.epochs=0: training.epochs: found 0, must",
        ),
        ({"optimizer": {"lr": 1e30}}, "training.epochs=9", "has diverged; a longer run would"),
        (
            {
                "optimizer": {"type": "sgd", "lr": 2.0},
                "training": {"epochs": 30, "early_stopping": {"patience": 1}},
            },
            "training.epochs=40",
            "early stopping ended it after step",
        ),
    ],
)
def test_a_run_whose_past_would_be_another_is_refused_and_left_as_it_is(
    tmp_path, sections, value, said
):
    run_dir = train(tmp_path, sections).run_dir
    before = contents(run_dir)
    with pytest.raises((ConfigError, UsageError)) as caught:
        resume(run_dir, value)
    assert said in str(caught.value)
    after = contents(run_dir)
    assert after.pop(run_dir / "train.log", None) is not None
    assert before.items() >= after.items()


def test_the_present_length_leaves_an_ended_run_as_it_is(tmp_path):
    run_dir = train(tmp_path).run_dir
    assert resume(run_dir, "training.epochs=3").already_ended


def test_a_length_written_into_config_yaml_is_refused_with_the_command_that_sets_it(tmp_path):
    run_dir = train(tmp_path, {}).run_dir
    path = run_dir / "config.yaml"
    text = path.read_text().partition("\n")[2].replace("epochs: 3", "epochs: 9")
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        resume(run_dir, "training.epochs=9")
    assert "training.epochs: was 3, is 9" in str(caught.value)
    assert "mnistlab resume RUN training.epochs=N" in str(caught.value)
    assert with_checksum(text) != text


def test_a_trial_of_a_sweep_is_no_run_to_be_made_longer(tmp_path):
    run_dir = train(tmp_path).run_dir
    (tmp_path / "sweep.yaml").write_text("")
    with pytest.raises(UsageError, match="is a trial of a sweep"):
        resume(run_dir, "training.epochs=9")


def test_the_advice_of_a_refusal_quotes_a_path_with_blanks_and_tells_two_close_rates_apart(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    sections = {"lr_schedule": {"type": "cosine"}, "training": {"epochs": None, "steps": 9000}}
    run_dir = train(tmp_path / "my runs [1]", sections, StopAt(3)).run_dir
    with pytest.raises(UsageError) as caught:
        resume(run_dir, "training.steps=9001")
    file = f"my runs [1]/runs/{run_dir.name}/config.yaml"
    assert f"`mnistlab train '{file}' …` begins a new run" in str(caught.value)
    had, wanted = re.findall(r"0\.\d+", str(caught.value))
    assert had != wanted
    with pytest.raises(ConfigError, match="must be a YAML file") as refused:
        load_run_config(run_dir)
    folder = f"my runs [1]/runs/{run_dir.name}"
    assert f"`mnistlab resume '{folder}'` resumes the run" in str(refused.value)
