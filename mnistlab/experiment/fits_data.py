"""Check whether a configuration fits its dataset."""

from mnistlab.config import RunConfig
from mnistlab.data import Dataset
from mnistlab.support.errors import UsageError
from mnistlab.training.trainer import run_length


def refuse_unfit(config: RunConfig, dataset: Dataset) -> None:
    """Raise UsageError, naming the key, if no step could be taken, or if early stopping would
    follow a metric that is never measured.
    """
    run_length(config, len(dataset.train))
    early = config.training.early_stopping
    if early is None or not early.monitor.startswith("val_") or len(dataset.validation):
        return
    raise UsageError(
        f"training.early_stopping.monitor: {early.monitor} is never measured: data.validation "
        f"{config.data.validation_images} leaves no image for validation, all "
        f"{len(dataset.train):,} are for training; raise data.validation, or monitor train_loss"
    )
