"""How long a run is: its images, batches and steps."""

import math
from dataclasses import dataclass

from mnistlab.config import RunConfig, TrainingConfig
from mnistlab.support.errors import UsageError
from mnistlab.support.text_format import counted


@dataclass(frozen=True)
class RunLength:
    """The size of a run: images per epoch, rows per batch, steps per epoch, steps in all."""

    images: int
    batch: int
    steps_per_epoch: int
    steps: int

    @property
    def epochs(self) -> int:
        return math.ceil(self.steps / self.steps_per_epoch)

    @property
    def smallest_batch(self) -> int:
        """The rows of an epoch's last batch, which may be ragged."""
        return self.images % self.batch or self.batch


def run_length(config: RunConfig, images: int) -> RunLength:
    """The steps of a run on `images` training images.

    Raises UsageError if `drop_last` leaves no batch.
    """
    training = config.training
    _refuse_no_full_batch(training, images)
    batch = images if training.batch_size == "full" else min(training.batch_size, images)
    whole = images // batch * batch
    if training.shuffle == "replacement":
        per_epoch = math.ceil(images / batch) * batch
    else:
        per_epoch = whole if training.drop_last else images
    steps_per_epoch = math.ceil(per_epoch / batch)
    # The configuration has exactly one of the two.
    steps = training.steps or (training.epochs or 0) * steps_per_epoch
    return RunLength(per_epoch, batch, steps_per_epoch, steps)


def _refuse_no_full_batch(training: TrainingConfig, images: int) -> None:
    # A batch drawn with replacement is always full.
    if not training.drop_last or training.shuffle == "replacement":
        return
    if training.batch_size != "full" and training.batch_size > images:
        raise UsageError(
            f"training.drop_last: no batch would be left: found "
            f"{counted(images, 'training image')}, fewer "
            f"than training.batch_size, {training.batch_size}; lower batch_size, or set drop_last "
            "to false"
        )
