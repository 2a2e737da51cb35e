"""Whole sweeps: the bits, the stages, the refit, and that nothing is run twice."""

import os
from unittest.mock import Mock

import pytest

from mnistlab.config import load_run_config
from mnistlab.experiment.run_options import RunOptions
from mnistlab.python.commands.train import train
from mnistlab.runtime.arithmetic import arithmetic
from mnistlab.store.run_dir import RunDir
from mnistlab.store.run_json import read_run_json, write_run_json
from mnistlab.support.errors import ConfigError, UsageError
from mnistlab.sweeps import dispatch, ledger, sweep_run
from mnistlab.sweeps.dispatch import SweepError
from tools.short_runs import fingerprint
from tools.short_sweeps import RUN, Heard, fingerprints, records, resume, rows, sweep

GRID = ("optimizer.lr=0.5,0.05", "regularization.l2=0,1e-3")
INDENTED = RUN.replace("\n", "\n  ")
STAGED = f"""\
run:
  {INDENTED}
  reference: {{test_accuracy: 0.5}}
stages:
  - {{name: lr, parameters: {{optimizer.lr: [0.5, 0.05, 1.0e-3]}}}}
  - {{name: l1, from: lr, parameters: {{regularization.l1: [0, 1e-3]}}}}
  - name: l2
    from: lr
    set: {{training.epochs: 3}}
    parameters: {{regularization.l2: [1, 1e-3]}}
refit: [l1, l2]
""".replace("test: never", "test: every")


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    """A sweep of four trials by real workers."""
    heard = Heard()
    return sweep(tmp_path_factory.mktemp("grid"), *GRID, callbacks=[heard]), heard


def test_a_sweep_leaves_a_folder_with_its_trials_and_its_answer(grid):
    result, heard = grid
    folder = result.sweep_dir
    assert result.trials == {"finished": 4, "diverged": 0, "failed": 0}
    assert {path.name for path in folder.iterdir()} == {
        *("sweep.yaml", "trials.csv", "ranking.csv", "trials", "best", ".lock", ".checksums.json"),
    }
    assert (folder.parent / "latest").resolve() == folder
    table = rows(result)
    assert [row.trial for row in table] == [0, 1, 2, 3]
    best = max(table, key=lambda row: row.metrics["val_accuracy"])
    assert (folder / "best").resolve() == result.best.run_dir == folder / best.run_dir
    assert result.best.metrics == best.metrics
    assert {row.trial for row in heard.trials} == {0, 1, 2, 3}
    assert (heard.progress[-1].done, heard.progress[-1].total) == (4, 4)
    assert not list(folder.glob("trials/*/plots"))


def test_the_bits_of_a_trial_are_those_of_train_on_its_configuration(grid, tmp_path):
    result, _ = grid
    for name, found in list(fingerprints(result).items())[:2]:
        config = load_run_config(result.sweep_dir / "trials" / name / "config.yaml")
        alone = train(
            config, tmp_path / "runs", RunOptions(data_dir=tmp_path, threads=2), plots=False
        )
        assert fingerprint(alone.run_dir) == found


def test_trials_are_trained_by_workers_of_one_thread(grid):
    for record in records(grid[0]).values():
        assert record["threads"] == 1
        assert record["resumed"] == []


def test_a_sweep_that_has_ended_runs_nothing_again(grid):
    result, _ = grid
    before = records(result)
    again = resume(result)
    assert again.already_ended
    assert records(result) == before
    assert again.best == result.best


def test_trials_csv_is_a_view_that_can_be_made_again(grid):
    result, _ = grid
    path = result.sweep_dir / "trials.csv"
    text = path.read_text()
    path.unlink()
    (result.sweep_dir / "ranking.csv").unlink()
    resume(result)
    assert path.read_text() == text
    assert (result.sweep_dir / "ranking.csv").exists()


@pytest.mark.usefixtures("trials_here")
def test_a_larger_grid_reuses_what_it_has_by_hash(tmp_path):
    result = sweep(tmp_path, "optimizer.lr=0.5")
    before = records(result)
    more = resume(result, "optimizer.lr=0.05", "regularization.l2=1e-3")
    after = records(result)
    assert len(after) == 4
    assert {name: after[name] for name in before} == before
    # The new parameter has its former value in the existing trials.
    values = {tuple(row.parameters.values()) for row in rows(more)}
    assert values == {(0.5, 0), (0.5, 1e-3), (0.05, 0), (0.05, 1e-3)}
    # The folder has the larger sweep, also for the next resume.
    assert resume(result).already_ended
    assert len(rows(result)) == 4


@pytest.mark.usefixtures("trials_here")
def test_a_sweep_is_resumed_with_the_datasets_of_its_trials(tmp_path, monkeypatch):
    monkeypatch.setattr("mnistlab.sweeps.sweep_run.data_dir_of_runs", found := Mock())
    found.return_value = tmp_path / "before"
    opened = Mock(wraps=sweep_run.Datasets)
    monkeypatch.setattr("mnistlab.sweeps.sweep_run.Datasets", opened)
    result = sweep(tmp_path, "optimizer.lr=0.5")
    resume(result, "optimizer.lr=0.05")
    assert list(found.call_args.args[0]) == sorted((result.sweep_dir / "trials").iterdir())[:1]
    assert opened.call_args.args[0] == tmp_path / "before"


def test_a_trial_whose_folder_is_gone_is_run_again_and_no_other(tmp_path):
    result = sweep(tmp_path, "optimizer.lr=0.5,0.05")
    before, bits = records(result), fingerprints(result)
    gone = sorted(before)[1]
    folder = result.sweep_dir / "trials" / gone
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()
    resume(result)
    assert fingerprints(result) == bits
    assert records(result)[sorted(before)[0]] == before[sorted(before)[0]]


@pytest.mark.usefixtures("trials_here")
def test_a_diverged_trial_is_a_result_and_is_never_chosen(tmp_path):
    result = sweep(
        tmp_path, "optimizer.lr=0.05,1e30", "loss={type: mse}", "model.output_activation=identity"
    )
    assert result.trials == {"finished": 1, "diverged": 1, "failed": 0}
    assert result.best.parameters == {"optimizer.lr": 0.05}
    diverged = next(row for row in rows(result) if row.status == "diverged")
    record = records(result)[diverged.run_dir.partition("/")[2]]
    assert "smaller optimizer.lr" in record["reason"]
    assert result.rankings[0][1][-1].rank is None


@pytest.mark.usefixtures("trials_here")
def test_stages_build_on_winners_and_only_the_refits_are_tested(tmp_path):
    result = sweep(tmp_path, text=STAGED)
    assert result.trials["finished"] == 3 + 1 + 2 + 2  # l1's 0 is the winner of lr itself
    told = {row.run_dir: row for row in rows(result)}
    lr = next(ranked for stage, ranked in result.rankings if stage == "lr")
    for name, record in records(result).items():
        row = told[f"trials/{name}"]
        refit = any(stage.startswith("refit:") for stage in row.stages)
        assert record["test_set_looked_at"] is refit
        assert (row.metrics["test_accuracy"] is not None) is refit
        assert (row.metrics["val_accuracy"] is None) is refit
        assert record["config"]["training"]["test"] == ("end" if refit else "never")
        assert record["dataset"]["images"]["validation"] == (0 if refit else 143)
        if set(row.stages) & {"l1", "l2"}:
            assert row.parameters["optimizer.lr"] == lr[0].parameters["optimizer.lr"]
    assert [row.stages for row in told.values() if len(row.stages) == 2] == [("lr", "l1")]
    refits = dict(result.refits)
    assert result.best.run_dir.name in {
        point.first_trial.run_dir.partition("/")[2] for point in refits.values()
    }
    assert refits["l2"].parameters["training.epochs"] == 3


@pytest.mark.usefixtures("trials_here")
def test_a_stage_without_a_winner_stops_the_sweep_with_an_error(tmp_path):
    text = STAGED.replace("[0.5, 0.05, 1.0e-3]", "[1e30]").replace(
        "training: {", "loss: {type: mse}\n  training: {"
    )
    text = text.replace("hidden: [6]", "hidden: [6], output_activation: identity")
    with pytest.raises(SweepError, match="stage lr has nothing to choose: none of its 1 points"):
        sweep(tmp_path, text=text)
    view = next(tmp_path.glob("runs/2*/trials.csv")).read_text()
    assert "diverged" in view


@pytest.mark.usefixtures("trials_here")
def test_points_that_differ_only_in_their_seed_are_one_choice_and_the_first_seed_is_used(tmp_path):
    head = STAGED.partition("stages:")[0]
    stages = """stages:
  - {name: s, parameters: {seed: [5, 4], optimizer.lr: [1.0e-3, 0.5]}}
  - {name: l1, from: s, parameters: {regularization.l1: [1e-3]}}
"""
    result = sweep(tmp_path, text=head + stages)
    (_, ranked), (_, (last,)) = result.rankings
    assert [len(point.trials) for point in ranked] == [2, 2]
    won = {"seed": 5, **ranked[0].parameters}
    assert last.first_trial.parameters == {**won, "regularization.l1": 1e-3}


@pytest.mark.usefixtures("trials_here")
def test_repeats_have_their_own_seeds_and_one_mean(tmp_path):
    result = sweep(tmp_path, "optimizer.lr=0.5", "seeds=2")
    assert [row.parameters["seed"] for row in rows(result)] == [0, 1]
    ((_, (point,)),) = result.rankings
    assert len(point.values) == 2
    assert point.std is not None


@pytest.mark.parametrize(
    ("values", "error"),
    [
        (["data.validation=0.1,0"], "command line: data.validation=0.1,0: data.validation: leaves"),
        (
            ["data.validation=0.1,5000"],
            "command line: data.validation=0.1,5000: data.validation: 5,",
        ),
        (["metric.name=test_loss", "seed=1,2"], "s.yaml: training.test: is never"),
        (
            ["model.hidden=[3]", "optimizer.lr=1,-1"],
            "command line: optimizer.lr=1,-1: optimizer.lr",
        ),
    ],
)
def test_what_is_wrong_with_any_trial_leaves_no_folder(tmp_path, values, error):
    with pytest.raises(ConfigError) as caught:
        sweep(tmp_path, *values)
    assert error.split(": ")[-1] in str(caught.value)
    assert not (tmp_path / "runs").exists()


@pytest.mark.usefixtures("trials_here")
def test_a_sweep_whose_data_or_libraries_have_changed_is_not_mixed_with_them(tmp_path):
    result = sweep(tmp_path, "optimizer.lr=0.5")
    (name,) = records(result)
    trial = RunDir(result.sweep_dir / "trials" / name)
    record = read_run_json(trial)
    write_run_json(trial, {**record, "versions": {**record["versions"], "numpy": "1.0"}})
    view = (result.sweep_dir / "trials.csv").read_text()
    with pytest.raises(UsageError, match=r"numpy: was 1\.0"):
        resume(result, "optimizer.lr=0.05")
    assert resume(result, force=True).trials["finished"] == 2
    write_run_json(trial, {**record, "dataset": {**record["dataset"], "sha256": "0" * 64}})
    with pytest.raises(UsageError, match="the dataset digits has changed"):
        resume(result, "optimizer.lr=0.01")
    assert view in (result.sweep_dir / "trials.csv").read_text()


@pytest.mark.usefixtures("trials_here")
def test_an_ended_trial_may_be_of_another_processor_and_one_to_be_resumed_not(tmp_path):
    result = sweep(tmp_path, "optimizer.lr=0.5")
    (name,) = records(result)
    trial = RunDir(result.sweep_dir / "trials" / name)
    record = read_run_json(trial)
    other = {**record["arithmetic"]["processor"], "name": "abacus"}
    record["arithmetic"]["processor"] = other
    write_run_json(trial, record)
    assert resume(result, "optimizer.lr=0.05").trials["finished"] == 2
    write_run_json(trial, {**record, "status": "interrupted"})
    with pytest.raises(UsageError, match=r"processor\.name: was abacus"):
        resume(result)
    assert resume(result, force=True).trials["finished"] == 2


def test_a_worker_with_other_settings_is_refused(tmp_path, monkeypatch):
    here = arithmetic()
    settings = {**here["settings"], "interpreted": "perhaps"}
    monkeypatch.setattr(dispatch, "arithmetic", lambda: {**here, "settings": settings})
    with pytest.raises(SweepError, match=r"interpreted: was perhaps, is (True|False)"):
        sweep(tmp_path, "optimizer.lr=0.5")


@pytest.mark.usefixtures("trials_here")
def test_a_view_is_not_written_for_each_of_many_trials(monkeypatch, tmp_path):
    written = []
    monkeypatch.setattr(ledger, "SECONDS_BETWEEN_VIEWS", 3600.0)
    real = ledger.trials_text
    monkeypatch.setattr(ledger, "trials_text", lambda rows: written.append(1) or real(rows))
    sweep(tmp_path, "optimizer.lr=0.5,0.05,0.01")
    assert len(written) == 2


def test_no_more_workers_than_processors():
    from mnistlab.sweeps.sweep_run import worker_count

    assert (worker_count(None, 4), worker_count(3, 4), worker_count(9, 4)) == (4, 3, 4)
    with pytest.raises(UsageError):
        worker_count(0, 4)
    assert os.cpu_count()
