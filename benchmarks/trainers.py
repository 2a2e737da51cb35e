"""A training of mnistlab without a run folder, for benchmarks within this process."""

from mnistlab.config import RunConfig
from mnistlab.experiment.dataset import load_data
from mnistlab.support.paths import data_dir
from mnistlab.training.initializers import initial_params
from mnistlab.training.trainer import Trainer


def ready_trainer(config: RunConfig) -> Trainer:
    """A compiled trainer with its initial weights, as `mnistlab.experiment.runner` makes it."""
    trainer = Trainer(config, load_data(config, data_dir()))
    program = trainer.program
    trainer.params[:] = initial_params(
        config.init, program.tensors, program.sizes.parameters, config.seed, program.dtype
    )
    trainer.compile()
    return trainer
