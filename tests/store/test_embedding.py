"""A t-SNE is computed once for the same features, and never without data."""

import numpy as np
import pytest

from mnistlab.store import embedding as module
from mnistlab.store.embedding import embedding, kept_embedding
from mnistlab.support.errors import LackingError

CLASSES = np.arange(120) % 3


def features(seed: int = 0) -> np.ndarray:
    """Three groups far apart, float32 (120, 8)."""
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(120, 8)) + 20 * CLASSES[:, None]).astype(np.float32)


def test_similar_features_are_near_each_other_and_a_second_layout_is_equal():
    points = embedding(features())
    middles = np.array([points[k == CLASSES].mean(axis=0) for k in range(3)])
    nearest = np.linalg.norm(points[:, None] - middles, axis=2).argmin(axis=1)
    np.testing.assert_array_equal(nearest, CLASSES)
    np.testing.assert_array_equal(points, embedding(features()))


@pytest.fixture
def counted(monkeypatch):
    """The features that were actually laid out; the layout is their first two columns."""
    made = []

    def lay_out(values):
        made.append(values)
        return values[:, :2].astype(np.float64)

    monkeypatch.setattr(module, "embedding", lay_out)
    return made


def test_it_is_kept_for_these_features_and_made_anew_for_others(tmp_path, counted):
    path = tmp_path / "plots" / "tsne.safetensors"
    first = kept_embedding(path, features())
    np.testing.assert_array_equal(kept_embedding(path, features()), first)
    assert len(counted) == 1
    other = kept_embedding(path, features(1))
    assert len(counted) == 2
    assert not np.array_equal(other, first)


def test_a_damaged_one_is_made_anew(tmp_path, counted):
    path = tmp_path / "tsne.safetensors"
    kept_embedding(path, features())
    path.write_bytes(path.read_bytes()[:-9])
    kept_embedding(path, features())
    kept_embedding(path, features())
    assert len(counted) == 2


@pytest.mark.parametrize(
    "nothing", [np.zeros((50, 4)), np.full((50, 4), np.nan), np.eye(4), np.ones((50, 4))]
)
def test_nothing_to_lay_out_is_reported(tmp_path, nothing):
    with pytest.raises(LackingError):
        kept_embedding(tmp_path / "tsne.safetensors", nothing)
    assert list(tmp_path.iterdir()) == []
