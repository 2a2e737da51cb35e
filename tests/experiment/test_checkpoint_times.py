"""How often a run writes a checkpoint."""

import time
from types import SimpleNamespace

import pytest

from mnistlab.experiment.run_writer import RunWriter


class CountingWriter(RunWriter):
    """A writer that only counts the checkpoints that it would write."""

    def __init__(self):
        self.trainer = SimpleNamespace(seconds=0.0)
        self.trained, self.written = 0.0, time.perf_counter()
        self.count = 0

    def snapshot(self):
        return None

    def write_checkpoint(self):
        self.count += 1


@pytest.fixture
def writer():
    return CountingWriter()


def test_two_seconds_of_training_lie_between_two_checkpoints(writer):
    counts = []
    for seconds in (0.5, 1.9, 2.1, 3.0, 4.0, 4.2):
        writer.trainer.seconds = seconds
        writer.take_checkpoint()
        counts.append(writer.count)
    assert counts == [0, 0, 1, 1, 1, 2]


def test_a_run_beside_others_writes_by_its_share_of_the_time(writer):
    writer.trainer.seconds = 0.5
    writer.written -= 10.0  # by the clock; nine others trained as well
    writer.take_checkpoint()
    assert writer.count == 0


def test_a_run_that_evaluates_long_does_not_wait_longer_than_half_a_minute(writer):
    writer.trainer.seconds = 0.5
    writer.written -= 31.0
    writer.take_checkpoint()
    assert writer.count == 1
