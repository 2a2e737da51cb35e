"""The weights of other runs that a configuration names: those it starts from, and its teacher's."""

from mnistlab.blocks.inits import path_key
from mnistlab.config import RunConfig
from mnistlab.experiment.teacher import teacher_of
from mnistlab.store.run_dir import open_run
from mnistlab.support.errors import UsageError
from mnistlab.support.run_weights import FINAL, find_weights


def missing_weights(config: RunConfig) -> list[str]:
    """Errors about weights that a configuration names and that do not exist.

    It needs no dataset, so it does not find weights that exist and do not fit.
    """
    errors: list[str] = []
    for layer, init in ((None, config.init), *config.init.layers.items()):
        try:
            init.refuse_missing()
        except UsageError as error:
            errors += [f"{path_key(layer)}: {message}" for message in error.messages]
    if teacher := teacher_of(config):
        try:
            run = open_run(teacher.run).path
            # A run that has not ended has no final weights; its checkpoint teaches.
            if teacher.weights != FINAL:
                find_weights(run, teacher.weights)
        except UsageError as error:
            errors += [f"loss.teacher.run: {message}" for message in error.messages]
    return errors
