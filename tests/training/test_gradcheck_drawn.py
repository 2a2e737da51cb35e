"""Networks drawn at random: no right gradient is called wrong, and wrong ones are found.

`python tests/training/drawn_networks.py 0 1000` draws as many as requested.
"""

import collections
import functools
from dataclasses import replace

import numpy as np
import pytest
from drawn_networks import drawn

from mnistlab.config import RunConfig
from mnistlab.training.gradcheck import Objective, check_gradients

DRAWS, PART = 60, 20


@pytest.mark.parametrize("first", range(0, DRAWS, PART))
def test_no_right_gradient_is_called_wrong_and_few_are_not_compared(first):
    verdicts = collections.Counter()
    for number in range(first, first + PART):
        checks = check_gradients(*drawn(number))
        verdicts.update(tensor.verdict for tensor in checks)
        assert [tensor for tensor in checks if tensor.verdict == "wrong"] == [], number
    assert verdicts["not compared"] <= 0.15 * verdicts.total()


FAULTS = {
    "a tenth more": lambda dW: 1.1 * dW,
    "the other sign": lambda dW: -dW,
    "none": lambda dW: 0 * dW,
    "one weight's alone": lambda dW: np.where(np.abs(dW) == np.abs(dW).max(), 2 * dW, dW),
    "no number": lambda dW: dW + np.where(np.arange(dW.size) == np.abs(dW).argmax(), np.nan, 0),
}


# For each way to normalize, networks that are drawn for it alone.
NETWORKS = {"minmax": range(300, 306), "none": range(306, 312)}


@functools.cache
def network(number, normalize):
    config, dataset = drawn(number)
    if normalize == "none":
        dataset = replace(dataset, scale=1.0, offset=0.0)
    return config, dataset, check_gradients(config, dataset)


@pytest.mark.parametrize("normalize", NETWORKS)
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_wrong_gradient_is_found_wherever_a_right_one_is_compared(monkeypatch, normalize, fault):
    monkeypatch.setattr("mnistlab.training.gradcheck.COORDINATES", 1_000)
    found = 0
    for number in NETWORKS[normalize]:
        config, dataset, right = network(number, normalize)
        tensors = Objective(config, dataset).program.tensors
        place = number % len(tensors)
        spoilt = slice(tensors[place].offset, tensors[place].offset + tensors[place].size)
        gradient = Objective.gradient

        def wrong(objective, gradient=gradient, spoilt=spoilt):
            slopes = gradient(objective)
            slopes[spoilt] = fault(slopes[spoilt])
            return slopes

        with monkeypatch.context() as planted:
            planted.setattr(Objective, "gradient", wrong)
            checks = check_gradients(config, dataset)
        others = [tensor for index, tensor in enumerate(checks) if index != place]
        assert all(tensor.verdict != "wrong" for tensor in others)
        if right[place].verdict == "right" and right[place].error > 0:
            assert checks[place].verdict == "wrong", (number, right[place], checks[place])
            found += 1
    assert found > 3


def test_a_loss_that_is_no_number_leaves_nothing_to_compare():
    config, dataset = drawn(0)
    init = RunConfig.model_validate({"init": {"type": "normal", "std": 1e300}}).init
    config = config.model_copy(update={"init": init})
    assert {tensor.verdict for tensor in check_gradients(config, dataset)} == {"not compared"}
