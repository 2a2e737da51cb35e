"""mnistlab: experiments with neural networks written from scratch, one file each.

    run = mnistlab.train("config.yaml")         # or a dict of what the file holds
    run.metrics                                 # a DataFrame, a row per epoch
    run.predict(images)                         # labels of uint8 images

docs/python.md tells of the rest.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from mnistlab.python.callbacks import Callback
    from mnistlab.python.classifier import Classifier
    from mnistlab.python.dataset import load_dataset
    from mnistlab.python.run import Run, load_run
    from mnistlab.python.sweep import Sweep, load_sweep
    from mnistlab.python.tables import compare, runs
    from mnistlab.python.tidy import du, mv, prune, rm
    from mnistlab.python.training import check, lr_find, resume, sweep, train
    from mnistlab.support.errors import ConfigError, DataError, MnistlabError, UsageError

# Each is imported when it is first asked for: the command line imports this package, too.
_ROOMS = {
    "mnistlab.support.errors": ("ConfigError", "DataError", "MnistlabError", "UsageError"),
    "mnistlab.python.callbacks": ("Callback",),
    "mnistlab.python.classifier": ("Classifier",),
    "mnistlab.python.dataset": ("load_dataset",),
    "mnistlab.python.run": ("Run", "load_run"),
    "mnistlab.python.sweep": ("Sweep", "load_sweep"),
    "mnistlab.python.tables": ("compare", "runs"),
    "mnistlab.python.tidy": ("du", "mv", "prune", "rm"),
    "mnistlab.python.training": ("check", "lr_find", "resume", "sweep", "train"),
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = [
    "Callback",
    "Classifier",
    "ConfigError",
    "DataError",
    "MnistlabError",
    "Run",
    "Sweep",
    "UsageError",
    "check",
    "compare",
    "du",
    "load_dataset",
    "load_run",
    "load_sweep",
    "lr_find",
    "mv",
    "prune",
    "resume",
    "rm",
    "runs",
    "sweep",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _ROOM_OF:
        raise AttributeError(f"module 'mnistlab' has no attribute {name!r}")
    value = getattr(importlib.import_module(_ROOM_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
