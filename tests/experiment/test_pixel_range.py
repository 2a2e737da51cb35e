"""The warning about pixels of 0 and 1."""

import numpy as np
import pytest

from mnistlab import check
from tools.short_runs import train

BITS = (np.arange(480).reshape(30, 4, 4) % 3 == 0).astype(np.uint8)
LABELS = np.tile([0, 1, 2], 10)


def own(path, factor=1, **data):
    """The configuration of a short run with black and white images of its own."""
    images = BITS * factor
    np.savez(path, x_train=images, y_train=LABELS, x_test=images, y_test=LABELS)
    return {"data": {"source": "npz", "path": str(path), **data}}


@pytest.mark.parametrize("normalize", ["minmax", "none", "standardize"])
@pytest.mark.parametrize("factor", [np.True_, 1.0, 2, 255])
def test_only_nearly_black_images_are_told(normalize, factor, tmp_path, caplog):
    check(own(tmp_path / "own.npz", factor, normalize=normalize), quiet=True)
    told = "data.path: the pixels are 0 and 1, but 255 is white" in caplog.text
    assert told == (normalize == "minmax" and factor <= 1)


def test_a_run_warns_once_and_keeps_it_in_its_log(tmp_path, caplog):
    run = train(tmp_path, own(tmp_path / "own.npz")).run_dir
    assert caplog.text.count("the pixels are 0 and 1") == 1
    assert "the pixels are 0 and 1" in (run / "train.log").read_text(encoding="utf-8")
