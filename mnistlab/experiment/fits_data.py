"""Check whether a configuration fits its dataset."""

from mnistlab.config import RunConfig
from mnistlab.data import Dataset
from mnistlab.support.errors import UsageError
from mnistlab.training.run_length import run_length


def refuse_unfit(config: RunConfig, dataset: Dataset) -> None:
    """Raise UsageError, naming the key, if no step could be taken, or if early stopping or
    the schedule would follow a metric that is never measured.
    """
    run_length(config, len(dataset.train))
    early, rule = config.training.early_stopping, config.lr_schedule.fall_rule()
    monitors = {"lr_schedule": rule, "training.early_stopping": early}
    for key, one in monitors.items():
        if one is not None and one.monitor.startswith("val_") and not len(dataset.validation):
            raise UsageError(
                f"{key}.monitor: {one.monitor} is never measured: data.validation "
                f"{config.data.validation_images} leaves no image for validation, all "
                f"{len(dataset.train):,} are for training; raise data.validation, or monitor "
                "train_loss"
            )
