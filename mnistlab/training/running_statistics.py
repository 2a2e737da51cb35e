"""The running statistics of weights that were not trained step by step, such as a mean of weights.

Source: Izmailov et al., Averaging weights leads to wider optima and better generalization (2018),
section 3.2; PyTorch's `torch.optim.swa_utils.update_bn`.
"""

import numpy as np

from mnistlab.runtime.table import compile_tables
from mnistlab.training.trainer import Trainer


def measure_running_statistics(trainer: Trainer) -> None:
    """Set the running statistics of the trainer's current weights, measured in one more epoch.

    Each is the mean over the epoch's batches. The batches are those of the epoch after the last
    one: its order, its augmentation and its dropout follow from the configuration alone. Weights
    stay as they are. Does nothing for a network without such statistics.
    """
    program, length, params = trainer.program, trainer.length, trainer.params
    places = [np.arange(t.offset, t.offset + t.size) for t in program.tensors if not t.trained]
    if not places:
        return
    where = np.concatenate(places)
    (table,) = compile_tables(
        {"statistics": program.batch_statistics}, program.dtype, trainer.inference.tell
    ).values()
    epoch, sums = length.epochs, np.zeros(len(where))
    memory = trainer.memory._replace(order=trainer.order(epoch))
    for place in range(length.steps_per_epoch):
        step = epoch * length.steps_per_epoch + place
        window = trainer.window(memory, step)
        start = place - window.first
        table.run(window.memory, length.batch, window.images, start, start + 1, step)
        sums += params[where]
    params[where] = sums / length.steps_per_epoch
