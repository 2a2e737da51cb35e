"""A forest of extremely randomised trees."""

import numpy as np

from mnistlab.statistics.forest import LEAF, grown


def data(rows: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """Three columns: the output steps and bends with the first two, and ignores the third."""
    stream = np.random.default_rng(3)
    inputs = stream.uniform(-1, 1, (rows, 3))
    return inputs, np.where(inputs[:, 0] > 0.2, 2.0, 0.0) + inputs[:, 1] ** 2


def test_it_predicts_new_rows_about_as_well_as_scikit_learns_does():
    from sklearn.ensemble import ExtraTreesRegressor

    inputs, outputs = data()
    train, new = slice(0, 200), slice(200, 300)
    stated = ExtraTreesRegressor(100, random_state=0).fit(inputs[train], outputs[train])
    errors = [
        ((one.predict(inputs[new]) - outputs[new]) ** 2).mean()
        for one in (grown(inputs[train], outputs[train], 100, seed=0), stated)
    ]
    assert errors[0] < 1.2 * errors[1] < 0.1 * outputs.var()


def test_each_tree_knows_the_rows_that_it_has_grown_on():
    inputs, outputs = data(57)
    found = grown(inputs, outputs, 10, seed=1)
    np.testing.assert_allclose(found.predict(inputs), outputs, rtol=1e-12)
    assert (found.split != LEAF).sum() == 10 * (57 - 1)


def test_rows_that_no_column_tells_apart_get_their_mean():
    inputs = np.array([[1.0, 5.0], [1.0, 5.0], [2.0, 5.0]])
    found = grown(inputs, np.array([3.0, 5.0, 9.0]), 4, seed=0)
    np.testing.assert_allclose(found.predict(inputs), [4, 4, 9])
    alone = grown(inputs[:2], np.array([3.0, 5.0]), 4, seed=0)
    assert alone.split.tolist() == [LEAF] * 4


def test_equal_columns_share_the_nodes_and_a_seed_gives_one_forest():
    inputs, outputs = data(80)
    twice = inputs[:, [0, 0]]
    found = grown(twice, outputs, 50, seed=0)
    asked = np.bincount(found.split[found.split != LEAF], minlength=2)
    assert 0.4 < asked[0] / asked.sum() < 0.6
    np.testing.assert_array_equal(found.split, grown(twice, outputs, 50, seed=0).split)


def test_many_rows_are_predicted_in_parts(monkeypatch):
    from mnistlab.statistics import forest

    inputs, outputs = data(90)
    found = grown(inputs, outputs, 7, seed=0)
    whole = found.predict(inputs)
    monkeypatch.setattr(forest, "MOST_AT_ONCE", 7 * 4)
    np.testing.assert_array_equal(found.predict(inputs), whole)
