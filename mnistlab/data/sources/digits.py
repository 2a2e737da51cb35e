"""The `digits` source: UCI's digits in MNIST's shape, without a download.

digits.npz has the images as scikit-learn bundles them, uint8 (1797, 8, 8), and their labels;
digits.LICENSE says whose they are.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from mnistlab.data.arrays import Arrays, Bytes
from mnistlab.data.source_kinds import DIGIT_NAMES, BundledSource

FILE = Path(__file__).with_suffix(".npz")
TEST_COUNT = 360
MAX_INK = 16
SMALL, LARGE, FRAME = 8, 20, 4


def decode() -> Arrays:
    """1,437 training and 360 test images, uint8 (n, 28, 28), labels 0 to 9 uint8 (n,).

    Source: UCI Optical Recognition of Handwritten Digits, as `sklearn.datasets.load_digits`.
    """
    with np.load(FILE) as bundled:
        small, labels = bundled["images"], bundled["labels"]
    images = np.pad(enlarge(small.astype(np.int64)), ((0, 0), (FRAME,) * 2, (FRAME,) * 2))
    return Arrays(
        images[:-TEST_COUNT], labels[:-TEST_COUNT], images[-TEST_COUNT:], labels[-TEST_COUNT:]
    )


def enlarge(images: npt.NDArray[np.int64]) -> Bytes:
    """Images of 0 to 16, (n, 8, 8), to images of 0 to 255, uint8 (n, 20, 20), bilinear.

    In integer arithmetic, so that every processor gives the same bytes.
    """
    weights = _bilinear_weights()
    tenfold = weights @ images @ weights.T  # a hundred times the interpolated value
    full = MAX_INK * 10 * 10
    return ((tenfold * 255 + full // 2) // full).astype(np.uint8)


def _bilinear_weights() -> npt.NDArray[np.int64]:
    """(20, 8): the weight of each old pixel in each new one, in tenths; every row has sum 10.

    New pixel i's centre is at (i + 1/2) * 8/20 - 1/2 = (4i - 3) / 10 old pixels, limited to the
    edge pixels' centres.
    """
    tenths = np.clip(4 * np.arange(LARGE) - 3, 0, 10 * (SMALL - 1))
    below, share = np.divmod(tenths, 10)
    weights = np.zeros((LARGE, SMALL), dtype=np.int64)
    rows = np.arange(LARGE)
    weights[rows, below] += 10 - share
    weights[rows, np.minimum(below + 1, SMALL - 1)] += share
    return weights


SOURCE = BundledSource(
    name="digits",
    description="1,797 handwritten digits of UCI, bundled: needs no network",
    class_names=DIGIT_NAMES,
    decode=decode,
)
