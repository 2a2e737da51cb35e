"""The folders are the record: they determine what is done, and who may change them."""

import json
import subprocess
import sys

import pytest

from mnistlab.config import load_run_config
from mnistlab.config.load_sweep import parse_sweep
from mnistlab.store.locks import RunInUseError, only_process, only_sweeper
from mnistlab.store.sweep_dir import SweepDir
from mnistlab.support.errors import UsageError
from mnistlab.sweeps.ledger import Ledger
from mnistlab.sweeps.space import checked_points
from mnistlab.sweeps.trials import Datasets, identify
from tools.short_sweeps import RUN

BEGUN = {"started": "2026-11-21T14:00:00+00:00", "config": {}}


@pytest.fixture
def sweep_dir(tmp_path):
    (tmp_path / "sweep").mkdir()
    return SweepDir(tmp_path / "sweep")


@pytest.fixture
def trials(tmp_path):
    datasets = Datasets(tmp_path)
    source = parse_sweep(RUN, "s", ["optimizer.lr=0.1,0.2,0.3,0.4"])
    return [
        identify(config, point.parameters, datasets) for _, point, config in checked_points(source)
    ]


def ended(ledger, trial, **record):
    (ledger.prepare(trial).run_json).write_text(
        json.dumps({"status": "finished", **BEGUN, **record})
    )
    ledger.read(trial)


def test_a_trials_folder_is_made_once_with_its_configuration(sweep_dir, trials):
    ledger = Ledger(sweep_dir)
    ledger.add(trials[0], None)
    assert not ledger.run_dir(trials[0]).path.exists()
    first = ledger.prepare(trials[0])
    assert first.name == f"0000-{trials[0].id}"
    assert load_run_config(first.config) == trials[0].config
    assert ledger.prepare(trials[0]).path == first.path


def test_what_is_done_is_found_again_by_its_id_whatever_the_plan(sweep_dir, trials):
    ledger = Ledger(sweep_dir)
    for trial in trials[:2]:
        ledger.add(trial, None)
        ended(ledger, trial, metrics={"val_accuracy": 0.5})
    again = Ledger(sweep_dir)
    for trial in reversed(trials):
        again.add(trial, None)
    found = {row.parameters["optimizer.lr"]: (row.trial, row.status) for row in again.rows()}
    # What there was keeps its number; the others are numbered behind, or as planned where free.
    assert found == {
        0.1: (0, "finished"),
        0.2: (1, "finished"),
        0.3: (3, "pending"),
        0.4: (2, "pending"),
    }


def test_a_damaged_or_missing_record_is_no_end(sweep_dir, trials):
    ledger = Ledger(sweep_dir)
    ledger.add(trials[0], None)
    assert ledger.status(trials[0]) == "pending"
    ledger.prepare(trials[0]).run_json.write_text('{"status": "finis')
    assert ledger.read(trials[0]) == "pending"
    assert not ledger.has_ended(trials[0])


def test_what_a_killed_process_left_half_made_is_cleared_away(sweep_dir, trials):
    half = sweep_dir.trials / f".0000-{trials[0].id}"
    half.mkdir(parents=True)
    (half / "config.yaml").write_text("half")
    (sweep_dir.trials / "notes").mkdir()
    ledger = Ledger(sweep_dir)
    ledger.add(trials[0], None)
    assert ledger.prepare(trials[0]).config.exists()
    assert sorted(path.name for path in sweep_dir.trials.iterdir()) == [
        f"0000-{trials[0].id}",
        "notes",
    ]


def test_a_trial_of_two_stages_is_one_and_each_sees_its_own_parameters(sweep_dir, trials):
    ledger = Ledger(sweep_dir)
    ledger.add(trials[0], "lr")
    other = type(trials[0])(trials[0].id, trials[0].config, {"optimizer.lr": 0.1, "l1": 0})
    ledger.add(other, "l1")
    assert [row.stages for row in ledger.rows()] == [("lr", "l1")]
    assert ledger.rows("lr")[0].parameters == {"optimizer.lr": 0.1}
    assert ledger.rows("l1")[0].parameters == ledger.rows()[0].parameters == other.parameters


def test_a_failed_trial_keeps_what_was_known_and_says_why(sweep_dir, trials):
    ledger = Ledger(sweep_dir)
    for trial in trials[:2]:
        ledger.add(trial, None)
    ledger.prepare(trials[0]).run_json.write_text(
        json.dumps({"status": "running", "epochs": 3, **BEGUN})
    )
    for trial in trials[:2]:
        ledger.mark_failed(trial, "because")
    records = [json.loads(ledger.run_dir(trial).run_json.read_text()) for trial in trials[:2]]
    assert [(r["status"], r["reason"], r["epochs"]) for r in records] == [
        ("failed", "because", 3),
        ("failed", "because", 0),
    ]
    assert [row.reason for row in ledger.rows()] == ["because", "because"]


def test_a_trial_that_a_process_is_training_is_not_marked(sweep_dir, trials):
    ledger = Ledger(sweep_dir)
    ledger.add(trials[0], None)
    with only_process(ledger.prepare(trials[0])), pytest.raises(RunInUseError):
        ledger.mark_failed(trials[0], "because")
    assert ledger.read(trials[0]) == "pending"


def test_one_process_works_on_a_sweep_and_the_second_gets_its_name(sweep_dir):
    hold = (
        "import sys, time\nfrom pathlib import Path\n"
        "from mnistlab.store.locks import only_sweeper\n"
        "from mnistlab.sweeps.results import SweepDir\n"
        "with only_sweeper(SweepDir(Path(sys.argv[1]))):\n"
        "    print('held', flush=True)\n    time.sleep(60)\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", hold, str(sweep_dir.path)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "held\n"
    told = f"process {holder.pid} on .* is working on this sweep"
    with pytest.raises(UsageError, match=told), only_sweeper(sweep_dir):
        raise AssertionError("two processes have the sweep")
    holder.kill()
    holder.communicate()
    with only_sweeper(sweep_dir):
        assert f"process {holder.pid} " not in sweep_dir.lock.read_text()
