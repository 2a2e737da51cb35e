"""Runs that can be stopped after any step."""

import pytest

from mnistlab.experiment import run_writer
from mnistlab.training import trainer


@pytest.fixture
def look_after_every_step(monkeypatch):
    """Leave the compiled loop after every step, so that a run can be stopped after any."""
    monkeypatch.setattr(trainer, "SECONDS_BETWEEN_LOOKS", 0.0)
    monkeypatch.setattr(run_writer, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)
