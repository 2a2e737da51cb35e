"""mnistlab's engine on a row, by the functions that `mnistlab train` uses."""

import time
from contextlib import ExitStack

from benchmarks.serve import serve
from benchmarks.trainers import ready_trainer
from mnistlab import __version__
from mnistlab.config import RunConfig
from mnistlab.runtime.threads import engine_threads


class MnistlabPeer:
    """A trainer, on a number of threads."""

    version = __version__

    def __init__(self, config: RunConfig, threads: int) -> None:
        self._surroundings = ExitStack()
        self._surroundings.enter_context(engine_threads(threads))
        self.trainer = ready_trainer(config)

    def train(self, epochs: int) -> list[float]:
        trainer, seconds = self.trainer, []
        for _ in range(epochs):
            before = trainer.seconds
            trainer.clear_totals()
            if not trainer.train_to(trainer.step + trainer.length.steps_per_epoch):
                raise SystemExit("the training diverged")
            seconds.append(trainer.seconds - before)
        return seconds

    def evaluate(self) -> tuple[float, float]:
        started = time.perf_counter()
        evaluation = self.trainer.evaluate(self.trainer.dataset.test)
        seconds = time.perf_counter() - started
        return evaluation.accuracy, seconds


if __name__ == "__main__":
    serve(MnistlabPeer)
