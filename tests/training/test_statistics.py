"""What layers.csv says of the units of a layer."""

import numpy as np

from mnistlab.blocks.activations.relu import ReLU
from mnistlab.training.statistics import by_unit


def test_a_filter_is_dead_only_where_it_is_so_at_every_position_of_its_map():
    maps = np.zeros((3, 2, 4, 4))  # images, filters, rows, columns
    maps[1, 1, 2, 2] = 0.5  # the second filter answers once, inside; its border is always 0
    flat = maps.reshape(3, -1)
    assert ReLU().inactive_share(by_unit(flat, (2, 4, 4))) == 0.5
    assert ReLU().inactive_share(flat) == 31 / 32


def test_a_unit_of_a_dense_layer_is_judged_alone():
    values = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    assert ReLU().inactive_share(by_unit(values, (3,))) == 2 / 3
