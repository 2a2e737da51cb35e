"""What has to be measured from inside a fresh process; each probe prints one line of JSON.

python -m benchmarks.probes first-step configs/mnist-softmax.yaml
"""

import time

STARTED = time.perf_counter()

import argparse  # noqa: E402
import cProfile  # noqa: E402
import json  # noqa: E402
import pstats  # noqa: E402
import tempfile  # noqa: E402
from pathlib import Path  # noqa: E402

from mnistlab.config import RunConfig, load_run_config  # noqa: E402
from mnistlab.experiment.callbacks import RunCallback, RunResult, Start  # noqa: E402
from mnistlab.experiment.dataset import load_data  # noqa: E402
from mnistlab.experiment.run_options import RunOptions  # noqa: E402
from mnistlab.python.commands.train import train  # noqa: E402
from mnistlab.support.paths import data_dir  # noqa: E402

IMPORT_SECONDS = time.perf_counter() - STARTED

# Functions whose share of a run is told, by the names that a profile knows them by.
SHARES = {
    "layer statistics": "_write_layers",
    "checkpoints": "take_checkpoint",
    "evaluation": "evaluate",
    "weights, predictions and run.json at the end": "end",
}


class _FirstStep(RunCallback):
    """Notes when training is about to begin."""

    at = 0.0

    def on_start(self, start: Start) -> None:
        self.at = time.perf_counter()


def first_step(config: RunConfig) -> dict[str, float]:
    """Seconds of the imports, and from them to the first training step."""
    watch = _FirstStep()
    began = time.perf_counter()
    _train(config, [watch])
    return {"imports": IMPORT_SECONDS, "first step": watch.at - began}


def load(config: RunConfig) -> dict[str, float]:
    """Seconds of opening the dataset and splitting it."""
    began = time.perf_counter()
    load_data(config, data_dir())
    return {"load": time.perf_counter() - began}


def shares(config: RunConfig) -> dict[str, float]:
    """Seconds of a run in all, to its first step, of its steps, and of what is done besides."""
    watch = _FirstStep()
    began = time.perf_counter()
    profile = cProfile.Profile()
    profile.enable()
    result = _train(config, [watch])
    profile.disable()
    functions = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    seconds = {
        "total": result.seconds.total,
        "training steps": result.seconds.train,
        "before the first step": watch.at - began,
    }
    for what, name in SHARES.items():
        found = [
            cumulative
            for (file, _, function), (_, _, _, cumulative, _) in functions.items()
            if function == name and "mnistlab" in Path(file).parts
        ]
        if not found:
            raise LookupError(f"the run called no function {name}")
        seconds[what] = max(found)
    return seconds


def _train(config: RunConfig, callbacks: list[RunCallback]) -> RunResult:
    with tempfile.TemporaryDirectory() as folder:
        options = RunOptions(data_dir=data_dir(), callbacks=callbacks)
        return train(config, Path(folder), options, plots=False)


PROBES = {"first-step": first_step, "load": load, "shares": shares}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("probe", choices=PROBES)
    parser.add_argument("config", type=Path)
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE")
    arguments = parser.parse_args()
    config = load_run_config(arguments.config, arguments.overrides)
    print(json.dumps(PROBES[arguments.probe](config)))


if __name__ == "__main__":
    main()
