"""Settings for every test and for every process that a test starts."""

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# Numba makes one thread pool per process and refuses another size afterwards: it has the size that
# the most demanding test needs.
os.environ["NUMBA_NUM_THREADS"] = "4"
# Each processor has its own test process. A waiting thread must sleep, because one that spins takes
# time from the other process. OpenBLAS's threads always spin, so it has one.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# There is no power failure here, and a small run waits for the disk as long as it works. The tests
# of atomic writes check the calls themselves.
os.fsync = lambda descriptor: None  # type: ignore[assignment]

# A busy machine slows drawn examples down; that is no fault of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# A shell that runs the tests in the background ignores Ctrl-C for them, and so would every command
# that a test starts and stops.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    """Leave slow tests out, unless the command line names files, tests or marks."""
    option = config.option
    if not (option.markexpr or option.keyword or any(".py" in one for one in config.args)):
        option.markexpr = "not slow"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run files with long tests first: a long test at the end would leave other processors idle."""
    first = {item.path for item in items if item.get_closest_marker("long")}
    items.sort(key=lambda item: item.path not in first)


def pytest_collection_finish() -> None:
    """Collect garbage less often, and never look at the thousands of tests.

    The compiler makes millions of objects; looking at them takes a tenth of its time.
    """
    gc.freeze()
    gc.set_threshold(100_000, 10, 10)


@pytest.fixture(autouse=True, scope="session")
def compile_alone() -> Iterator[None]:
    """Compile in this process: other processors run other tests, and helpers start slowly.

    Processes that tests start compile as a user's do.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mnistlab.runtime.compiler.processors", lambda: 1)
        yield


@pytest.fixture
def trials_here() -> Iterator[None]:
    """Train sweeps in this process: the test is not about workers, and they start slowly."""
    from tools.here_executor import trials_in_this_process

    with trials_in_this_process():
        yield


@pytest.fixture
def few_images_in_tsne(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lay out 60 images in the t-SNE: with all of them it takes longer than all other figures."""
    monkeypatch.setattr("mnistlab.figures.run.tsne.IMAGES", 60)


@pytest.fixture
def mnist_data_dir() -> Path:
    data_dir = os.environ.get("MNISTLAB_DATA_DIR")
    if not data_dir or not (Path(data_dir) / "mnist").is_dir():
        pytest.skip("MNISTLAB_DATA_DIR has no folder mnist")
    return Path(data_dir)
