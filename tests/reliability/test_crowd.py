"""Some rounds of `crowd_rounds.py`: many processes at once, with cold and with warm caches."""

import pytest

from tools.crowd_rounds import cold_round, warm_round

# The configuration that compiles fastest.
SMALL = ("model=softmax", "optimizer=sgd", "training.kernels=plain")


@pytest.mark.slow
def test_of_many_with_cold_caches_one_compiles_and_one_decodes_and_the_rest_at_once_need_neither(
    tmp_path,
):
    cold = cold_round(tmp_path, 3, mixed=False, values=SMALL)
    assert (cold.faults, cold.compiled, cold.decoded) == ([], 1, 1)
    warm = warm_round(tmp_path, 3, SMALL)
    assert (warm.faults, warm.compiled, warm.decoded) == ([], 0, 0)
