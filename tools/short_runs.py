"""Short runs on the bundled digits, in this process, and what must be equal in two of them."""

import hashlib
import json
import signal
from pathlib import Path

from mnistlab.config import run_config_from_mapping
from mnistlab.experiment.callbacks import RunCallback, RunResult
from mnistlab.experiment.run_options import RunOptions
from mnistlab.python.commands.resume import resume as resume_command
from mnistlab.python.commands.train import train as train_command
from mnistlab.store.checkpoint import load_checkpoint
from mnistlab.store.metrics import read_metrics
from mnistlab.store.run_dir import RunDir

SHORT = {
    "data": {"source": "digits", "train_limit": 43, "validation": 0.1},
    "model": {"type": "mlp", "hidden": [6]},
    "training": {"epochs": 3, "batch_size": 9},
}


def train(
    folder: Path, sections: dict | None = None, *callbacks: RunCallback, **options
) -> RunResult:
    """Train SHORT with the keys of `sections` replaced, into folder/runs."""
    mapping = dict(SHORT)
    for section, keys in (sections or {}).items():
        old = mapping.get(section, {})
        whole = section not in ("data", "training")
        mapping[section] = keys if whole else {**old, **keys}
    config = run_config_from_mapping(mapping)
    return train_command(
        config,
        folder / "runs",
        RunOptions(data_dir=folder / "data", callbacks=callbacks, **options),
        plots=False,
    )


def resume(run_dir: Path, *values: str, force: bool = False, **options) -> RunResult:
    how = RunOptions(data_dir=run_dir.parent / "data", **options)
    return resume_command(run_dir, how, values=values, force=force, plots=False)


def fingerprint(run_dir: Path) -> dict[str, object]:
    """Everything of a run that does not depend on time."""
    rows = [{**vars(row), "seconds": None} for row in read_metrics(run_dir / "metrics.csv")]
    contents: dict[str, object] = {"metrics.csv": repr(rows)}
    names = ["layers.csv"]
    if json.loads((run_dir / "run.json").read_text())["status"] == "pruned":
        checkpoint = load_checkpoint(RunDir(run_dir))
        assert checkpoint is not None
        tensors = sorted(checkpoint.tensors.items())
        contents["checkpoint"] = [
            (name, hashlib.sha256(tensor.tobytes()).hexdigest()) for name, tensor in tensors
        ]
    else:
        names += ["weights.safetensors", "predictions.csv"]
    for name in names:
        contents[name] = hashlib.sha256((run_dir / name).read_bytes()).hexdigest()
    best = run_dir / "checkpoints" / "best.safetensors"
    contents["best"] = hashlib.sha256(best.read_bytes()).hexdigest() if best.exists() else None
    return contents


class StopAt(RunCallback):
    """Asks the run to stop, as Ctrl-C does, after this many steps."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_progress(self, progress) -> None:
        self._stop_from(progress.step)

    def on_row(self, row) -> None:
        self._stop_from(row.step)

    def _stop_from(self, step: int) -> None:
        if step >= self.step:
            signal.raise_signal(signal.SIGINT)
            self.step = 10**9
