"""Other processes that compile kernels at the same time and leave the code in the disk cache.

They inherit the cache's lock: it is held until the last of them has ended, however this process
ends. If a helper fails, nothing is lost: this process compiles what is missing, and raises the
error if there is one.
"""

import pickle
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from mnistlab.runtime import compiler
from mnistlab.runtime.kernel import Kernel, kernel_at
from mnistlab.support.collector import paused_collector
from mnistlab.support.own_python import own_python
from mnistlab.support.platform import system

PROGRAM = "from mnistlab.runtime.helpers import main\nmain()\n"
# A helper takes half a second to start, as long as compiling one or two ops.
OPS_WORTH_A_HELPER = 4
DONE = b"."

Compiled = tuple[Kernel, tuple[Any, ...]]  # a kernel, and its arguments' types


def compile_all(
    functions: Sequence[Compiled],
    processes: int,
    lock: int,
    first: Callable[[], None],
    done: Callable[[], None] = lambda: None,
) -> None:
    """Compile functions that are called by their address, in `processes` processes, this one
    included.

    This process calls `first` before it takes its share. `done` is called for each function that
    has been compiled, from any thread. `lock` is the descriptor of the cache's
    lock, which the caller holds.
    """
    lent = [task for task in functions if kernel_at(*task[0].place) is task[0]]
    tasks = deque([*(task for task in functions if task not in lent), *lent])
    wanted = min(processes - 1, len(lent) // OPS_WORTH_A_HELPER)
    count = wanted if system.LOCKS_CAN_BE_LENT else 0
    with paused_collector(), _helpers(count, lock) as helpers:
        threads = [threading.Thread(target=_feed, args=(one, tasks, done)) for one in helpers]
        for thread in threads:
            thread.start()
        try:
            first()
            while (task := _next(tasks)) is not None:
                compiler.address_of(*task)
                done()
        except BaseException:
            tasks.clear()
            for helper in helpers:
                helper.kill()
            raise
        finally:
            for thread in threads:
                thread.join()


@contextmanager
def _helpers(count: int, lock: int) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Processes that compile the tasks sent to them, until their input ends."""
    helpers = [
        subprocess.Popen(
            own_python(PROGRAM, str(compiler.kernel_cache_dir())),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            **system.lending(lock),
            **system.OWN_GROUP,  # Ctrl-C goes to this process only, which ends them
        )
        for _ in range(count)
    ]
    try:
        yield helpers
    finally:
        for helper in helpers:
            for pipe in (helper.stdin, helper.stdout):
                assert pipe is not None
                with suppress(BrokenPipeError):
                    pipe.close()
            helper.wait()


def _feed(
    helper: "subprocess.Popen[bytes]", tasks: "deque[Compiled]", done: Callable[[], None]
) -> None:
    """Send a helper one task after another, from the end of the remaining ones."""
    assert helper.stdin is not None
    assert helper.stdout is not None
    while (task := _next(tasks, of_the_last=True)) is not None:
        function, types = task
        try:
            pickle.dump((function.place, types), helper.stdin)
            helper.stdin.flush()
        except BrokenPipeError:
            return
        if helper.stdout.read(len(DONE)) != DONE:
            return
        done()


def _next(tasks: "deque[Compiled]", *, of_the_last: bool = False) -> Compiled | None:
    try:
        return tasks.pop() if of_the_last else tasks.popleft()
    except IndexError:
        return None


def main() -> None:
    """Run as a helper: compile the tasks from stdin until it ends.

    Does nothing if its disk cache is not that of the calling process, whose lock it holds.
    """
    if str(compiler.kernel_cache_dir()) != sys.argv[1]:
        return
    with paused_collector():
        while True:
            try:
                place, types = pickle.load(sys.stdin.buffer)
            except EOFError:
                return
            compiler.address_of(kernel_at(*place), types)
            sys.stdout.buffer.write(DONE)
            sys.stdout.flush()
