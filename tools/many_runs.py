"""Makes a folder of many runs in seconds: one is trained, the others are copies with other numbers.

    python -m tools.many_runs /tmp/many 1000

The copies differ in seed, learning rate and width, and in their curves, metrics and predictions.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from mnistlab.config import dump_yaml, run_config_from_mapping
from mnistlab.store.checksums import FileDigest, with_checksum
from mnistlab.store.metrics import METRICS, MetricsRow
from mnistlab.store.predictions import PREDICTIONS, PredictionRow, read_predictions
from mnistlab.store.run_dir import RunDir
from mnistlab.store.run_json import read_run_json
from tools.short_runs import train

RATES, WIDTHS, SEEDS = (0.01, 0.03, 0.1, 0.3), (16, 64, 256, 1024, 4096), 50


def many_runs(folder: Path, count: int) -> list[Path]:
    """`count` runs in folder/runs, which is created; returns their folders."""
    first = train(folder, {"training": {"epochs": 10}}).run_dir
    template, rows = read_run_json(RunDir(first)), METRICS.read(RunDir(first).metrics)
    predictions = read_predictions(RunDir(first).predictions)
    rng = np.random.default_rng(0)
    made = [first]
    for number in range(1, count):
        run_dir = RunDir(first.with_name(f"20260101-{number:06d}-copy-{number:06x}"))
        run_dir.path.mkdir()
        rate, width = RATES[number % 4], WIDTHS[number // 4 % 5]
        level = 0.90 + 0.01 * (number % 4) + 0.002 * (number // 4 % 5) + rng.normal(0, 0.004)
        curve = [_row(row, level, rng) for row in rows]
        wrong = rng.random(len(predictions.labels)) > level
        guesses = np.where(wrong, (predictions.labels + 1) % 10, predictions.labels)
        rows_of_images = zip(predictions.labels, guesses, predictions.probabilities, strict=True)
        images = [PredictionRow(place, *row) for place, row in enumerate(rows_of_images)]
        files = {
            "metrics.csv": _written(run_dir.metrics, METRICS.text(curve)),
            "predictions.csv": _written(run_dir.predictions, PREDICTIONS.text(images)),
        }
        settings = {
            **template["config"],
            "seed": number // 20 % SEEDS,
            "optimizer": {**template["config"]["optimizer"], "lr": rate},
            "model": {**template["config"]["model"], "hidden": [width]},
        }
        _written(run_dir.config, with_checksum(dump_yaml(run_config_from_mapping(settings))))
        measured = {name: getattr(curve[-1], name) for name in template["metrics"]}
        measured["test_accuracy"] = float((~wrong).mean())
        best = {**template["best"], "val_accuracy": curve[-1].val_accuracy}
        changed = {"config": settings, "metrics": measured, "best": best, "files": files}
        # Unlike mnistlab's own, these files wait for no disk.
        _written(run_dir.run_json, json.dumps({**template, **changed}, indent=2))
        made.append(run_dir.path)
    return made


def _row(row: MetricsRow, level: float, rng: np.random.Generator) -> MetricsRow:
    """A row of a curve that approaches an accuracy."""
    distance = np.exp(-row.epoch / 2) * 0.3
    accuracy = float(level - distance + rng.normal(0, 0.002))
    return replace(row, val_accuracy=accuracy, val_loss=4 * (1 - accuracy), train_loss=distance)


def _written(path: Path, text: str) -> dict[str, int | str]:
    path.write_text(text, encoding="utf-8")
    digest = FileDigest.of(text.encode())
    return {"bytes": digest.length, "sha256": digest.sha256}


if __name__ == "__main__":
    many_runs(Path(sys.argv[1]), int(sys.argv[2]))
