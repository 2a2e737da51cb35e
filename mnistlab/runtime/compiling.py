"""Messages about compilation, and compilation of kernels in advance."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from mnistlab.runtime import compiler
from mnistlab.runtime.helpers import Compiled, compile_all
from mnistlab.support.text_format import counted

WAITING = "another process compiles kernels; waiting …"
WARMUP = "`mnistlab warmup` compiles all kernels in advance"
# The kernels of one process that are compiled in advance before other processes have their turn: a
# process takes some seconds for them, and half a second to start.
PORTION = 8
# Files of a family of one block.
FILES_OF_A_BLOCK = ("lowering", "maths", "ops")

_told: set[str] = set()  # kinds of kernels whose compilation this process has announced


def kinds_of(functions: Iterable[Compiled]) -> list[str]:
    """The blocks of kernels: `conv2d`, `adam`; a family if several share a file."""
    kinds: dict[str, None] = {}
    for kernel, _ in functions:
        names = kernel.place[0].split(".")
        match names:
            case ["mnistlab", "blocks", family, block, *_]:
                of_family = block.startswith("_") or block in FILES_OF_A_BLOCK
                kinds[family if of_family else block] = None
            case ["mnistlab", *_]:
                kinds["the training loop"] = None
            case [*_, module]:  # of a program that uses the engine, or of a test
                kinds[module] = None
    return sorted(kinds)


def announcement(functions: Sequence[Compiled], dtype: Any) -> str:
    """The sentence about kernels that will be compiled; it names each kind only once
    in a process.
    """
    kinds = [f"{kind} in {dtype}" for kind in kinds_of(functions)]
    new = [kind.removesuffix(f" in {dtype}") for kind in kinds if kind not in _told]
    _told.update(kinds)
    count = len(functions)
    if not new:
        return f"compiling {count} more of these kernels …"
    names = ", ".join(new)
    kernels = counted(count, "kernel")
    kept = "kept for later runs" if compiler.is_kept() else "for this process alone"
    return f"compiling {kernels} of {names} in {dtype}, {kept} …"


def told_end(seconds: float) -> str:
    """The sentence at the end of a compilation; the first one mentions `mnistlab warmup`, if its
    code would be kept.
    """
    took = f"compiled in {seconds:.0f} s"
    if WARMUP in _told or not compiler.is_kept():
        return took
    _told.add(WARMUP)
    return f"{took}; {WARMUP}"


def compile_in_advance(
    loops: Sequence[Compiled],
    functions: Sequence[Compiled],
    processes: int,
    progress: Callable[[int, int], None],
    tell: Callable[[str], None] = lambda text: None,
) -> tuple[int, float]:
    """Compile what the cache lacks of these loops and functions, in `processes` processes.

    Between portions, other processes may compile: a training that starts meanwhile does not wait
    for all kernels. `progress` receives the number of compiled kernels and their total, from any
    thread. Returns the number of newly compiled kernels, and the seconds that it took.
    """
    started = time.perf_counter()
    missing = [one for one in (*loops, *functions) if not compiler.is_compiled(*one)]
    finished: list[None] = []  # appending to a list is thread-safe
    compiled = 0

    def done() -> None:
        finished.append(None)
        progress(len(finished), len(missing))

    if missing:
        progress(0, len(missing))
    size = PORTION * processes
    for start in range(0, len(missing), size):
        with compiler.compile_lock(waiting=lambda: tell(WAITING)) as lock:
            portion = missing[start : start + size]
            left = [one for one in portion if not compiler.is_compiled(*one)]
            _compile(left, [one for one in left if one in loops], processes, lock, done)
        for _ in range(len(portion) - len(left)):  # another process has compiled them
            done()
        compiled += len(left)
    return compiled, time.perf_counter() - started


def _compile(
    functions: Sequence[Compiled],
    loops: Sequence[Compiled],
    processes: int,
    lock: int,
    done: Callable[[], None],
) -> None:
    """Compile functions, of which some are loops, and mark them. The caller holds the lock."""

    def compile_loops() -> None:
        for loop in loops:
            compiler.compile_for(*loop)
            done()

    by_address = [one for one in functions if one not in loops]
    compile_all(by_address, processes, lock, first=compile_loops, done=done)
    for one in functions:
        compiler.mark_compiled(*one)
