"""What a sweep says, from its folder: and that the commands it gives can be typed."""

import shlex
from pathlib import Path
from statistics import stdev

import pytest

from mnistlab.config.load_sweep import load_sweep
from mnistlab.findings import RankedStage, findings_of
from mnistlab.findings.sweep import edge
from mnistlab.findings.sweep.lead import find
from mnistlab.python.commands.sweep import resume_sweep, sweep
from mnistlab.statistics.power import seeds_to_tell
from mnistlab.store.status import Status
from mnistlab.store.sweep_dir import SweepDir
from mnistlab.support.metric_names import SPLIT_METRICS
from mnistlab.sweeps.ranking import ranking_of
from mnistlab.sweeps.results import TrialRow
from mnistlab.sweeps.sweep_options import SweepOptions
from tools.here_executor import trials_in_this_process

RUN = """\
run:
  data: {source: digits, train_limit: 200}
  model: {type: softmax}
  init: zeros
  training: {epochs: 2}
"""


def swept(home: Path, text: str) -> Path:
    (home / "sweep.yaml").write_text(RUN + text)
    source = load_sweep(home / "sweep.yaml", ())
    options = SweepOptions(data_dir=home / "data")
    with trials_in_this_process():
        return sweep(source, home / "runs", options, plots=False).sweep_dir


def test_a_best_value_at_the_edge_has_a_command_that_extends_the_grid(tmp_path):
    folder = swept(tmp_path, "parameters: {optimizer.lr: [0.0001, 0.001, 0.01]}\n")
    edge = next(text for text in findings_of(folder) if "To extend the grid" in text)
    assert edge.startswith("The best optimizer.lr, 0.01, is the largest one tried.")
    command = shlex.split(edge.partition("To extend the grid: ")[2])
    assert command[:2] == ["mnistlab", "resume"]
    assert Path(command[2]) == folder
    assert command[3] == "optimizer.lr=0.1"
    with trials_in_this_process():
        larger = resume_sweep(folder, command[3:], SweepOptions(data_dir=tmp_path / "data"))
    assert larger.trials["finished"] == 4


@pytest.mark.parametrize(
    "values",
    ["[0.01, 0.1, 100000]", "[0.01, 0.1]", "[0.1]"],
)
def test_a_best_value_within_the_grid_or_of_too_few_has_no_command(tmp_path, values):
    folder = swept(tmp_path, f"parameters: {{optimizer.lr: {values}}}\n")
    assert not any("To extend the grid" in text for text in findings_of(folder))


@pytest.mark.parametrize(
    ("tried", "advised"),
    [
        ([0.001, 0.01, 0.1], "1"),
        ([0.101, 0.102, 0.103], "0.104"),
        ([1000, 1010, 1020], "1030"),
        ([64, 32, 16], "8"),
        ([1.0e-4, 1.0e-5, 0], "-1e-05"),
    ],
)
def test_an_advised_value_lies_beyond_those_tried(tried, advised):
    assert edge._beyond(tried) == advised


def test_a_value_that_no_run_can_have_is_not_advised(tmp_path):
    parameters = "{optimizer.momentum: [0.5, 0.9, 0.999], optimizer.lr: [0.0005]}"
    folder = swept(tmp_path, f"parameters: {parameters}\n")
    assert not any("To extend the grid" in text for text in findings_of(folder))


def test_a_value_at_the_end_of_what_a_key_may_be_is_not_advised(tmp_path):
    parameters = "{regularization.l2: [0, 0.5, 1.0]}"
    folder = swept(tmp_path, f"parameters: {parameters}\n")
    assert not any("regularization.l2" in text for text in findings_of(folder))


def test_finished_trials_at_chance_level_are_reported(tmp_path):
    folder = swept(tmp_path, "parameters: {optimizer.lr: [1.0e-30, 0.1]}\n")
    (text,) = [text for text in findings_of(folder) if "chance level" in text]
    assert text.startswith(
        "1 trial finished at chance level, 10.00% for 10 classes: trial 0 (lr 1e-30, "
    )
    assert text.endswith("The others are above it.")


def test_a_value_above_which_trials_diverge_is_reported(tmp_path):
    folder = swept(tmp_path, "parameters: {optimizer.lr: [0.01, 0.1, 1.0e+38]}\n")
    assert (
        "1 trial diverged, all with optimizer.lr of 1e+38 and more; with up to 0.1 all finished."
        in findings_of(folder)
    )


def test_a_lead_that_the_seeds_cannot_tell_from_chance_says_how_many_would(tmp_path):
    keys = "{optimizer.lr: [0.1, 0.1001], init.type: [he_normal]}"
    folder = swept(tmp_path, f"parameters: {keys}\nseeds: 3\n")
    (text,) = [t for t in findings_of(folder) if "cannot tell them apart" in t]
    assert ", paired over 3 seeds): 3 seeds cannot tell them apart." in text or (
        # Equal on every seed: there is no spread, and no interval.
        "(paired over 3 seeds): 3 seeds cannot tell them apart. The differences have no" in text
    )


def test_a_lead_that_is_real_has_its_interval(tmp_path):
    metric = "metric: {name: val_loss, goal: minimize}"
    folder = swept(tmp_path, f"parameters: {{optimizer.lr: [0.1, 0.0001]}}\nseeds: 4\n{metric}\n")
    (text,) = [t for t in findings_of(folder) if "the seeds tell it from this point" in t]
    assert text.startswith("optimizer.lr = 0.1 leads optimizer.lr = 0.0001 by ")
    assert " (95 % interval " in text
    assert "p = " in text


def point(lr, *values):
    names = {**dict.fromkeys(SPLIT_METRICS), "val_loss": None}
    return [
        TrialRow(
            10 * lr + s, Status.FINISHED, (), {"lr": lr, "seed": s}, names | {"val_loss": v}, "-"
        )
        for s, v in enumerate(values)
    ]


def sentence(tmp_path, *points):
    (tmp_path / "sweep.yaml").write_text(
        RUN + "parameters: {optimizer.lr: [1, 2]}\nmetric: {name: val_loss, goal: minimize}\n"
    )
    config = load_sweep(tmp_path / "sweep.yaml", ()).config
    rows = [row for point in points for row in point]
    ranked = ranking_of(config, rows)
    (text,) = find(RankedStage(SweepDir(tmp_path), config, None, ranked, rows))
    return text


def test_the_number_of_seeds_that_would_tell_is_that_of_the_power(tmp_path):
    text = sentence(tmp_path, point(1, 0.10, 0.12, 0.14), point(2, 0.12, 0.11, 0.15))
    assert text == (
        "lr = 1 leads lr = 2 by 0.0067 (95 % interval -0.0313 to 0.0446, paired over 3 seeds): "
        "3 seeds cannot tell them apart. If the difference is real, about 44 seeds for each point "
        "would tell, 41 more."
    )
    effect = 0.02 / 3 / stdev((0.02, -0.01, 0.01))
    assert seeds_to_tell(effect, paired=True) == 44


def test_what_no_number_of_seeds_would_tell_is_called_equal(tmp_path):
    text = sentence(tmp_path, point(1, 0.10, 0.12, 0.14), point(2, 0.1101, 0.11, 0.14))
    assert "More than 1,000 seeds would be needed: treat them as equal." in text
    text = sentence(tmp_path, point(1, 0.10, 0.12), point(2, 0.11, 0.13), point(3, 0.2, 0.1))
    assert (
        "2 seeds cannot tell them apart, nor the best from 1 other point. The differences have no"
        in text
    )
