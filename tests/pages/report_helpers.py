"""A run and a sweep with their pages, made once."""

from pathlib import Path

from mnistlab.config import run_config_from_mapping
from mnistlab.config.load_sweep import parse_sweep
from mnistlab.experiment.run_options import RunOptions
from mnistlab.python.commands.sweep import sweep
from mnistlab.python.commands.train import train
from mnistlab.sweeps.sweep_options import SweepOptions
from tools.here_executor import trials_in_this_process

SHORT = {
    "name": "short",
    "data": {"source": "digits", "train_limit": 300},
    "model": {"type": "mlp", "hidden": [9], "dropout": 0.1},
    "training": {"epochs": 3},
    "reference": {
        "source": "A <b>bold</b> claim & more",
        "test_accuracy": 0.51234,
        "seconds": 10.5,
    },
}
SWEEP = """\
name: rates
run: {data: {source: digits, train_limit: 200}, model: {type: softmax}, training: {epochs: 2}}
parameters: {optimizer.lr: [0.001, 1.0e+38, 0.1, 0.01]}
"""


def shown(page: Path) -> str:
    """A page's text with plain spaces where no line may end."""
    return page.read_text(encoding="utf-8").replace("\u00a0", " ")


def trained(folder: Path, **sections: object) -> Path:
    """A finished run's folder, with the figures and the page that training leaves."""
    config = run_config_from_mapping({**SHORT, **sections})
    return train(config, folder / "runs", RunOptions(data_dir=folder)).run_dir


def swept(folder: Path, text: str = SWEEP, *, plots: bool = True) -> Path:
    """A finished sweep's folder, with its figures and its page unless `plots` is false."""
    source = parse_sweep(text, "sweep.yaml")
    with trials_in_this_process():
        return sweep(source, folder / "runs", SweepOptions(data_dir=folder), plots=plots).sweep_dir
