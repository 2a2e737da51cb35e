import pytest
from data_helpers import Mirror, small_arrays, toy_dataset

from mnistlab.data.sources import SOURCES


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MNISTLAB_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")  # a proxy would be between test and mirror
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def arrays():
    return small_arrays()


@pytest.fixture
def make_mirror(arrays):
    """Starts a mirror of the small arrays with a given behaviour; all are stopped at the end."""
    mirrors = []

    def make(behaviour):
        mirrors.append(Mirror(arrays, behaviour))
        return mirrors[-1]

    yield make
    for mirror in mirrors:
        mirror.close()


@pytest.fixture
def know(arrays, monkeypatch):
    """Registers the dataset `toy`, with the given mirrors."""

    def make_known(*mirrors, checksum="sha256"):
        urls = tuple(mirror if isinstance(mirror, str) else mirror.url for mirror in mirrors)
        dataset = toy_dataset(arrays, urls, checksum=checksum)
        monkeypatch.setitem(SOURCES, "toy", dataset)
        return dataset

    return make_known
