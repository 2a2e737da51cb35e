"""Runs trained together leave the same files as when trained alone."""

from contextlib import suppress

import pytest

from mnistlab.config import dump_yaml, run_config_from_mapping
from mnistlab.experiment.callbacks import RunCallback
from mnistlab.experiment.dataset import load_data
from mnistlab.experiment.driver import train_together
from mnistlab.experiment.run_options import RunOptions
from mnistlab.experiment.runner import resume, resuming
from mnistlab.store.run_dir import RunDir, make_complete
from mnistlab.store.run_record import read_run_record
from mnistlab.training import group
from mnistlab.training.group import Group
from tools.short_runs import StopAt, fingerprint

TINY = {
    "data": {"source": "digits", "train_limit": 200, "validation": 0.2},
    "model": {"type": "mlp", "hidden": [12]},
    "training": {"epochs": 6, "batch_size": 16},
}
CHANGES = {
    "usual": {},
    "slow": {"optimizer": {"lr": 0.01}},
    "penalised": {"regularization": {"l2": 1e-3}, "init": {"type": "glorot_normal"}},
    "scheduled": {"lr_schedule": {"type": "cosine"}},
    "diverges": {"optimizer": {"lr": 1e30}},
    "stops early": {
        "training": {
            **TINY["training"],
            "early_stopping": {"monitor": "val_loss", "mode": "max", "patience": 1},
        }
    },
    "by itself": {"optimizer": {"type": "adam"}},
    "of another order": {"seed": 5},
}


@pytest.fixture
def runs(tmp_path):
    """For a folder of that name: the configurations, each in a run folder of its own, and data."""
    configs = {
        name: run_config_from_mapping({**TINY, **more}, []) for name, more in CHANGES.items()
    }
    datasets = {seed: load_data(configs["usual"], tmp_path) for seed in (0,)}

    def made(folder):
        found = {}
        for name, config in configs.items():
            path = tmp_path / folder / name.replace(" ", "-")
            path.parent.mkdir(exist_ok=True)
            if not path.exists():
                assert make_complete(path, "config.yaml", dump_yaml(config))
            found[name] = (RunDir(path), config, datasets[0])
        return found

    return made


def history(run_dir):
    return read_run_record(run_dir) if run_dir.run_json.exists() else None


def alone(made, tmp_path):
    for run_dir, config, dataset in made.values():
        resume(run_dir, config, dataset, history(run_dir), RunOptions(data_dir=tmp_path, threads=1))


def together(made, tmp_path, callbacks=None):
    """Train the runs together; the errors that ended some, and who trained in groups."""
    callbacks = callbacks or {}
    trainings = {
        name: resuming(
            run_dir,
            config,
            dataset,
            history(run_dir),
            RunOptions(data_dir=tmp_path, threads=1, callbacks=callbacks.get(name, ())),
        )
        for name, (run_dir, config, dataset) in made.items()
    }
    ended = {}
    train_together(trainings, lambda name, error: ended.setdefault(name, error))
    assert ended.keys() == made.keys()
    return ended


@pytest.fixture
def groups(monkeypatch):
    """How many networks were trained together, each time."""
    sizes = []
    real = Group.train_to
    # More of the digits' pixels are non-zero than listing is worth.
    monkeypatch.setattr(group, "MOST_NONZERO", 1)

    def train_to(self, trainers, *more):
        sizes.append(len(trainers))
        return real(self, trainers, *more)

    monkeypatch.setattr(Group, "train_to", train_to)
    return sizes


def fingerprints(made):
    return {name: fingerprint(run_dir.path) for name, (run_dir, _, _) in made.items()}


def statuses(made):
    return {name: history(run_dir).status for name, (run_dir, _, _) in made.items()}


def test_each_leaves_the_files_that_it_leaves_alone(runs, tmp_path, groups):
    apart, beside = runs("apart"), runs("beside")
    alone(apart, tmp_path)
    assert groups == []
    assert set(together(beside, tmp_path).values()) == {None}
    assert groups[0] == 6
    assert set(groups) >= {5, 6}
    assert fingerprints(beside) == fingerprints(apart)
    found = statuses(beside)
    assert found == statuses(apart)
    assert found["diverges"] == "diverged"
    assert found["stops early"] == "stopped_early"


def test_a_log_has_only_its_own_runs_messages(runs, tmp_path, groups):
    beside = runs("beside")
    together(beside, tmp_path)
    assert groups
    for name in ("usual", "slow"):
        lines = beside[name][0].log.read_text().splitlines()
        assert len([line for line in lines if "MetricsRow" in line or "epoch" in line]) == 6


def test_all_that_are_stopped_together_end_as_if_never_stopped(runs, tmp_path, groups):
    apart, beside = runs("apart"), runs("beside")
    alone(apart, tmp_path)
    together(beside, tmp_path, {"slow": [StopAt(20)]})
    assert statuses(beside)["usual"] == "interrupted"
    # Some continue alone, and the others have to catch up.
    ahead = {name: beside[name] for name in ("usual", "penalised")}
    with suppress(KeyError):
        together(ahead, tmp_path, {"usual": [StopAt(35)]})
    groups.clear()
    left = {n: one for n, one in beside.items() if history(one[0]).status.resumable}
    together(left, tmp_path)
    assert len(set(groups)) > 1
    assert fingerprints(beside) == fingerprints(apart)


def test_a_run_that_fails_takes_no_other_with_it(runs, tmp_path, groups):
    class Broken(RunCallback):
        def on_row(self, row):
            if row.epoch == 2:
                raise RuntimeError("of this run")

    apart, beside = runs("apart"), runs("beside")
    alone(apart, tmp_path)
    ended = together(beside, tmp_path, {"slow": [Broken()]})
    assert {name for name, error in ended.items() if error is not None} == {"slow"}
    assert {3, 5, 6} <= set(groups)
    assert statuses(beside)["slow"] == "failed"
    expected = fingerprints(apart)
    found = fingerprints({n: one for n, one in beside.items() if n != "slow"})
    del expected["slow"]
    assert found == expected
