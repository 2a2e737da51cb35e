"""What figures are called. Their files' names in the package say it, so that nobody has to import
one to know: a shell that completes a name can't wait for that.

A figure of a run has its file's name. Of a sweep, a figure of a stage has the stage's name before
it, one of the refits `refit-`, one of the best models `models_`.
"""

from collections.abc import Iterable
from pathlib import Path

import mnistlab
from mnistlab.support.modules import names_in

FIGURES = Path(mnistlab.__file__).parent / "figures"
REFIT_PREFIX, MODELS_PREFIX = "refit-", "models_"


def stage_prefix(stage: str | None) -> str:
    """What stands before the names of a stage's figures; None is a sweep without stages."""
    return "" if stage is None else f"{stage}-"


def names_of_run() -> list[str]:
    """What the figures of a run can be called."""
    return _names("run")


def names_of_sweep(stages: Iterable[str | None], *, has_refits: bool) -> list[str]:
    """What the figures of a sweep can be called; its `stages` are [None] where it has none."""
    of_stages = [
        f"{stage_prefix(stage)}{name}" for stage in stages for name in _names("sweep/stage")
    ]
    refits = [f"{REFIT_PREFIX}{name}" for name in _names("sweep/refit")] if has_refits else []
    return [*of_stages, *refits, *(f"{MODELS_PREFIX}{name}" for name in _names("sweep/models"))]


def _names(folder: str) -> list[str]:
    return names_in([str(FIGURES / folder)])
