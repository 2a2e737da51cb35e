import math
import shutil

import pytest
from library_helpers import TINY

import mnistlab
from tools.here_executor import trials_in_this_process


class Trials(mnistlab.Callback):
    """Keeps the trials that have ended."""

    def __init__(self):
        self.ended = {}

    def on_trial_end(self, run, row):
        self.ended[row.parameters["optimizer.lr"]] = (run.status, run.path)


@pytest.fixture(scope="module")
def heard():
    return Trials()


@pytest.fixture(scope="module")
def swept(tmp_path_factory, heard):
    folder = tmp_path_factory.mktemp("swept")
    rates = {"optimizer.lr": [0.1, 0.01, 1e30]}
    options = {"runs_dir": folder, "data_dir": folder, "plots": False, "quiet": True}
    with trials_in_this_process():
        return mnistlab.sweep(TINY, rates, callbacks=[heard], **options)


def test_trials_and_ranking_are_tables(swept):
    assert swept.status == "finished"
    trials = swept.trials
    assert trials["status"].tolist() == ["finished", "finished", "diverged"]
    assert trials["optimizer.lr"].tolist() == [0.1, 0.01, 1e30]
    ranking = swept.ranking
    assert ranking["val_accuracy_mean"].iloc[0] == trials["val_accuracy"].max()
    assert math.isnan(ranking["rank"].iloc[2])


@pytest.mark.parametrize("name", ["trials", "ranking"])
def test_a_table_that_is_not_as_it_was_written_is_refused(swept, tmp_path, name):
    copy = tmp_path / "copy"
    shutil.copytree(swept.path, copy, symlinks=True)
    path = copy / f"{name}.csv"
    path.write_text(path.read_text().replace("0.", "1.", 1))
    with pytest.raises(mnistlab.UsageError, match=rf"{name}\.csv: is damaged"):
        getattr(mnistlab.load_sweep(copy), name)


def test_the_best_and_all_others_are_runs(swept):
    best = swept.trials["val_accuracy"].idxmax()
    assert str(swept.best.path) == swept.trials["run_dir"][best]
    assert [str(run.path) for run in swept.runs] == swept.trials["run_dir"].tolist()


def test_its_figures_are_drawn_when_asked_and_shown_in_notebooks(swept):
    assert "learning_curves" in swept.figure_names
    picture, size = swept.figure("learning_curves")._repr_png_()
    assert picture.startswith(b"\x89PNG")
    assert size == {"width": 1056}
    with pytest.raises(mnistlab.UsageError, match="did you mean learning_curves"):
        swept.figure("learning_curve")


def test_callbacks_receive_each_trial(swept, heard):
    ended = zip(swept.trials["status"], (run.path for run in swept.runs), strict=True)
    assert heard.ended == dict(zip(swept.trials["optimizer.lr"], ended, strict=True))


def test_a_sweep_that_has_ended_is_opened_and_resumed_as_it_is(swept):
    assert mnistlab.load_sweep(swept).config == swept.config
    assert repr(swept) == f"<Sweep {swept.path}: finished, 2 finished, 1 diverged>"
    again = mnistlab.resume(swept, plots=False, quiet=True)
    assert again.trials.equals(swept.trials)


def test_its_configuration_can_be_swept_again(swept):
    with pytest.raises(mnistlab.ConfigError, match="method"):
        mnistlab.sweep({**swept.config, "method": "no"})
    assert swept.config["parameters"] == {"optimizer.lr": [0.1, 0.01, 1e30]}


def test_a_file_of_a_run_can_be_varied_and_repeated(home):
    (home / "tiny.yaml").write_text(
        "data: {source: digits, train_limit: 60}\ntraining: {epochs: 1}\nmodel: {hidden: [4]}\n"
    )
    options = {"plots": False, "quiet": True, "workers": 1}
    swept = mnistlab.sweep("tiny.yaml", {"optimizer.lr": [0.1]}, seeds=2, **options)
    assert swept.trials["seed"].tolist() == [0, 1]
    assert swept.ranking["seeds"].tolist() == [2]


def test_runs_and_sweeps_are_compared_in_one_table(trained, swept):
    table = mnistlab.compare([trained, swept])
    assert table.index.tolist() == [str(trained.path), *swept.trials["run_dir"]]
    assert table["optimizer.lr"].tolist() == [0.1, 0.1, 0.01, 1e30]
    assert table["val_accuracy"].iloc[0] == trained.final_metrics["val_accuracy"]
    assert table["status"].iloc[-1] == "diverged"
    assert len(mnistlab.compare(trained)) == 1


def test_a_damaged_run_is_not_left_out_in_silence(trained, tmp_path):
    (tmp_path / "config.yaml").touch()
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(mnistlab.UsageError, match=r"run\.json:1:2"):
        mnistlab.compare([trained, tmp_path])


def test_comparisons_have_the_options_of_the_command(trained, swept):
    assert len(mnistlab.compare([trained, swept], where="status == 'diverged'")) == 1
    groups = mnistlab.compare(swept, group_by="optimizer.lr", metric="val_accuracy")
    assert list(groups["runs"]) == [1, 1]
    assert groups["val_accuracy_mean"].is_monotonic_decreasing
    assert "test_accuracy_mean" not in groups
    against = mnistlab.compare(swept, group_by=["all"], against=swept.best)
    assert against["is_baseline"].sum() == 1
    beside = mnistlab.compare(swept, against=swept.best, sort="-val_accuracy")
    assert beside["difference"].isna().sum() == 2  # the baseline, and the trial that diverged
    with pytest.raises(mnistlab.UsageError, match="where, column 1"):
        mnistlab.compare(swept, where="sed == 3")


def test_a_folder_is_listed_as_a_table(trained, swept):
    table = mnistlab.runs(trained.path.parent)
    assert table.loc[str(trained.path), "kind"] == "run"
    assert table.loc[str(trained.path), "seed"] == trained.config["seed"]
    both = mnistlab.runs([trained.path.parent, swept], sort="val_accuracy")
    assert set(both.index) == {str(trained.path), *swept.trials["run_dir"]}
    known = both["val_accuracy"].dropna()
    assert known.is_monotonic_decreasing
    assert known.nunique() > 1
    only = mnistlab.runs([trained.path.parent, swept.path.parent], where="kind == 'sweep'")
    assert only.index.tolist() == [str(swept.path)]


def test_the_page_of_a_comparison_is_written_from_python(trained, swept, tmp_path):
    page = tmp_path / "page.html"
    groups = mnistlab.compare([trained, swept], group_by="optimizer.lr", html=page)
    assert len(groups) == 2
    assert "4 runs compared" in page.read_text(encoding="utf-8")


def test_runs_are_removed_renamed_measured_and_pruned_from_python(swept, tmp_path):
    runs = tmp_path / "runs"
    for name in ("a", "b"):
        shutil.copytree(swept.best.path.resolve(), runs / name, symlinks=True)
    sizes = mnistlab.du(runs)
    assert sizes.index.tolist() == [str(runs / "a"), str(runs / "b")]
    assert (sizes["bytes"] == sizes.drop(columns="bytes").sum(axis=1)).all()
    pruned = mnistlab.prune(mnistlab.load_run(runs / "a"))
    assert pruned.bytes == sizes["bytes"].iloc[0] - mnistlab.du(runs / "a")["bytes"].iloc[0]
    assert mnistlab.mv(runs / "a", "kept") == runs / "kept"
    trash = mnistlab.rm([runs / "b"], runs_dir=runs)
    assert trash == {runs / "b": runs / ".trash" / "b"}
    assert mnistlab.runs(runs).index.tolist() == [str(runs / "kept")]
    with pytest.raises(mnistlab.UsageError, match="lies outside"):
        mnistlab.rm(swept, runs_dir=runs)
