"""The sample picture for `predict`."""

import json
import subprocess
import sys

import numpy as np
import pytest
from docs_helpers import REPOSITORY
from PIL import Image

from docs.draw_digit import FILE, picture


def test_the_sample_picture_is_what_its_program_draws():
    with Image.open(FILE) as shown:
        drawn, there = np.asarray(picture(), int), np.asarray(shown, int)
    assert drawn.shape == there.shape
    assert np.abs(drawn - there).max() <= 8  # versions of the library round differently


@pytest.mark.slow
def test_the_network_of_the_quick_start_predicts_the_sample_picture(tmp_path):
    def mnistlab(*words):
        line = [sys.executable, "-m", "mnistlab", *map(str, words)]
        return subprocess.run(line, cwd=REPOSITORY, capture_output=True, text=True, check=True)

    quick = ("train", "configs/quickstart.yaml", "--no-plots", "--runs-dir", tmp_path)
    mnistlab(*quick)
    told = mnistlab("predict", tmp_path / "latest", "examples/digit.png", "--json").stdout
    (prediction,) = json.loads(told)["predictions"]
    assert prediction["predicted"] == 3
