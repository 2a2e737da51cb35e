"""What holds for every test and for every process that a test starts."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# Numba makes one pool of threads in a process and refuses another number afterwards: as many as the
# test that asks for most.
os.environ["NUMBA_NUM_THREADS"] = "4"
# Each processor has a test process of its own. A thread that waits must sleep: one that spins takes
# its time from the other process. OpenBLAS's threads spin whatever they are told, so it has one.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Nobody cuts the power here, and a small run waits for the disk as long as it works. The tests of
# durable writes look at the calls themselves.
os.fsync = lambda descriptor: None  # type: ignore[assignment]

# A busy machine makes a drawn example slow, which says nothing of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# Where a shell runs the tests in the background it ignores Ctrl-C for them, and so would every
# command that a test starts and then stops.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run files with long tests first: a long test at the end would leave other processors idle."""
    first = {item.path for item in items if item.get_closest_marker("long")}
    items.sort(key=lambda item: item.path not in first)


@pytest.fixture(autouse=True, scope="session")
def compile_alone() -> Iterator[None]:
    """Compile in this process: other processors have tests of their own, and helpers start slowly.

    The processes that tests start compile as a user's do.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mnistlab.runtime.compiler.processors", lambda: 1)
        yield


@pytest.fixture
def trials_here() -> Iterator[None]:
    """Sweeps train in this process: workers are not what the test is about, and start slowly."""
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
