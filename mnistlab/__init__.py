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
    from mnistlab.errors import ConfigError, DataError, MnistlabError, UsageError
    from mnistlab.library.callbacks import Callback
    from mnistlab.library.classifier import Classifier
    from mnistlab.library.dataset import load_dataset
    from mnistlab.library.run import Run, load_run
    from mnistlab.library.sweep import Sweep, load_sweep
    from mnistlab.library.tables import compare
    from mnistlab.library.training import check, resume, sweep, train

# Each is imported when it is first asked for: the command line imports this package, too.
_ROOMS = {
    "mnistlab.errors": ("ConfigError", "DataError", "MnistlabError", "UsageError"),
    "mnistlab.library.callbacks": ("Callback",),
    "mnistlab.library.classifier": ("Classifier",),
    "mnistlab.library.dataset": ("load_dataset",),
    "mnistlab.library.run": ("Run", "load_run"),
    "mnistlab.library.sweep": ("Sweep", "load_sweep"),
    "mnistlab.library.tables": ("compare",),
    "mnistlab.library.training": ("check", "resume", "train"),
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
    "load_dataset",
    "load_run",
    "load_sweep",
    "resume",
    "sweep",
    "train",
]


def __getattr__(name: str) -> Any:
    if name == "sweep":  # a room of this name is there already, and can be called
        return importlib.import_module("mnistlab.sweep")
    if name not in _ROOM_OF:
        raise AttributeError(f"module 'mnistlab' has no attribute {name!r}")
    value = getattr(importlib.import_module(_ROOM_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
