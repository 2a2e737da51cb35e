"""Every optimizer takes the same steps on any number of threads."""

import pytest
from engine_helpers import digest, train
from fast_path_helpers import OPTIMIZERS, divide_all_work, mlp, run_of

from mnistlab.runtime.threads import engine_threads


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_one_two_and_three_threads_leave_the_same_bits(tmp_path, monkeypatch, optimizer):
    divide_all_work(monkeypatch)
    found = []
    for threads in (1, 2, 3):
        with engine_threads(threads):
            trainer, _ = run_of(tmp_path, mlp(40), 32, 12, optimizer)
            assert max(op.lanes for op in trainer.program.training["step"]) >= 3
            assert train(trainer)
            found.append((digest(trainer.params), digest(trainer.memory.states)))
    assert found[0] == found[1] == found[2]
