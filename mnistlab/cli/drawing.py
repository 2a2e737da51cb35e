"""Figures drawn by a process of their own, which is made ready while a run is trained.

To import what draws takes as long as the training of a small network. Nothing depends on the
process: what it does not draw is drawn here, and fails here if it must.
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
from mnistlab.support.host import available_cpus
from mnistlab.support.own_python import own_python

if TYPE_CHECKING:
    from mnistlab.figures.gallery import Save
    from mnistlab.python.commands.train import QuickFigures

PROGRAM = "from mnistlab.cli.drawing import main\nmain()\n"
# It has the processor that training leaves free: its libraries start no threads.
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@contextmanager
def quick_figures_beside(*, wanted: bool) -> Iterator["QuickFigures"]:
    """What draws a run's figures as `quick_figures` does, by a process that gets ready meanwhile.

    In this process where it can draw already, or has no second processor to lend.
    """
    if not wanted or "matplotlib" in sys.modules or available_cpus() < 2:
        yield _here
        return
    with subprocess.Popen(
        own_python(PROGRAM),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **ONE_THREAD},
        bufsize=0,
        process_group=0,  # Ctrl-C is for this process, which ends it
    ) as process:

        def beside(run_dir: Path, data_dir: Path, threads: int | None) -> list[str]:
            told = _ask(process, [str(run_dir), str(data_dir), threads])
            return _here(run_dir, data_dir, threads) if told is None else told

        try:
            yield beside
        finally:
            process.kill()


def _here(run_dir: Path, data_dir: Path, threads: int | None) -> list[str]:
    from mnistlab.python.commands.train import quick_figures

    return quick_figures(run_dir, data_dir, threads)


def _ask(process: "subprocess.Popen[bytes]", what: list[Any]) -> list[str] | None:
    """What the process tells of the figures that it has drawn; None where it drew none."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(what).encode() + b"\n")
        line = process.stdout.readline()
    except BrokenPipeError:
        return None
    return json.loads(line) if line.endswith(b"\n") else None


def main() -> None:
    """Be that process: get ready, draw the run whose folder comes through stdin, tell, end."""
    reply, sys.stdout = sys.stdout, sys.stderr
    from mnistlab.figures.sheet import Sheet
    from mnistlab.figures.style import drawing, rendered
    from mnistlab.pages.page import read_templates
    from mnistlab.python.commands.train import quick_figures
    from mnistlab.python.commands.visualize import visualize  # noqa: F401 - before it is needed

    with drawing():
        sheet = Sheet(1.0, "A figure, so that fonts are read")
        sheet.panel(1.0, 0.2, 1.0, 0.5)
    rendered(sheet.figure)
    read_templates()
    if not (line := sys.stdin.readline()):
        return
    run_dir, data_dir, threads = json.loads(line)
    try:
        with log_on_stderr():
            told = quick_figures(Path(run_dir), Path(data_dir), threads, saver=_forked)
    except Exception:  # the process that asks draws again, and tells what is wrong
        return
    reply.write(json.dumps(told) + "\n")
    reply.flush()


def _forked(save: "Save") -> "Save":
    """Save a figure by a fork of this process, which has a single thread; here if that fails."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            save()
            code = 0
        finally:
            os._exit(code)  # leaves what the fork has inherited alone, and no traceback

    def wait() -> None:
        if os.waitpid(pid, 0)[1] != 0:
            save()

    return wait
