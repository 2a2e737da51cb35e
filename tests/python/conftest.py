from pathlib import Path

import numpy as np
import pytest
from library_helpers import TINY

import mnistlab


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder, where runs and datasets stay."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MNISTLAB_RUNS_DIR", raising=False)
    monkeypatch.setenv("MNISTLAB_DATA_DIR", str(tmp_path / "data"))
    return tmp_path


@pytest.fixture(scope="session")
def digits():
    return mnistlab.load_dataset("digits")


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> mnistlab.Run:
    """A run of TINY, for tests that only read it."""
    folder = tmp_path_factory.mktemp("trained")
    return mnistlab.train(TINY, runs_dir=folder, data_dir=folder, plots=False, quiet=True)


@pytest.fixture(scope="module")
def images(digits):
    """(images uint8 (200, 28, 28), labels (200,))"""
    return np.array(digits.train_images[:200]), digits.train_labels[:200].astype(np.int64)
