"""t-SNE of a layer's activations, cached in the run's folder."""

import hashlib
from pathlib import Path

import numpy as np

from mnistlab.store.checkpoint import save_tensors
from mnistlab.support.errors import LackingError, UsageError
from mnistlab.support.tensor_file import load_tensors

IMAGES = 2000  # at most
PERPLEXITY = 30.0
# With this rate and angle, 400 iterations give the result of 500 with scikit-learn's defaults, in
# 60 % of the time (docs/decisions.md).
SETTINGS = {"max_iter": 400, "learning_rate": 200.0, "angle": 0.8}
FEWEST = 10
KEY, POINTS = "key", "points"


def kept_embedding(path: Path, features: np.ndarray) -> np.ndarray:
    """The t-SNE of `features` (n, units), float64 (n, 2): from `path` if it was made from these
    features.

    If the file has other features or is damaged, the t-SNE is computed again. Raises LackingError
    if there is nothing to lay out: too few images, or a layer with equal values for all.
    """
    features = np.ascontiguousarray(features, np.float32)
    key = hashlib.sha256(features.tobytes()).hexdigest() + f" {SETTINGS} {PERPLEXITY}"
    try:
        tensors, metadata = load_tensors(path)
        if metadata.get(KEY) == key:
            return tensors[POINTS]
    except (UsageError, KeyError):
        pass  # missing or damaged: compute it again
    points = embedding(features)
    path.parent.mkdir(exist_ok=True)
    save_tensors(path, {POINTS: points}, {KEY: key})
    return points


def embedding(features: np.ndarray) -> np.ndarray:
    """The t-SNE of `features` (n, units), float64 (n, 2).

    Source: van der Maaten and Hinton, Visualizing data using t-SNE (2008), by Barnes-Hut.
    """
    if len(features) < FEWEST:
        raise LackingError(f"{len(features)} images are too few to lay out")
    if not np.isfinite(features).all() or np.ptp(features, axis=0).max() == 0:
        raise LackingError(
            "the activations of the last hidden layer are equal for all images, or not finite"
        )
    from sklearn.manifold import TSNE

    perplexity = min(PERPLEXITY, (len(features) - 1) / 3)
    tsne = TSNE(init="pca", perplexity=perplexity, random_state=0, **SETTINGS)
    return tsne.fit_transform(features).astype(np.float64)
