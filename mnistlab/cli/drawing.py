"""Draws figures in a second process, which starts while a run or a sweep trains.

Importing the figures' libraries takes as long as training a small network. Nothing depends on the
second process: what it does not draw is drawn here, and errors are raised here.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnistlab.cli.errors import log_on_stderr
from mnistlab.support.beside import Beside
from mnistlab.support.host import BLAS_THREADS, available_cpus
from mnistlab.support.own_python import own_python
from mnistlab.support.platform import system

if TYPE_CHECKING:
    from mnistlab.python.commands.figures_at_end import FiguresAtEnd

PROGRAM = "from mnistlab.cli.drawing import main\nmain()\n"
# It uses the processor that training leaves free: its libraries start no threads.
ONE_THREAD = dict.fromkeys(BLAS_THREADS, "1")


@contextmanager
def figures_beside(*, wanted: bool, points: int = 0) -> Iterator["FiguresAtEnd"]:
    """A function that draws like `figures_at_end`, in a process that starts meanwhile.

    In this process, if its libraries are loaded already or there is no second processor. `points`
    are those of a sweep.
    """
    if not wanted or "matplotlib" in sys.modules or available_cpus() < 2:
        yield _here
        return
    with subprocess.Popen(
        own_python(PROGRAM, str(points)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **ONE_THREAD},
        bufsize=0,
        **system.OWN_GROUP,
    ) as process:

        def beside(folder: Path, data_dir: Path, threads: int | None) -> list[str]:
            told = _ask(process, [str(folder), str(data_dir), threads])
            return _here(folder, data_dir, threads) if told is None else told

        try:
            yield beside
        finally:
            process.kill()


def _here(folder: Path, data_dir: Path, threads: int | None) -> list[str]:
    from mnistlab.python.commands.figures_at_end import figures_at_end

    return figures_at_end(folder, data_dir, threads)


def _ask(process: "subprocess.Popen[bytes]", what: list[Any]) -> list[str] | None:
    """The other process's messages about its figures; None if it drew none."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(what).encode() + b"\n")
        line = process.stdout.readline()
    except BrokenPipeError:
        return None
    return json.loads(line) if line.endswith(b"\n") else None


def main() -> None:
    """Run as the second process: import, draw the run or sweep whose folder comes through stdin,
    report, end.
    """
    reply, sys.stdout = sys.stdout, sys.stderr
    from mnistlab.figures.sheet import Sheet
    from mnistlab.figures.style import drawing, rendered
    from mnistlab.figures.sweep.stage import importance
    from mnistlab.pages.inline_svg import inline_svg
    from mnistlab.pages.page import read_templates
    from mnistlab.python.commands.figures_at_end import figures_at_end
    from mnistlab.python.commands.visualize import visualize  # noqa: F401 - before it is needed

    if int(sys.argv[1]) >= importance.LEAST_POINTS:
        from sklearn.ensemble import RandomForestRegressor  # noqa: F401 - takes two seconds

    with drawing():
        sheet = Sheet(1.0, "A figure, so that fonts are read")
        sheet.panel(1.0, 0.2, 1.0, 0.5)
    rendered(sheet.figure)
    inline_svg(sheet.figure, sheet.figure.words, "ready")
    read_templates()
    if not (line := sys.stdin.readline()):
        return
    folder, data_dir, threads = json.loads(line)
    try:
        with log_on_stderr():
            told = figures_at_end(Path(folder), Path(data_dir), threads, starter=Beside())
    except Exception:  # the asking process draws again, and reports the error
        return
    reply.write(json.dumps(told) + "\n")
    reply.flush()
