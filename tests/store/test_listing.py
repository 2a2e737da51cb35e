from datetime import timedelta
from pathlib import Path

import pytest
from browse_helpers import STARTED, held, make_run, make_sweep

from mnistlab.cli.commands.runs import runs
from mnistlab.store.browse.comparison import compare
from mnistlab.store.browse.found import best_of
from mnistlab.store.browse.listing import list_runs
from mnistlab.store.browse.summary import read_run
from mnistlab.store.browse.sweep_summary import read_sweep
from mnistlab.store.metrics import METRICS, MetricsRow
from mnistlab.support.errors import UsageError


def listed_as_done(folder, capsys):
    """The column `done` of `mnistlab runs` for the single run in a folder."""
    runs([folder])
    _head, line = capsys.readouterr().out.splitlines()
    start = line.index("/")
    return " ".join(line[line.rindex("  ", 0, start) :].split()[:2])


def test_a_finished_run_has_its_best_and_final_metrics(tmp_path):
    run = read_run(make_run(tmp_path / "run"))
    assert (run.record.status, run.alive, run.record.started) == ("finished", None, STARTED)
    assert (run.record.epochs, run.planned) == (3, 3)
    assert run.best == {"val_accuracy": 0.9}
    assert run.record.metrics["val_accuracy"] == 0.875


@pytest.mark.parametrize("name", ["test_accuracy", "train_accuracy"])
def test_without_validation_the_best_is_what_was_measured(tmp_path, name):
    metrics = {"val_accuracy": None, name: 0.5}
    assert read_run(make_run(tmp_path / "run", metrics=metrics, best=None)).best == {name: 0.5}


def test_a_run_is_alive_as_long_as_a_process_holds_it(tmp_path):
    folder = make_run(tmp_path / "run", status="running")
    with held(folder):
        assert read_run(folder).alive is True
        assert read_run(folder).alive is True  # checking does not take the lock from its holder
    assert read_run(folder).alive is False


def test_a_running_run_has_the_metrics_measured_so_far(tmp_path):
    folder = make_run(tmp_path / "run", status="running", epochs=0, best=None)
    rows = [MetricsRow(n, 10 * n, val_accuracy=a) for n, a in ((1, 0.4), (2, 0.6), (3, 0.5))]
    (folder / "metrics.csv").write_text(METRICS.text(rows) + "4,40,0.")
    run = read_run(folder)
    assert run.record.epochs == 3
    assert run.best == {"val_accuracy": 0.6}
    assert run.record.metrics["val_accuracy"] == 0.5


def test_an_epoch_under_way_is_not_counted(tmp_path):
    record = {"status": "running", "epochs": 0, "best": None, "steps_per_epoch": 10}
    folder = make_run(tmp_path / "run", **record)
    rows = [MetricsRow(1, 4), MetricsRow(1, 8), MetricsRow(2, 12)]
    (folder / "metrics.csv").write_text(METRICS.text(rows))
    run = read_run(folder)
    assert (run.record.epochs, run.record.steps) == (1, 12)


def test_a_run_counted_in_steps_is_listed_in_steps(tmp_path, capsys):
    length = {"training": {"epochs": None, "steps": 50}}
    folder = make_run(tmp_path / "run", length, status="interrupted", epochs=0, steps=37)
    run = read_run(folder)
    assert (run.planned, run.record.steps, run.planned_steps) == (None, 37, 50)
    assert listed_as_done(tmp_path, capsys) == "37/50 steps"


def test_a_run_cut_in_its_first_epoch_has_done_none(tmp_path, capsys):
    make_run(tmp_path / "run", status="interrupted", epochs=0, steps=37)
    assert listed_as_done(tmp_path, capsys) == "0/3 epochs"


def test_a_run_that_died_before_its_first_record_is_listed(tmp_path):
    folder = make_run(tmp_path / "run")
    (folder / "run.json").unlink()
    run = read_run(folder)
    assert (run.record.status, run.alive, run.record.epochs, run.best) == (
        *("interrupted", False, 0, {}),
    )
    assert run.record.config["training"]["epochs"] == 3


def test_a_sweep_counts_its_trials_and_has_the_best_ones_metric(tmp_path):
    folder = make_sweep(tmp_path / "20261121-140000-s", ["stopped_early", "diverged", "failed"])
    sweep = read_sweep(folder)
    assert sweep.status == "finished"
    assert sweep.started == STARTED
    assert sweep.trials == {"finished": 1, "diverged": 1, "failed": 1, "pending": 0}
    assert sweep.best == {"val_accuracy": 0.875}
    assert sweep.best_run == (folder / "best").resolve()


def test_a_sweep_with_trials_left_is_running_or_interrupted(tmp_path):
    folder = make_sweep(tmp_path / "s", ["finished", "running", "pending"], "val_loss")
    (folder / ".lock").touch()
    with held(folder / ".lock"):
        assert read_sweep(folder).status == "running"
    sweep = read_sweep(folder)
    assert sweep.status == "interrupted"
    assert sweep.trials == {"finished": 1, "pending": 2}
    assert sweep.best == {"val_loss": 0.5}


def test_a_trial_that_has_ended_since_trials_csv_was_written_counts(tmp_path):
    folder = make_sweep(tmp_path / "s", ["finished", "pending"])
    make_run(folder / "trials" / "0001-000000000001")
    assert read_sweep(folder).trials == {"finished": 2, "pending": 0}


def test_a_sweep_whose_later_stage_has_no_trial_yet_is_not_finished(tmp_path):
    folder = make_sweep(tmp_path / "s", [])
    (folder / "sweep.yaml").write_text("stages: [{name: one}, {name: two}]\nrefit: [two]\n")
    make_run(folder / "trials" / "0000-000000000000")
    head, row = "trial,status,stage,run_dir", "0,finished,{},trials/0000-000000000000"
    (folder / "trials.csv").write_text(f"{head}\n{row.format('one')}\n")
    assert read_sweep(folder).status == "interrupted"
    (folder / "trials.csv").write_text(f"{head}\n{row.format('one two refit:two')}\n")
    assert read_sweep(folder).status == "finished"


def test_a_folder_of_runs_is_listed_the_oldest_first_and_links_left_out(tmp_path):
    first, second, third = (f"20261121-140000-{name}" for name in ("1-run", "2-sweep", "3-run"))
    make_sweep(tmp_path / second, ["finished"])
    make_run(tmp_path / third)
    make_run(tmp_path / first)
    (tmp_path / "latest").symlink_to(third)
    listing = list_runs([tmp_path])
    assert [entry.path.name for entry in listing.entries] == [first, second, third]
    assert listing.faults == ()


def test_a_sweeps_trials_are_listed(tmp_path):
    names = [e.path.name for e in list_runs([make_sweep(tmp_path / "s", ["failed"] * 2)]).entries]
    assert names == ["0000-000000000000", "0001-000000000001"]


def test_damaged_entries_are_named_and_the_others_listed(tmp_path):
    make_run(tmp_path / "1-run")
    (make_run(tmp_path / "2-run") / "run.json").write_text("[]")
    (make_sweep(tmp_path / "3-sweep", []) / "sweep.yaml").write_text("a: [")
    listing = list_runs([tmp_path])
    assert [entry.path.name for entry in listing.entries] == ["1-run"]
    assert [("2-run" in fault, "3-sweep" in fault) for fault in listing.faults] == [
        (True, False),
        (False, True),
    ]


DAMAGED = {
    "sweep.yaml": ["stages: 3", "stages: [a]", "metric: 3", "refit: 3", f"seed: {'9' * 6000}"],
    "trials.csv": [
        "trial\n1",
        "trial,status,run_dir\n1,finished",
        f"{'9' * 200_000},status,run_dir\n1,finished,trials/0000-000000000000",
        "trial,status,run_dir\n1,perhaps,trials/0000-000000000000",
        "trial,status,run_dir\n1,finished,trials/0000-000000000000,more",
    ],
}


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, texts in DAMAGED.items() for text in texts]
)
def test_a_damaged_table_or_configuration_of_a_sweep_is_named(tmp_path, name, text):
    make_run(tmp_path / "1-run")
    (make_sweep(tmp_path / "2-sweep", ["finished"]) / name).write_text(text)
    listing = list_runs([tmp_path])
    assert [entry.path.name for entry in listing.entries] == ["1-run"]
    (fault,) = listing.faults
    assert fault.startswith(str(tmp_path / "2-sweep" / name))


@pytest.mark.parametrize(
    "text",
    [
        f"{'9' * 200_000}\n1\n",
        "epoch,step\n1,2\n",
        f"epoch,step,val_accuracy\n1,{'9' * 6000},\n",
        "epoch,step,val_accuracy\n1,2,high\n",
        "epoch,step,val_accuracy\n1\n",
    ],
)
def test_a_damaged_table_of_a_run_under_way_is_named(tmp_path, text):
    folder = make_run(tmp_path / "1-run", status="running")
    (folder / "metrics.csv").write_text(text)
    (fault,) = list_runs([tmp_path]).faults
    assert fault.startswith(str(folder / "metrics.csv"))


def test_what_is_no_folder_of_runs_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no such folder"):
        list_runs([tmp_path / "nowhere"])


def seeded(folder, stage, columns, rows):
    """A sweep's folder whose trials have these metrics; the first is the best."""
    make_sweep(folder, [])
    lines = [f"trial,status,stage,optimizer.lr,seed,{','.join(columns)},run_dir"]
    for number, (rate, seed, *values) in enumerate(rows):
        run_dir = f"trials/{number:04d}-{number:012x}"
        make_run(folder / run_dir, metrics=dict(zip(columns, values, strict=True)))
        figures = ",".join(str(value or "") for value in values)
        lines.append(f"{number},finished,{stage},{rate},{seed},{figures},{run_dir}")
    (folder / "trials.csv").write_text("\n".join(lines) + "\n")
    (folder / "best").symlink_to("trials/0000-000000000000")
    return folder


def test_a_sweep_tells_the_mean_and_the_deviation_of_the_winner_over_its_seeds(tmp_path, capsys):
    rows = [(0.1, 0, 0.9, 0.8), (0.2, 0, 0.5, 0.1), (0.1, 1, 0.8, 0.7)]
    folder = seeded(tmp_path / "s", "", ["val_accuracy", "test_accuracy"], rows)
    sweep = read_sweep(folder)
    assert sweep.best == {"val_accuracy": pytest.approx(0.85)}
    assert sweep.best_std == pytest.approx(0.1 / 2**0.5)
    assert (sweep.test_accuracy, sweep.test_accuracy_std) == pytest.approx((0.75, 0.1 / 2**0.5))
    runs([tmp_path])
    assert "  val_accuracy 85.00 ± 7.07%  75.00 ± 7.07%" in capsys.readouterr().out


def test_a_staged_sweep_tells_what_its_refit_has_tested(tmp_path):
    rows = [(0.1, 0, None, 0.8), (0.1, 1, None, 0.7)]
    folder = seeded(tmp_path / "s", "refit:two", ["val_accuracy", "test_accuracy"], rows)
    assert read_sweep(folder).best == {"test_accuracy": pytest.approx(0.75)}


def make_report(folder):
    """A reproduced report with one of two experiments done."""
    folder.mkdir()
    (folder / "report.yaml").write_text("name: a\nexperiments: {one: {}, two: {}}\n")
    make_sweep(folder / "experiments" / "one", ["finished", "finished"])
    return folder


def test_a_reproduced_report_is_listed_with_its_experiments(tmp_path, capsys):
    report = make_report(tmp_path / "20261121-140000-report-a")
    (entry,) = list_runs([tmp_path]).entries
    assert (entry.status, entry.done, entry.planned) == ("interrupted", 1, 2)
    runs([tmp_path])
    assert "1/2 experiments" in capsys.readouterr().out
    (experiment,) = list_runs([report]).entries
    assert experiment.path.name == "one"
    assert len(compare([report]).runs) == 2


def test_a_damaged_report_is_named(tmp_path):
    make_report(tmp_path / "r")
    (tmp_path / "r" / "report.yaml").write_text("experiments: 3\n")
    (fault,) = list_runs([tmp_path]).faults
    assert "report.yaml: experiments: found 3, expected a mapping" in fault


def test_the_best_trial_stands_for_a_sweep_and_is_told(tmp_path, monkeypatch):
    sweep, run = make_sweep(tmp_path / "s", ["finished"]), make_run(tmp_path / "r")
    told = []
    assert best_of(run, told.append) == run
    assert best_of(sweep, told.append).resolve() == sweep / "trials" / "0000-000000000000"
    assert told == [f"{sweep} is a sweep: using its best trial, {sweep}/trials/0000-000000000000"]
    monkeypatch.chdir(tmp_path)
    best_of(Path("s"), told.append)
    assert told[-1] == "s is a sweep: using its best trial, s/trials/0000-000000000000"
    with pytest.raises(UsageError, match="without a best trial yet"):
        best_of(make_sweep(tmp_path / "empty", []))


def test_several_folders_sweeps_and_runs_are_one_listing_by_age(tmp_path, capsys):
    old, new = (STARTED + timedelta(hours=hours) for hours in (-1, 1))
    first = make_run(tmp_path / "a" / "z", started=old.isoformat())
    alone = make_run(tmp_path / "b" / "deep" / "y", started=new.isoformat())
    sweep = make_sweep(tmp_path / "s", ["finished"])
    trial = sweep / "trials" / "0000-000000000000"
    listing = list_runs([tmp_path / "a", sweep, alone, tmp_path / "a", alone])
    assert [entry.path for entry in listing.entries] == [first, trial, alone]
    assert listing.folders == (tmp_path / "a", sweep, alone)
    runs([tmp_path / "a", alone])
    told = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert told == ["folder", "a/z", "b/deep/y"]


def test_a_listing_is_filtered_and_sorted_by_what_its_entries_are(tmp_path):
    make_run(tmp_path / "1-run", {"seed": 4})
    make_run(tmp_path / "2-run", {"seed": 3}, status="interrupted")
    make_sweep(tmp_path / "3-sweep", ["finished"])

    def names(where=None, sort=None):
        return [entry.path.name for entry in list_runs([tmp_path], where, sort).entries]

    assert names("kind == 'run'") == ["1-run", "2-run"]
    assert names("kind == 'sweep' or seed == 3") == ["2-run", "3-sweep"]
    assert names("status == 'finished' and val_accuracy > 0.8") == ["1-run", "3-sweep"]
    assert names(sort="seed") == ["2-run", "1-run", "3-sweep"]
    assert names(sort="-folder") == ["3-sweep", "2-run", "1-run"]
    with pytest.raises(UsageError, match=r"no run has a key 'sede'; did you mean seed\?"):
        names("sede == 3")
    with pytest.raises(UsageError, match=r"--sort: found 'sede'.*mean seed\?"):
        names(sort="sede")
