"""The names of figures, from the names of their files in the package: shell completion is too fast
for importing the files.

A figure of a run has its file's name. A sweep's figures have a prefix: a stage's figure the stage's
name, one of the refits `refit-`, one of the best models `models_`.
"""

from collections.abc import Iterable
from pathlib import Path

import mnistlab
from mnistlab.support.modules import names_in

FIGURES = Path(mnistlab.__file__).parent / "figures"
# The films of a run: animations in files of their own, each named `film_` and what it shows.
FILM = "film"
REFIT_PREFIX, MODELS_PREFIX = "refit-", "models_"


def stage_prefix(stage: str | None) -> str:
    """The prefix of the names of a stage's figures; None is a sweep without stages."""
    return "" if stage is None else f"{stage}-"


def names_of_run() -> list[str]:
    """The names of a run's figures."""
    return _names("run")


def names_of_sweep(stages: Iterable[str | None], *, has_refits: bool) -> list[str]:
    """The names of a sweep's figures; `stages` is [None] if it has none."""
    of_stages = [
        f"{stage_prefix(stage)}{name}" for stage in stages for name in _names("sweep/stage")
    ]
    refits = [f"{REFIT_PREFIX}{name}" for name in _names("sweep/refit")] if has_refits else []
    return [*of_stages, *refits, *(f"{MODELS_PREFIX}{name}" for name in _names("sweep/models"))]


def _names(folder: str) -> list[str]:
    return names_in([str(FIGURES / folder)])
