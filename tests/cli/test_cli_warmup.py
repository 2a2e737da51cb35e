import pytest
from cli_helpers import Terminal, mnistlab

from mnistlab.config import run_config_from_mapping
from mnistlab.runtime.loop import run_batches, run_batches_types
from mnistlab.terminal import count_progress
from mnistlab.training.lower import lower

WORDS = ("compiling", "compiled {done} of {total} kernels")


@pytest.fixture
def few_kernels(monkeypatch, tmp_path):
    """Adam's update alone, so that the test does not wait for all kernels, nor for their list.

    That a cache has them all is not true of the cache that the tests share.
    """
    config = run_config_from_mapping({"model": "softmax", "optimizer": "adam"})
    ops = lower(config, (8, 8), 10, 32).training["step"]
    adam = next(op for op in ops if op.function.place[1] == "adam")

    def few(dtypes):
        asked.append([str(dtype) for dtype in dtypes])
        loops = [(run_batches, run_batches_types(dtype)) for dtype in dtypes]
        return loops, [one for dtype in dtypes for one in adam.functions(dtype)]

    asked: list[list[str]] = []
    monkeypatch.setattr("mnistlab.python.commands.warmup.every_kernel", few)
    monkeypatch.setattr("mnistlab.python.commands.warmup.kernel_cache_dir", lambda: tmp_path)
    return asked


@pytest.mark.long
def test_warmup_compiles_what_the_cache_lacks_and_prints_its_path(few_kernels, tmp_path):
    first = mnistlab("warmup", "--dtype", "float32")
    again = mnistlab("warmup", "--dtype", "float32")
    assert (first.exit_code, again.exit_code) == (0, 0)
    assert again.stdout == first.stdout == f"{tmp_path}\n"
    assert again.stderr == "nothing left to compile: the cache has all 2 kernels\n"
    document = mnistlab("warmup", "--dtype", "float32", "--json").document
    assert (document["kernels"], document["compiled"]) == (2, 0)
    assert few_kernels == [["float32"]]  # the list is made once


def test_warmup_refuses_where_nothing_is_compiled(monkeypatch):
    monkeypatch.setattr("mnistlab.python.commands.warmup.INTERPRETED", True)
    outcome = mnistlab("warmup")
    assert (outcome.exit_code, outcome.stderr) == (
        2,
        "NUMBA_DISABLE_JIT is set in the environment: no kernel is compiled\n",
    )


def test_lines_tell_each_tenth_of_the_kernels(capsys):
    with count_progress.watch_count(*WORDS, quiet=False) as progress:
        for done in range(21):
            progress(done, 20)
    lines = capsys.readouterr().err.splitlines()
    assert lines[:3] == [f"compiled {done} of 20 kernels" for done in (0, 2, 4)]
    assert len(lines) == 11
    with count_progress.watch_count(*WORDS, quiet=False) as progress:
        for done in (3, 9, 20, 20):  # some are skipped, and the end is told twice
            progress(done, 20)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"compiled {done} of 20 kernels" for done in (3, 9, 20)]


def test_a_terminal_shows_a_bar(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with count_progress.watch_count(*WORDS, quiet=False) as progress:
        progress(3, 20)
    assert "3/20" in terminal.getvalue()
