"""The probabilities in predictions.csv."""

import numpy as np

from mnistlab.store.predictions import read_predictions, write_predictions


def test_a_probability_is_the_nearest_number_of_nine_digits_as_python_writes_it(tmp_path):
    stream = np.random.default_rng(0)
    drawn = 10.0 ** stream.uniform(-12, 12, 500) * stream.choice([-1, 1], 500)
    special = [0.0, -0.0, 1.0, 0.1, 1e-4, 99999e-9, 1e9, 123456789.0, 1e16, np.nan, np.inf, -np.inf]
    values = np.concatenate([drawn, special])
    classes = np.zeros(len(values), np.int64)
    write_predictions(tmp_path / "p.csv", classes, classes, values)
    lines = (tmp_path / "p.csv").read_text().splitlines()[1:]
    wanted = [repr(float(f"{value:.9g}")) for value in values.tolist()]
    assert [line.split(",")[3] for line in lines] == wanted
    found = read_predictions(tmp_path / "p.csv").probabilities
    np.testing.assert_array_equal(found, [float(one) for one in wanted])
