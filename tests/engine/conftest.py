import os
from pathlib import Path

import pytest


@pytest.fixture
def mnist_data_dir() -> Path:
    data_dir = os.environ.get("MNISTLAB_DATA_DIR")
    if not data_dir or not (Path(data_dir) / "mnist").is_dir():
        pytest.skip("MNISTLAB_DATA_DIR has no folder mnist")
    return Path(data_dir)
