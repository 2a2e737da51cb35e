"""Changes to a run's files, as mnistlab itself would make them."""

from pathlib import Path

from mnistlab.store.run_dir import RunDir
from mnistlab.store.run_json import read_run_json, write_run_json


def edit_run_json(run_dir: Path, **changes) -> None:
    """Change a run.json as mnistlab would: with its digest."""
    write_run_json(RunDir(run_dir), {**read_run_json(RunDir(run_dir)), **changes})
