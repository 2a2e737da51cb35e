"""Sweeps that rank by several metrics: the Pareto front, in every file and on the screen."""

import csv
import dataclasses
import json
import shutil

import pytest

from mnistlab.config.load_sweep import parse_sweep
from mnistlab.figures.gallery import Drawn, LeftOut, SavedFigures
from mnistlab.figures.sweep_figures import sweep_figures
from mnistlab.pages.sweep_report import write_sweep_report
from mnistlab.python.sweep import Sweep
from mnistlab.statistics.pareto import domination_ranks
from mnistlab.store.browse.listing import list_runs
from mnistlab.store.sweep_dir import SweepDir
from mnistlab.support.errors import ConfigError
from mnistlab.sweeps.sweep_run import check
from mnistlab.sweeps.trials import Datasets
from mnistlab.terminal.sweep_result import tell_sweep
from tools.here_executor import trials_in_this_process
from tools.short_sweeps import RUN, fingerprints, resume, rows, sweep

METRICS = "metric=[val_accuracy, parameters]"
SPACE = ("model.hidden=[2],[3],[4],[6],[8],[12]", "optimizer.lr={loguniform: [1.0e-3, 1]}")
METHODS = {
    "random": (*SPACE, "method={type: random, trials: 12}"),
    "tpe": (*SPACE, "method={type: tpe, trials: 12, startup: 4}"),
    "grid": (SPACE[0], "optimizer.lr=0.3,0.01"),
}


@pytest.fixture(scope="module", params=METHODS)
def result(request, tmp_path_factory):
    if request.param == "tpe":
        pytest.importorskip("optuna")
    with trials_in_this_process():
        home = tmp_path_factory.mktemp(request.param)
        return sweep(home, *METHODS[request.param], METRICS, workers=1)


def ranking(result) -> list[dict[str, str]]:
    with (result.sweep_dir / "ranking.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_ranks_are_those_of_domination_and_the_front_comes_first(result):
    found = rows(result)
    assert len(found) == 12
    scores = [(row.metrics["val_accuracy"], -row.metrics["parameters"]) for row in found]
    ranks = dict(zip((row.trial for row in found), domination_ranks(scores), strict=True))
    listed = [(int(row["trials"]), int(row["rank"])) for row in ranking(result)]
    assert dict(listed) == ranks
    assert [rank for _, rank in listed] == sorted(ranks.values())
    assert [row["front"] for row in ranking(result)] == [
        "yes" if ranks[trial] == 1 else "" for trial, _ in listed
    ]
    assert {1} < set(ranks.values())


def test_the_number_of_parameters_is_that_of_the_network(result):
    for row in rows(result):
        (hidden,) = row.parameters["model.hidden"]
        assert row.metrics["parameters"] == 785 * hidden + (hidden + 1) * 10
    (column,) = {tuple(Sweep(result.sweep_dir).trials["parameters"].to_list())}
    assert list(column) == [row.metrics["parameters"] for row in rows(result)]


def test_the_best_is_the_point_of_the_front_with_the_best_first_metric(result):
    best = max(
        rows(result), key=lambda row: (row.metrics["val_accuracy"], -row.metrics["parameters"])
    )
    assert (result.sweep_dir / "best").resolve() == (result.sweep_dir / best.run_dir).resolve()
    assert result.rankings[0][1][0].first_trial.trial == best.trial


def test_the_json_document_has_the_front_and_the_screen_says_what_it_is(result, capsys):
    assert tell_sweep(result, quiet=False, json=True) == 0
    told = capsys.readouterr()
    document = json.loads(told.out)
    front = [row for row in ranking(result) if row["front"]]
    assert [one["metrics"]["val_accuracy"] for one in document["front"]] == [
        float(row["val_accuracy_mean"]) for row in front
    ]
    assert document["front"][0] == document["best"]
    assert f"rank 1 is the Pareto front, {len(front)} of 12 points" in told.err


def test_runs_lists_the_trials_by_their_ranks_and_the_sweep_with_its_front(result):
    trials = list_runs([result.sweep_dir]).entries
    expected = [(int(row["trials"]), int(row["rank"])) for row in ranking(result)]
    assert [(int(one.path.name[:4]), one.rank) for one in trials] == expected
    (listed,) = list_runs([result.sweep_dir.parent]).entries
    assert listed.front == tuple(trial for trial, rank in expected if rank == 1)
    assert set(listed.best) == {"val_accuracy", "parameters"}


def test_the_page_has_the_front_its_figure_and_no_ranking_by_one_metric(result):
    found = {one.name: one for one in sweep_figures(SweepDir(result.sweep_dir))}
    assert isinstance(found["pareto"], Drawn)
    assert isinstance(found["bars"], LeftOut)
    front = [row for row in ranking(result) if row["front"]]
    (axes,) = found["pareto"].figure.axes[1:]
    dots = next(one for one in axes.collections if one.get_label() == "front")
    assert sorted(dots.get_offsets().tolist()) == sorted(
        [float(row["parameters_mean"]), 100 * float(row["val_accuracy_mean"])] for row in front
    )
    page = write_sweep_report(
        SweepDir(result.sweep_dir), SavedFigures(result.sweep_dir, [], {}, [])
    ).read_text(encoding="utf-8")
    assert f"On the Pareto front (rank 1): {len(front)} point" in page


@pytest.mark.usefixtures("trials_here")
def test_lost_trials_are_asked_for_again(result, tmp_path):
    copy = tmp_path / "runs" / "copy"
    shutil.copytree(result.sweep_dir, copy, symlinks=True)
    for folder in sorted(copy.glob("trials/*"))[5:]:
        shutil.rmtree(folder)
    again = resume(_at(result, copy), workers=1)
    assert fingerprints(again) == fingerprints(result)
    assert (copy / "ranking.csv").read_text() == (result.sweep_dir / "ranking.csv").read_text()


@pytest.mark.usefixtures("trials_here")
def test_training_seconds_are_those_of_run_json_and_seeds_are_averaged(tmp_path):
    result = sweep(
        tmp_path, "optimizer.lr=0.3,0.01", "seeds=2", "metric=[val_loss, seconds]", workers=1
    )
    for row in rows(result):
        record = json.loads((result.sweep_dir / row.run_dir / "run.json").read_text())
        assert row.metrics["seconds"] == record["seconds"]["train"] > 0
    for row in ranking(result):
        numbers = list(map(int, row["trials"].split()))
        seconds = [one.metrics["seconds"] for one in rows(result) if one.trial in numbers]
        assert float(row["seconds_mean"]) == pytest.approx(sum(seconds) / 2)
        assert row["seconds_std"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (("metric=[val_accuracy, secnods]",), "metric.1.name: found 'secnods', must be one of"),
        (("metric=[]",), "metric: found an empty list, must be a list of at least 1"),
        (("metric=[val_loss, val_loss]",), "metric.1: found 'val_loss' a second time"),
        (("metric=seconds",), "found seconds; the first or only metric must be a loss or an"),
        (("metric=[seconds, val_loss]",), "found seconds; the first or only metric must be a loss"),
        (
            ("metric=[val_loss, {name: seconds, gaol: minimize}]",),
            "metric.1.gaol: unknown key 'gaol'",
        ),
        ((METRICS, "prune={type: median}"), "prune: compares trials by one metric, and metric has"),
        (
            (METRICS, "method={type: cma, trials: 9}", "optimizer.momentum={uniform: [0, 0.9]}"),
            "method: method cma learns from one metric, and metric has 2",
        ),
        ((METRICS, "stop={reached: 0.9}"), "stop.reached: is about one metric"),
        ((METRICS, "stop={plateau: {trials: 3}}"), "stop.plateau: is about one metric"),
        (("metric=[val_loss, test_loss]",), "training.test: is never, so test_loss is never"),
    ],
)
def test_what_several_metrics_do_not_allow_is_named(values, message, tmp_path):
    arguments = [SPACE[1], "method={type: random, trials: 3}", *values]
    with pytest.raises(ConfigError) as raised:
        check(parse_sweep(RUN, "s.yaml", arguments), Datasets(tmp_path))
    assert any(message in told for told in raised.value.messages), raised.value.messages


def test_a_name_or_a_mapping_stands_for_a_list_of_it():
    for written in ("val_loss", "{name: val_loss}", "[val_loss]", "[{name: val_loss}]"):
        source = parse_sweep(RUN, "s.yaml", [SPACE[0], f"metric={written}"])
        assert source.config.metric_names == ("val_loss",)
        assert source.mapping()["metric"] == {"name": "val_loss", "goal": "minimize"}
    source = parse_sweep(RUN, "s.yaml", [SPACE[0], "metric=[val_loss, {name: seconds}]"])
    assert source.mapping()["metric"] == [
        {"name": "val_loss", "goal": "minimize"},
        {"name": "seconds", "goal": "minimize"},
    ]
    assert parse_sweep(source.text(), "sweep.yaml").config == source.config


def _at(result, folder):
    return dataclasses.replace(result, sweep_dir=folder)
