"""Draws configurations from the whole schema: a valid one trains, resumes and evaluates; an invalid
one exits with 2 and leaves nothing.

`python -m tools.schema_rounds --rounds 1000` draws a thousand of each and prints the counts;
tests/schema/test_schema.py draws a few.
"""

import argparse
import io
import json
import os
import signal
import sys
import tempfile
import warnings
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "schema"))

from schema_draws import put_right, refusal
from schema_strategies import configurations, spoilt

from mnistlab.cli.app import app
from mnistlab.config import run_config_from_mapping
from mnistlab.experiment import run_writer
from mnistlab.experiment.callbacks import RunCallback
from mnistlab.experiment.run_options import RunOptions
from mnistlab.python.commands.evaluate import evaluate
from mnistlab.python.commands.resume import resume
from mnistlab.python.commands.train import train
from mnistlab.runtime.compiler import INTERPRETED
from mnistlab.support.errors import UsageError
from mnistlab.training import trainer

SHAPE = (8, 7)
CLASSES = 3
SOFTMAX = {"model": {"type": "softmax"}, "training": {"steps": 1}}


def write_images(folder: Path) -> dict[str, Any]:
    """24 training and 9 test images as an .npz file; the keys of `data` that name it."""
    rng = np.random.default_rng(3)
    arrays = {}
    for part, count in (("train", 24), ("test", 9)):
        images = rng.integers(0, 256, (count, *SHAPE), dtype=np.uint8)
        arrays[f"x_{part}"] = images * (images > 180)  # mostly zero
        arrays[f"y_{part}"] = np.arange(count, dtype=np.uint8) % CLASSES
    np.savez(folder / "mnist.npz", **arrays)
    return {"source": "npz", "path": str(folder / "mnist.npz")}


class StopAtOnce(RunCallback):
    """Asks the run to stop, as Ctrl-C does, at its first event."""

    def __init__(self) -> None:
        self.asked = False

    def on_progress(self, progress: Any) -> None:
        self._ask()

    def on_row(self, row: Any) -> None:
        self._ask()

    def _ask(self) -> None:
        if not self.asked:
            self.asked = True
            signal.raise_signal(signal.SIGINT)


class Rounds:
    """Counts the results of configurations; any other result is raised."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = write_images(folder)
        self.counts: Counter[str] = Counter()
        trainer.SECONDS_BETWEEN_LOOKS = 0.0
        run_writer.SECONDS_BETWEEN_CHECKPOINTS = 0.0
        first = self._train({**SOFTMAX, "data": self.data})
        self.weights = str(first.run_dir / "weights.safetensors")

    def _train(self, mapping: dict[str, Any], *callbacks: RunCallback) -> Any:
        return train(
            run_config_from_mapping(mapping),
            self.folder / "runs",
            RunOptions(data_dir=self.folder / "data", threads=1, callbacks=callbacks),
            plots=False,
        )

    def valid(self, drawn: dict[str, Any]) -> None:
        """Train, stopped once and resumed, and evaluate; or be refused before there is a folder."""
        mapping = put_right(drawn, self.data, self.weights)
        if refusal(mapping) is not None:
            self.counts["valid: refused by its keys"] += 1
            return
        folders = self._folders()
        try:
            result = self._train(mapping, StopAtOnce())
        except UsageError:
            # The keys agree, but not with these images: a pool larger than its input.
            assert self._folders() == folders
            self.counts["valid: does not fit its data"] += 1
            return
        if result.status == "interrupted":
            self.counts["valid: resumed"] += 1
            options = RunOptions(data_dir=self.folder / "data", threads=1)
            result = resume(result.run_dir, options, plots=False)
        assert result.status in ("finished", "stopped_early", "diverged"), result
        scores = evaluate(result.run_dir, data_dir=self.folder / "data", threads=1)
        assert 0 <= scores.accuracy <= 1
        self.counts[f"valid: {result.status}"] += 1

    def invalid(self, drawn: dict[str, Any], source: st.DataObject) -> None:
        """Be refused with exit code 2 and a message, and leave no folder."""
        mapping = source.draw(spoilt(put_right(drawn, self.data, self.weights)))
        if isinstance(mapping, dict) and refusal(mapping) is None:
            self.counts["invalid: still valid"] += 1
            return
        config = self.folder / "config.yaml"
        try:
            config.write_text(json.dumps(mapping), encoding="utf-8")
        except UnicodeEncodeError:
            return
        folders, out, error = self._folders(), io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(error):
            try:
                app(["train", str(config), "--runs-dir", str(self.folder / "runs"), "--quiet"])
            except SystemExit as end:
                code = end.code
        assert code == 2, f"exit code {code}: {error.getvalue()}"
        assert error.getvalue().strip()
        assert "Traceback" not in error.getvalue()
        assert self._folders() == folders
        self.counts["invalid: exit code 2"] += 1

    def _folders(self) -> int:
        return len(list((self.folder / "runs").iterdir()))


def draw_rounds(folder: Path, rounds: int, seed: int | None = None) -> Counter[str]:
    """Draw `rounds` valid and as many invalid configurations; with `seed` None always the same."""
    done = Rounds(folder)
    how = settings(
        max_examples=rounds,
        deadline=None,
        database=None,
        derandomize=seed is None,
        # A failing draw is shown as drawn: shrinking it would train hundreds of times.
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    how(given(configurations())(done.valid))()
    how(given(configurations(), st.data())(done.invalid))()
    return done.counts


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1000)
    options = parser.parse_args()
    os.environ.setdefault("MPLBACKEND", "Agg")
    if not INTERPRETED:  # compiled code does not warn of an overflow
        warnings.simplefilter("error")
    with tempfile.TemporaryDirectory() as scratch:
        for outcome, count in sorted(draw_rounds(Path(scratch), options.rounds, seed=0).items()):
            print(f"{outcome}: {count}")
    sys.exit(0)
