"""Figures: each function takes data and returns a Figure."""

import importlib.util
import logging
import os
import sys
from contextlib import chdir
from pathlib import Path

logger = logging.getLogger(__name__)


def _import_matplotlib() -> None:
    """Import matplotlib, even if MPLBACKEND or a matplotlibrc is unusable: no figure needs either.

    An unknown backend (a notebook's, in a plain shell) or a settings file that is not text would
    make the import fail.
    """
    backend = os.environ.pop("MPLBACKEND", None)
    try:
        import matplotlib
    except UnicodeDecodeError as error:
        logger.warning("matplotlibrc: is not text (%s); its settings are left out", error)
        _import_without_settings()
        import matplotlib
    finally:
        if backend is not None:
            os.environ["MPLBACKEND"] = backend
    if backend:
        try:
            matplotlib.rcParams["backend"] = backend
        except ValueError as error:
            logger.debug("MPLBACKEND: %s", error)


def _import_without_settings() -> None:
    """Import matplotlib with its own settings: by default it first reads those in the working
    folder.
    """
    spec = importlib.util.find_spec("matplotlib")
    assert spec is not None
    assert spec.origin is not None
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        del sys.modules[name]  # what the failed import left
    before = os.environ.get("MATPLOTLIBRC")
    os.environ["MATPLOTLIBRC"] = str(Path(spec.origin).parent / "mpl-data" / "matplotlibrc")
    try:
        with chdir(Path(spec.origin).parent):
            importlib.import_module("matplotlib")
    finally:
        del os.environ["MATPLOTLIBRC"]
        if before is not None:
            os.environ["MATPLOTLIBRC"] = before


_import_matplotlib()
