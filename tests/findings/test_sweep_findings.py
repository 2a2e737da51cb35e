"""What a sweep says, from its folder: and that the commands it gives can be typed."""

import shlex
from pathlib import Path

import pytest

from mnistlab.config import load_sweep
from mnistlab.findings import findings_of
from mnistlab.python.commands.sweep import resume_sweep, sweep
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


def test_a_value_that_no_run_can_have_is_not_advised(tmp_path):
    parameters = "{optimizer.momentum: [0.5, 0.9, 0.999], optimizer.lr: [0.0005]}"
    folder = swept(tmp_path, f"parameters: {parameters}\n")
    assert not any("To extend the grid" in text for text in findings_of(folder))


def test_finished_trials_at_chance_level_are_reported(tmp_path):
    folder = swept(tmp_path, "parameters: {optimizer.lr: [1.0e-30, 0.1]}\n")
    (text,) = [text for text in findings_of(folder) if "chance level" in text]
    assert text.startswith(
        "1 trial finished at chance level, 10.00% for 10 classes: trial 0 (lr 1e-30, "
    )
    assert text.endswith("The others have learned.")


def test_a_value_above_which_trials_diverge_is_reported(tmp_path):
    folder = swept(tmp_path, "parameters: {optimizer.lr: [0.01, 0.1, 1.0e+38]}\n")
    assert (
        "1 trial diverged, all with optimizer.lr of 1e+38 and more; with up to 0.1 all finished."
        in findings_of(folder)
    )


def test_a_lead_within_the_deviation_over_seeds_is_reported(tmp_path):
    keys = "{optimizer.lr: [0.1, 0.1001], init.type: [he_normal]}"
    folder = swept(tmp_path, f"parameters: {keys}\nseeds: 3\n")
    (text,) = [t for t in findings_of(folder) if "do not tell them apart" in t]
    assert "less than the standard deviation over seeds" in text
    assert "3 seeds do not tell them apart." in text
