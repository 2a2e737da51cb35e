import gzip
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import IDX_NAMES, TINY


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with `tiny.yaml` in it; datasets and runs stay inside."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MNISTLAB_RUNS_DIR", raising=False)
    monkeypatch.setenv("MNISTLAB_DATA_DIR", str(tmp_path / "data"))
    # --threads changes it for the process; this restores it.
    monkeypatch.setenv("NUMBA_NUM_THREADS", "4")
    (tmp_path / "tiny.yaml").write_text(TINY)
    return tmp_path


@pytest.fixture
def own_images(home: Path) -> Path:
    """A folder of four IDX files: 12 training and 6 test images of 5 x 4 pixels, 3 classes."""
    folder = home / "own"
    folder.mkdir()
    rng = np.random.default_rng(5)
    for name in IDX_NAMES:
        count = 12 if name.startswith("train") else 6
        if "images" in name:
            shape, values = (count, 5, 4), rng.integers(0, 256, (count, 5, 4), dtype=np.uint8)
        else:
            shape, values = (count,), np.arange(count, dtype=np.uint8) % 3
        header = bytes([0, 0, 8, len(shape)]) + np.array(shape, ">i4").tobytes()
        (folder / f"{name}.gz").write_bytes(gzip.compress(header + values.tobytes()))
    return folder
