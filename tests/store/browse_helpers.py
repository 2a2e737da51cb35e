"""Folders as runs and sweeps leave them, made without training."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mnistlab.config import dump_yaml, resolved_mapping, run_config_from_mapping
from mnistlab.support.platform import system

STARTED = datetime(2026, 11, 21, 14, 0, tzinfo=UTC)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold a lock as the process that trains does."""
    folder, file = (path.parent, path) if path.name == ".lock" else (path, None)
    with system.folder_to_lock(folder, file) as descriptor:
        assert system.lock(descriptor)
        yield


def make_run(folder: Path, sections: dict[str, Any] | None = None, **record: Any) -> Path:
    """A run's folder with a configuration and a run.json; `record` replaces keys of the latter."""
    config = run_config_from_mapping({"training": {"epochs": 3}, **(sections or {})})
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(dump_yaml(config))
    blank = {
        "status": "finished",
        "started": STARTED.isoformat(),
        "epochs": 3,
        "metrics": {"val_loss": 0.5, "val_accuracy": 0.875, "test_accuracy": None, "penalty": 0.0},
        "best": {"val_accuracy": 0.9, "epoch": 2, "step": 20},
        "seconds": {"total": 9.0, "train": 1.5},
        "config": resolved_mapping(config),
    }
    (folder / "run.json").write_text(json.dumps(blank | record))
    return folder


def make_sweep(folder: Path, statuses: list[str], metric: str = "val_accuracy") -> Path:
    """A sweep's folder with a trial of each status; one that is `pending` has no folder yet."""
    folder.mkdir(parents=True)
    (folder / "sweep.yaml").write_text(
        f"metric: {{name: {metric}, goal: maximize}}\nstages: null\n"
    )
    lines = ["trial,status,optimizer.lr,run_dir"]
    for number, status in enumerate(statuses):
        run_dir = f"trials/{number:04d}-{number:012x}"
        lines.append(f"{number},{status},0.{number + 1},{run_dir}")
        if status != "pending":
            rate = {"optimizer": {"lr": (number + 1) / 10}}
            make_run(folder / run_dir, rate, status=status)
    (folder / "trials.csv").write_text("\n".join(lines) + "\n")
    if (folder / "trials" / "0000-000000000000").exists():
        (folder / "best").symlink_to("trials/0000-000000000000")
    return folder
